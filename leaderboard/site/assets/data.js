// The page's numbers, as payload.py packed them: found by entry, task and length, and put together over tasks.
"use strict";

(() => {
  const said = JSON.parse(document.getElementById("data").textContent);
  const {entries, tasks, lengths, rows, scores} = said;

  const reader = (columns, names) => {
    const made = {};
    for (const name of names) {
      const column = columns[name];
      made[name] = Array.isArray(column) ? (row) => column[row] : () => (column === undefined ? null : column);
    }
    return made;
  };
  const column = reader(rows, [
    "accuracy",
    "ci_low",
    "ci_high",
    "chance",
    "n",
    "correct",
    "n_tokens",
    "n_error",
    "n_skipped",
    "tokens_per_second",
    "state_bytes",
    "peak_memory_bytes",
    "peak_device_bytes",
    "flops_per_token",
    "rank_low",
    "rank_high",
  ]);

  const place = (entry, task, length) => (entry * tasks.length + task) * lengths.length + length;
  const index = new Int32Array(entries.length * tasks.length * lengths.length).fill(-1);
  rows.entry.forEach((entry, row) => {
    index[place(entry, rows.task[row], rows.length[row])] = row;
  });

  // One result: a model, a task, a length; null where it was not asked.
  const cell = (entry, task, length) => {
    const row = index[place(entry, task, length)];
    if (row < 0) return null;
    const ranked = said.ranked.rows.includes(tasks[task]);
    return {
      accuracy: column.accuracy(row),
      low: column.ci_low(row),
      high: column.ci_high(row),
      chance: column.chance(row),
      n: column.n(row),
      correct: column.correct(row),
      tokens: column.n_tokens(row) ?? lengths[length].tokens,
      errors: column.n_error(row),
      skipped: column.n_skipped(row),
      speed: column.tokens_per_second(row),
      state: column.state_bytes(row),
      memory: column.peak_memory_bytes(row),
      device: column.peak_device_bytes(row),
      work: column.flops_per_token(row),
      rankLow: ranked ? column.rank_low(row) : null,
      rankHigh: column.rank_high(row),
      tasks: 1,
    };
  };

  const sum = (cells, name) => cells.reduce((total, one) => total + (one[name] ?? 0), 0);
  const mean = (cells, name) => (cells.every((one) => Board.known(one[name])) ? sum(cells, name) / cells.length : null);
  const most = (cells, name) =>
    cells.reduce((top, one) => (Board.known(one[name]) && (top === null || one[name] > top) ? one[name] : top), null);
  // The end of the interval of a mean of independent shares, from the ends of theirs: MOVER (Zou, Donner 2008).
  const mover = (cells, end) => {
    if (!cells.every((one) => Board.known(one[end]))) return null;
    const squares = cells.reduce((total, one) => total + (one[end] - one.accuracy) ** 2, 0);
    return mean(cells, "accuracy") + ((end === "low" ? -1 : 1) * Math.sqrt(squares)) / cells.length;
  };

  // The mean over tasks; null unless each of them was asked at this length and has an accuracy.
  const combine = (entry, chosen, length) => {
    const cells = chosen.map((task) => cell(entry, task, length));
    if (cells.length === 1) return cells[0];
    if (!cells.length || cells.some((one) => one === null || !Board.known(one.accuracy))) return null;
    return {
      accuracy: mean(cells, "accuracy"),
      low: mover(cells, "low"),
      high: mover(cells, "high"),
      chance: mean(cells, "chance"),
      tokens: mean(cells, "tokens"),
      n: sum(cells, "n"),
      correct: sum(cells, "correct"),
      errors: sum(cells, "errors"),
      skipped: sum(cells, "skipped"),
      speed: mean(cells, "speed"),
      state: most(cells, "state"),
      memory: most(cells, "memory"),
      device: most(cells, "device"),
      work: mean(cells, "work"),
      tasks: cells.length,
    };
  };

  // `combine`, each result made once for a choice of tasks.
  const made = new Map();
  const together = (entry, chosen, length) => {
    const key = chosen.join();
    if (!made.has(key)) {
      if (made.size > 2 * tasks.length + 8) made.clear();
      made.set(key, new Array(entries.length * lengths.length));
    }
    const kept = made.get(key);
    const at = entry * lengths.length + length;
    if (kept[at] === undefined) kept[at] = combine(entry, chosen, length);
    return kept[at];
  };

  const SCORES = [
    "curve_score",
    "curve_score_low",
    "curve_score_high",
    "effective",
    "threshold",
    "half_life_tokens",
    "half_life_low",
    "half_life_high",
    "rank_low",
    "rank_high",
    "shortest_tokens",
    "longest_tokens",
  ];
  const scored = scores ? reader(scores, SCORES) : null;
  const scoreAt = new Map();
  if (scores) scores.entry.forEach((entry, row) => scoreAt.set(entry * tasks.length + scores.task[row], row));
  const endless = (value) => (value === "inf" ? Infinity : value);

  // The scores of a model on the chosen tasks: means, save the effective length: the shortest (-1: none holds).
  const score = (entry, chosen) => {
    const found = chosen.map((task) => scoreAt.get(entry * tasks.length + task));
    if (!scored || !found.length || found.some((row) => row === undefined)) return null;
    const all = found.map((row) => ({
      accuracy: scored.curve_score(row),
      low: scored.curve_score_low(row),
      high: scored.curve_score_high(row),
    }));
    const spans = new Set(
      found.map((row) => [scored.shortest_tokens(row), scored.longest_tokens(row)].map(Board.format.tokens).join("–")),
    );
    const single = (name) => (found.length === 1 ? endless(scored[name](found[0])) : null);
    return {
      span: spans.size === 1 ? [...spans][0] : "different lengths",
      score: mean(all, "accuracy"),
      low: mover(all, "low"),
      high: mover(all, "high"),
      effective: Math.min(...found.map((row) => scored.effective(row) ?? -1)),
      threshold: scored.threshold(found[0]),
      half: single("half_life_tokens"),
      halfLow: single("half_life_low"),
      halfHigh: single("half_life_high"),
      rankLow: chosen.every((task) => said.ranked.scores.includes(tasks[task])) ? single("rank_low") : null,
      rankHigh: single("rank_high"),
    };
  };

  // Whether scores of this name were told at all; an effective length of none is told by null.
  const has = (name) =>
    Boolean(scores && name in scores) &&
    (name === "effective" || [scores[name]].flat().some((value) => value !== null));

  Board.data = {
    ranked: said.ranked,
    entries,
    tasks,
    lengths,
    depths: said.depths || {},
    pages: said.pages,
    cell,
    together,
    score,
    has,
  };

  // What a tooltip says of a result.
  Board.about = (one, ...heading) => {
    const {percent, interval, count, tokens, bytes} = Board.format;
    if (!one) return {heading, pairs: [["", "not asked"]]};
    const pairs = [
      ["accuracy", percent(one.accuracy)],
      ["95% interval", interval(one.low, one.high) ? `${interval(one.low, one.high)}%` : "–"],
      ["right", `${count(one.correct)} of ${count(one.n)}`],
      ["chance", percent(one.chance)],
    ];
    if (Board.known(one.rankLow)) pairs.push(["rank", Board.format.ranks(one.rankLow, one.rankHigh)]);
    if (one.tasks > 1) pairs.push(["mean of", `${one.tasks} tasks`]);
    if (Board.known(one.tokens)) pairs.push(["tokens read", count(Math.round(one.tokens))]);
    if (one.errors) pairs.push(["errors", count(one.errors)]);
    if (one.skipped) pairs.push(["skipped", count(one.skipped)]);
    if (Board.known(one.speed)) pairs.push(["tokens/s", tokens(one.speed)]);
    if (one.state) pairs.push(["state", bytes(one.state)]);
    if (one.memory) pairs.push(["peak memory", bytes(one.memory)]);
    if (one.device) pairs.push(["on the accelerator", bytes(one.device)]);
    return {heading, pairs};
  };

  // Whether chance lies inside the interval: nothing is shown to be remembered.
  Board.isChance = (one) =>
    Boolean(one) && Board.known(one.chance) && Board.known(one.low) && one.low <= one.chance && one.chance <= one.high;
})();
