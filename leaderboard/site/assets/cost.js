// Cost against accuracy at one length: speed, memory, or the bytes of a state.
"use strict";

(() => {
  const {format, chart, make, data} = Board;
  const AXES = {
    speed: {label: "tokens per second", format: format.tokens},
    memory: {label: "peak memory", format: format.bytes},
    device: {label: "peak memory of the accelerator", format: format.bytes},
    state: {label: "size of the state", format: format.bytes},
    work: {label: "operations per token (FLOPs)", format: format.tokens},
  };

  const results = (rows, length) =>
    rows
      .map((row) => ({row, one: data.together(row.entry, row.tasks, length)}))
      .filter(({one}) => one && Board.known(one.accuracy));
  const costly = (found, axis) => found.filter(({one}) => one[axis] > 0);

  const fill = (select, options, chosen) => {
    select.replaceChildren(...options.map(([value, label]) => make("option", {value}, label)));
    select.value = chosen;
  };

  // What can be shown, and of that what the reader chose; else the longest length that half as many models
  // reached as any other.
  const choose = (rows) => {
    const {state} = Board.link;
    const known = Object.keys(AXES).filter((axis) =>
      data.lengths.some((_, length) => costly(results(rows, length), axis).length),
    );
    const axis = known.includes(state.cost) ? state.cost : known[0];
    const counts = data.lengths.map((_, length) => costly(results(rows, length), axis).length);
    const lengths = counts.flatMap((count, length) => (count ? [length] : []));
    const usual = lengths.findLast((length) => counts[length] >= Math.max(...counts) / 2);
    const asked = lengths.find((length) => data.lengths[length].label === state.at);
    return {known, axis, lengths, length: asked ?? usual};
  };

  const table = (found, {label, format: worded}, axis) =>
    Board.plainTable(
      `Accuracy and ${label}`,
      ["Model", "Accuracy, %", "95% interval", label],
      found.map(({row, one}) => [
        row.label,
        format.share(one.accuracy),
        format.interval(one.low, one.high),
        worded(one[axis]),
      ]),
    );

  const errorBars = (found, colour) => ({
    type: "data",
    symmetric: false,
    color: colour,
    thickness: 1,
    width: 0,
    array: found.map(({one}) => (one.high - one.accuracy) / 100),
    arrayminus: found.map(({one}) => (one.accuracy - one.low) / 100),
  });

  // Whether any result at all says what it cost.
  const told = data.entries.some((_, entry) =>
    data.tasks.some((__, task) =>
      data.lengths.some((___, length) => {
        const one = data.cell(entry, task, length);
        return one && Object.keys(AXES).some((axis) => one[axis] > 0);
      }),
    ),
  );
  const figure = document.getElementById("cost-figure");
  if (figure) figure.hidden = !told;
  const jump = document.querySelector("a[href='#cost-figure']");
  if (jump) jump.hidden = !told;

  // `rows`: all that the filters leave; `picked`: those that have a colour, in its order.
  Board.drawCost = (rows, picked) => {
    const host = document.getElementById("cost");
    if (!host || !told) return;
    const {known, axis, lengths, length} = choose(rows);
    const [axisSelect, lengthSelect] = [document.getElementById("cost-axis"), document.getElementById("cost-length")];
    fill(
      axisSelect,
      known.map((name) => [name, AXES[name].label]),
      axis,
    );
    fill(
      lengthSelect,
      lengths.map((number) => [data.lengths[number].label, Board.cut(data.lengths[number].label, 20)]),
      length === undefined ? "" : data.lengths[length].label,
    );
    axisSelect.disabled = lengthSelect.disabled = !known.length;
    axisSelect.onchange = () => Board.link.change({cost: axisSelect.value});
    lengthSelect.onchange = () => Board.link.change({at: lengthSelect.value});
    const found = axis ? costly(results(rows, length), axis) : [];
    chart.asTable(document.getElementById("cost-table"), () => table(found, axis ? AXES[axis] : AXES.speed, axis));
    const number = (row) => picked.findIndex((one) => one.id === row.id);
    chart.legend(
      document.getElementById("cost-legend"),
      picked
        .map((row, at) => ({number: at, label: row.label, note: row.note, href: row.href}))
        .filter((_, at) => found.some(({row}) => number(row) === at)),
    );
    if (!found.length) {
      chart.empty(host, "No row shown here says what it cost.");
      return;
    }
    const theme = chart.theme();
    const [plain, coloured] = [found.filter(({row}) => number(row) < 0), found.filter(({row}) => number(row) >= 0)];
    const trace = (some, colours, symbols, size, opacity) => ({
      x: some.map(({one}) => one[axis]),
      y: some.map(({one}) => one.accuracy / 100),
      mode: "markers",
      hoverinfo: "none",
      customdata: some.map(({row}) => found.findIndex((each) => each.row === row)),
      marker: {color: colours, symbol: symbols, size},
      opacity,
      error_y: errorBars(some, theme.muted),
    });
    chart.clear(host);
    chart.draw(
      host,
      [
        trace(plain, theme.muted, "circle", 6, 0.55),
        ...coloured.map((one) => trace([one], theme.colours[number(one.row)], chart.SYMBOLS[number(one.row)], 11, 1)),
      ],
      {
        xaxis: chart.logAxis(
          found.map(({one}) => one[axis]),
          `${AXES[axis].label} (log scale)`,
          AXES[axis].format,
        ),
      },
      ({customdata}) => {
        const {row, one} = found[customdata];
        return {lines: Board.about(one, row.label), open: () => location.assign(row.href)};
      },
    );
  };
})();
