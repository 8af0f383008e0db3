// What every chart shares: colours of the theme, axes, the tooltip, a legend, and the same numbers as a table.
"use strict";

(() => {
  const {make} = Board;
  const SVG = "http://www.w3.org/2000/svg";
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "pentagon", "star", "cross", "triangle-down"];
  const SHAPES = {
    // the same marks for the legend, around 0,0
    circle: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0",
    square: "M-4,-4h8v8h-8z",
    diamond: "M0,-5.5L5,0L0,5.5L-5,0z",
    "triangle-up": "M0,-5L5,4H-5z",
    "triangle-down": "M0,5L5,-4H-5z",
    cross: "M-2,-5h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    pentagon: "M0,-5L4.8,-1.5L2.9,4H-2.9L-4.8,-1.5z",
    star: "M0,-6L1.5,-2H5.7L2.4,.8L3.5,4.9L0,2.5L-3.5,4.9L-2.4,.8L-5.7,-2H-1.5z",
  };
  const MOST = SYMBOLS.length;

  const theme = () => {
    const style = getComputedStyle(document.documentElement);
    const value = (name) => style.getPropertyValue(name).trim();
    return {
      ink: value("--ink"),
      muted: value("--muted"),
      rule: value("--rule"),
      font: style.getPropertyValue("--sans"),
      colours: SYMBOLS.map((_, number) => value(`--line-${number}`)),
    };
  };

  const translucent = (colour, alpha) => {
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
    return `rgba(${red},${green},${blue},${alpha})`;
  };

  // Where a log axis has its marks: decades, or 1-2-5 where there are few of them.
  const marks = (low, high) => {
    const found = [];
    const steps = Math.log10(high / low) > 2.5 ? [1] : [1, 2, 5];
    for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade += 1) {
      for (const step of steps) found.push(step * 10 ** decade);
    }
    return found.filter((mark) => mark >= low && mark <= high);
  };

  // A log axis over `values` (all above 0), its marks worded by `format`; `zero` is where nothing stands on it.
  const logAxis = (values, title, format, zero = null) => {
    let [low, high] = [Math.min(...values) / 1.5, Math.max(...values) * 1.5];
    if (high / low < 12) [low, high] = [low / 2, high * 2];
    const ticks = marks(low, high).filter((mark) => zero === null || mark > 2 * zero);
    if (zero !== null) ticks.unshift(zero);
    return {
      type: "log",
      range: [Math.log10(low), Math.log10(high)],
      tickvals: ticks,
      ticktext: ticks.map((tick) => (tick === zero ? "0" : format(tick))),
      title: {text: title, standoff: 8},
    };
  };

  const isNarrow = (host) => host.clientWidth < 520;

  const draw = (host, traces, {xaxis, margin, ...layout}, onPoint) => {
    const {ink, muted, rule, font} = theme();
    const touch = matchMedia("(pointer: coarse)").matches;
    const axis = {
      gridcolor: rule,
      linecolor: rule,
      zeroline: false,
      tickfont: {color: muted},
      fixedrange: touch,
      automargin: true,
    };
    const narrow = isNarrow(host);
    Plotly.react(
      host,
      traces,
      {
        font: {family: font, size: narrow ? 11 : 12.5, color: ink},
        paper_bgcolor: "rgba(0,0,0,0)",
        plot_bgcolor: "rgba(0,0,0,0)",
        margin: {l: narrow ? 40 : 52, r: 12, t: 10, b: 46, ...margin},
        height: narrow ? 320 : 420,
        showlegend: false,
        hovermode: "closest",
        hoverdistance: 24,
        dragmode: touch ? false : "zoom",
        xaxis: {...axis, ...xaxis},
        yaxis: {
          ...axis,
          range: [-3, 104],
          tickvals: [0, 20, 40, 60, 80, 100],
          title: {text: narrow ? "" : "accuracy, %", standoff: 8},
        },
        ...layout,
      },
      {
        responsive: true,
        displaylogo: false,
        modeBarButtons: [["toImage", "resetScale2d"]],
        displayModeBar: touch ? false : "hover",
      },
    );
    host.removeAllListeners("plotly_hover");
    host.removeAllListeners("plotly_unhover");
    host.removeAllListeners("plotly_click");
    host.on("plotly_hover", ({points, event}) => {
      const {clientX, clientY} = event;
      Board.tip.at({left: clientX, top: clientY, bottom: clientY, width: 0}, onPoint(points[0]).lines);
    });
    host.on("plotly_unhover", Board.tip.hide);
    host.on("plotly_click", ({points}) => onPoint(points[0]).open?.());
  };

  const swatch = (number) => {
    const drawn = document.createElementNS(SVG, "svg");
    const part = (tag, attributes) => {
      const element = document.createElementNS(SVG, tag);
      Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
      drawn.append(element);
    };
    Object.entries({
      viewBox: "-14 -8 28 16",
      width: 28,
      height: 16,
      class: `swatch line-${number}`,
      "aria-hidden": "true",
    }).forEach(([name, value]) => drawn.setAttribute(name, value));
    part("line", {x1: -14, x2: 14, y1: 0, y2: 0});
    part("path", {d: SHAPES[SYMBOLS[number]]});
    return drawn;
  };

  // `lines`: {number, label, note, href, remove}.
  const legend = (list, lines) =>
    list.replaceChildren(
      ...lines.map(({number, label, note, href, remove}) => {
        const name = href ? make("a", {href}, Board.name(label)) : Board.name(label);
        const button = remove
          ? make(
              "button",
              {type: "button", class: "remove", "aria-label": `Remove ${Board.cut(label, 60)} from the chart`},
              "×",
            )
          : null;
        if (button) button.addEventListener("click", remove);
        return make(
          "li",
          {},
          swatch(number),
          name,
          note ? make("span", {class: "note-small"}, make("bdi", {}, note)) : null,
          button,
        );
      }),
    );

  // Where there is nothing to draw: a sentence that says what would help.
  const empty = (host, text) => {
    if (host.data) Plotly.purge(host);
    host.replaceChildren(make("p", {class: "empty"}, text));
  };
  const clear = (host) => {
    if (!host.data) host.replaceChildren();
  };

  // The numbers of a chart as a table, made when it is opened.
  const asTable = (host, build) => {
    const details = host.closest("details");
    const fill = () => details.open && host.replaceChildren(build());
    details.ontoggle = fill;
    fill();
  };

  Board.chart = {SYMBOLS, MOST, isNarrow, theme, translucent, logAxis, draw, swatch, legend, empty, clear, asTable};
})();
