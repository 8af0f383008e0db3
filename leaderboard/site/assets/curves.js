// Extrapolation curves: accuracy over the logarithm of the length, with bands, chance, and how far training went.
"use strict";

(() => {
  const {format, chart} = Board;
  const points = ({entry, tasks}) =>
    Board.data.lengths
      .map((length, number) => ({label: length.label, ...Board.data.together(entry, tasks, number)}))
      .filter((point) => Board.known(point.accuracy) && Board.known(point.tokens))
      .sort((a, b) => a.tokens - b.tokens);

  // A log axis has no 0: a text of no tokens stands a little to the left of the shortest other one.
  const placeOfZero = (lines) => {
    const tokens = lines.flat().map((point) => point.tokens);
    if (tokens.every((count) => count >= 1)) return null;
    return Math.min(...tokens.filter((count) => count >= 1), 100) / 5;
  };

  const band = (line, colour) => ({
    x: [...line.map((point) => point.x), ...line.map((point) => point.x).reverse()],
    y: [...line.map((point) => point.high / 100), ...line.map((point) => point.low / 100).reverse()],
    fill: "toself",
    fillcolor: chart.translucent(colour, 0.13),
    line: {width: 0},
    mode: "lines",
    hoverinfo: "skip",
  });
  const curve = (line, number, colour) => ({
    x: line.map((point) => point.x),
    y: line.map((point) => point.accuracy / 100),
    mode: "lines+markers",
    hoverinfo: "none",
    customdata: line.map((_, at) => [number, at]),
    line: {color: colour, width: 2, dash: number < 4 ? "solid" : "dash"},
    marker: {color: colour, size: 7, symbol: chart.SYMBOLS[number]},
  });

  // Each chance level once; labels only where they do not lie on each other.
  const chances = (drawn, {muted}, narrow) => {
    const levels = [
      ...new Set(
        drawn
          .flatMap(({line}) => line.map((point) => point.chance))
          .filter(Board.known)
          .map((value) => Math.round(value / 10) * 10),
      ),
    ];
    const shown = levels.sort((a, b) => a - b).slice(0, 6);
    const apart = shown.filter((level, at) => at === 0 || level - shown[at - 1] > 400);
    return {
      shapes: shown.map((level) => ({
        type: "line",
        xref: "paper",
        x0: 0,
        x1: 1,
        y0: level / 100,
        y1: level / 100,
        line: {color: muted, width: 1, dash: "dot"},
        layer: "below",
      })),
      annotations: apart.map((level) => ({
        xref: "paper",
        x: 1,
        y: level / 100,
        text: `chance ${format.percent(level)}`,
        showarrow: false,
        xanchor: narrow ? "right" : "left",
        yanchor: narrow ? "bottom" : "middle",
        font: {size: 10.5, color: muted},
      })),
    };
  };

  // How far training went, each length once: [tokens, what it says].
  const training = (drawn) => {
    const found = new Map();
    for (const {row} of drawn) {
      const {gradient, memory} = Board.data.entries[row.entry];
      if (Board.known(gradient)) found.set(Math.max(1, gradient), `trained: gradient to ${format.tokens(gradient)}`);
      if (Board.known(memory)) found.set(Math.max(1, memory), `trained: longest text ${format.tokens(memory)}`);
    }
    return [...found].sort((a, b) => a[0] - b[0]);
  };
  const ROWS = 4;
  const trainingMarks = (found, {muted}, all) => ({
    shapes: found.map(([tokens]) => ({
      type: "line",
      x0: tokens,
      x1: tokens,
      yref: "paper",
      y0: 0,
      y1: 1,
      line: {color: muted, width: 1, dash: "dash"},
      layer: "below",
    })),
    annotations: found.slice(0, ROWS).map(([tokens, text], at) => ({
      // above the plot, each in a row of its own
      x: Math.log10(tokens),
      yref: "paper",
      y: 1,
      yshift: 2 + 13 * (Math.min(found.length, ROWS) - 1 - at),
      text,
      showarrow: false,
      xanchor: tokens > Math.sqrt(Math.min(...all) * Math.max(...all)) ? "right" : "left",
      yanchor: "bottom",
      font: {size: 10.5, color: muted},
    })),
  });

  const table = (drawn) =>
    Board.plainTable(
      "The points of the curves",
      ["Line", "Length", "Tokens read", "Accuracy, %", "95% interval", "n"],
      drawn.flatMap(({row, line}) =>
        line.map((point) => [
          row.label,
          point.label,
          format.count(Math.round(point.tokens)),
          format.share(point.accuracy),
          format.interval(point.low, point.high),
          format.count(point.n),
        ]),
      ),
    );

  // `rows`: the rows to draw, in the order of their colours; `remove` takes one off, where that can be done.
  Board.drawCurves = (rows, remove) => {
    const host = document.getElementById("curves");
    const drawn = rows.map((row, number) => ({row, number, line: points(row)}));
    chart.legend(
      document.getElementById("curves-legend"),
      drawn.map(({row, number}) => ({
        number,
        label: row.label,
        note: row.note,
        href: row.href,
        remove: remove && (() => remove(row)),
      })),
    );
    chart.asTable(document.getElementById("curves-table"), () => table(drawn));
    const some = drawn.filter(({line}) => line.length);
    const zero = placeOfZero(some.map(({line}) => line));
    for (const {line} of some)
      line.forEach((point) => {
        point.x = point.tokens >= 1 ? point.tokens : zero;
      });
    if (!rows.length) return chart.empty(host, "Tick a row of the table to draw its curve.");
    if (!some.length)
      return chart.empty(
        host,
        "What is ticked was not asked all of the chosen tasks at any length: choose fewer tasks.",
      );
    const theme = chart.theme();
    const trained = training(some);
    const narrow = chart.isNarrow(host);
    const dotted = chances(some, theme, narrow);
    const tokens = [...some.flatMap(({line}) => line.map((point) => point.x)), ...trained.map(([count]) => count)];
    const dashed = trainingMarks(trained, theme, tokens);
    chart.clear(host);
    return chart.draw(
      host,
      [
        ...some
          .filter(({line}) => line.every((point) => Board.known(point.low)))
          .map(({line, number}) => band(line, theme.colours[number])),
        ...some.map(({line, number}) => curve(line, number, theme.colours[number])),
      ],
      {
        xaxis: chart.logAxis(tokens, "tokens read, question included (log scale)", format.tokens, zero),
        margin: {t: 12 + 14 * Math.min(trained.length, ROWS), r: narrow ? 12 : 88},
        shapes: [...dotted.shapes, ...dashed.shapes],
        annotations: [...dotted.annotations, ...dashed.annotations],
      },
      ({customdata: [number, at]}) => ({
        lines: Board.about(drawn[number].line[at], drawn[number].row.label, `at ${drawn[number].line[at].label}`),
      }),
    );
  };
})();
