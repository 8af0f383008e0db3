// The table of results: its rows and columns, what the filters leave, in which order, a page at a time.
"use strict";

(() => {
  const {make, format, data, link, known} = Board;
  const kind = document.body.dataset.page;
  const ROWS = 50;
  const FILTERS = ["prompt", "scorer", "source", "dataset"];

  // Without a choice: all tasks, where half of the models were asked them all; else the one that most were asked.
  const usual = (() => {
    const all = data.tasks.map((_, task) => task);
    const complete = data.entries.filter((_, entry) =>
      data.lengths.some((__, length) => data.together(entry, all, length)),
    );
    if (complete.length * 2 >= data.entries.length) return all;
    const asked = (task) =>
      data.entries.filter((_, entry) => data.lengths.some((__, length) => data.cell(entry, task, length))).length;
    return [all.reduce((best, task) => (asked(task) > asked(best) ? task : best))];
  })();
  const chosenTasks = () => {
    const named = (link.state.tasks || []).map((task) => data.tasks.indexOf(task)).filter((task) => task >= 0);
    return named.length ? named : usual;
  };

  // What a row says beside its name, where that tells it from others.
  const various = FILTERS.filter((part) => new Set(data.entries.map((entry) => entry[part])).size > 1);
  const note = (entry) =>
    various
      .map((part) => entry[part])
      .filter(Boolean)
      .join(", ");
  const pageOf = (entry) => `${kind === "index" ? "models/" : "../models/"}${entry.id}.html`;

  // A row: who (`entry`, a number) on what (`tasks`).
  const allRows = () => {
    if (kind === "model") {
      return data.tasks.map((task, number) => ({
        id: task,
        label: task,
        note: "",
        href: data.pages[task],
        entry: 0,
        tasks: [number],
      }));
    }
    const tasks = chosenTasks();
    return data.entries.map((entry, number) => ({
      id: entry.id,
      label: entry.model,
      note: note(entry),
      href: pageOf(entry),
      entry: number,
      tasks,
    }));
  };

  const matches = (row) => {
    const {state} = link;
    const entry = data.entries[row.entry];
    const words = state.find.toLowerCase().split(/\s+/).filter(Boolean);
    const text = `${entry.model} ${FILTERS.map((part) => entry[part]).join(" ")}`.toLowerCase();
    return (
      kind === "model" ||
      (words.every((word) => text.includes(word)) &&
        FILTERS.every((part) => !state[part] || entry[part] === state[part]))
    );
  };

  const scoreOf = (row) => {
    row.scored ??= {found: data.score(row.entry, row.tasks)};
    return row.scored.found;
  };
  // A column of scores: its value sorts, its text is shown, with what is small beneath it.
  const scoreColumn = (id, label, hint, of, text, small = () => []) => ({
    id,
    label,
    hint,
    numeric: true,
    value: (row) => (scoreOf(row) ? of(scoreOf(row)) : null),
    cell: (row) => {
      const one = scoreOf(row);
      return make(
        "td",
        {class: `score ${id}`},
        make("span", {class: "value"}, one ? text(one) : format.none),
        ...(one ? [small(one)].flat() : []).map((line) => make("small", {}, line)),
      );
    },
  });
  const effectiveHint = () => {
    const threshold = data.entries
      .map((_, entry) => data.tasks.map((__, task) => data.score(entry, [task])?.threshold))
      .flat()
      .find(known);
    return `The longest length up to which the interval's lower end stays at ${format.percent(threshold)} or above`;
  };
  const effectiveText = ({effective}) => (effective < 0 ? "none" : Board.cut(data.lengths[effective].label, 16));
  const resultColumn = (id, label, tasksOf, length) => ({
    id,
    label,
    numeric: true,
    value: (row) => data.together(row.entry, tasksOf(row), length)?.accuracy ?? null,
    cell: (row) => {
      const one = data.together(row.entry, tasksOf(row), length);
      return Board.shareCell(one, () => Board.about(one, row.label, id.startsWith("task:") ? label : `at ${label}`));
    },
  });

  // The length whose tasks stand side by side, or -1 where the columns are lengths.
  const pivot = () =>
    kind === "index" ? data.lengths.findIndex(({label}) => `tasks:${label}` === link.state.columns) : -1;

  const columns = (rows) => {
    const found = [];
    const single = rows.every((row) => row.tasks.length === 1);
    if (single && data.has("rank_low") && rows.some((row) => data.ranked.scores.includes(data.tasks[row.tasks[0]]))) {
      found.push(
        scoreColumn(
          "rank",
          "Rank",
          "Ranks that the noise leaves open",
          (one) => one.rankLow,
          (one) => format.ranks(one.rankLow, one.rankHigh),
        ),
      );
    }
    const spans = new Set(
      rows
        .map(scoreOf)
        .filter(Boolean)
        .map((one) => one.span),
    ); // scores over other lengths are other scores
    if (data.has("curve_score"))
      found.push(
        scoreColumn(
          "score",
          "Curve score",
          "Mean accuracy over the logarithm of the length",
          (one) => one.score,
          (one) => format.share(one.score),
          (one) => [format.interval(one.low, one.high), spans.size > 1 ? `over ${one.span}` : ""],
        ),
      );
    if (data.has("effective"))
      found.push(scoreColumn("effective", "Effective length", effectiveHint(), (one) => one.effective, effectiveText));
    if (single && data.has("half_life_tokens"))
      found.push(
        scoreColumn(
          "half",
          "Half-life",
          "Tokens after which half of what was above chance is lost",
          (one) => one.half,
          (one) => format.tokens(one.half),
          (one) => (known(one.halfLow) ? `${format.tokens(one.halfLow)}–${format.tokens(one.halfHigh)}` : ""),
        ),
      );
    const at = pivot();
    if (at >= 0)
      return [...found, ...data.tasks.map((task, number) => resultColumn(`task:${task}`, task, () => [number], at))];
    const asked = data.lengths.flatMap(({label}, length) =>
      rows.some((row) => data.together(row.entry, row.tasks, length)) ? [[label, length]] : [],
    );
    return [
      ...found,
      ...asked.map(([label, length]) => resultColumn(`length:${label}`, label, (row) => row.tasks, length)),
    ];
  };

  // Best first: who holds out longest, and of equals who has the higher score over the lengths it was asked at.
  const order = (list) => {
    const named = {id: "name", value: (row) => row.label};
    const {sort, down} = link.state;
    const score = list.find((column) => column.id === "score");
    const asked = [named, ...list].find((column) => column.id === sort);
    if (asked) return {column: asked, down, then: score};
    if (kind === "model") return {column: null, down}; // in the order in which the tasks were asked
    const best =
      list.find((column) => column.id === "effective") || score || list.find((column) => column.id !== "rank");
    return {column: best || named, down: Boolean(best), then: score};
  };

  const view = () => {
    const all = allRows();
    const rows = all.filter(matches);
    const list = columns(rows);
    const {column, down, then} = order(list);
    if (column) {
      const [compare, ties] = [Board.compare(down), Board.compare(true)];
      const keyed = rows.map((row) => [column.value(row), then ? then.value(row) : null, row]);
      keyed.sort((a, b) => compare(a[0], b[0]) || ties(a[1], b[1]));
      rows.splice(0, rows.length, ...keyed.map(([, , row]) => row));
    }
    const {lines} = link.state;
    const picked = lines
      ? lines.map((id) => all.find((row) => row.id === id)).filter(Boolean)
      : rows.slice(0, kind === "model" ? Board.chart.MOST : 5);
    return {
      rows,
      total: all.length,
      columns: list,
      sorted: column?.id ?? null,
      down,
      picked: picked.slice(0, Board.chart.MOST),
    };
  };

  Board.board = {ROWS, FILTERS, kind, view, chosenTasks, pivot, various};
})();
