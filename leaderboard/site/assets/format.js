// Numbers as people read them, and elements made without markup: every text becomes a text node.
"use strict";

const Board = {};

(() => {
  const NONE = "–";
  const known = (value) => value !== null && value !== undefined && Number.isFinite(value);
  const grouped = new Intl.NumberFormat("en");

  // 1234567 -> "1.23M"; three figures at most, as lengths are spoken of.
  const short = (value, sizes) => {
    for (const [size, unit] of sizes) {
      if (value >= size) return `${Number((value / size).toPrecision(3))}${unit}`;
    }
    return `${Number(value.toPrecision(3))}`;
  };
  const DECIMAL = [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  const BINARY = [
    [2 ** 40, " TiB"],
    [2 ** 30, " GiB"],
    [2 ** 20, " MiB"],
    [2 ** 10, " KiB"],
    [1, " B"],
  ];

  Board.known = known;
  Board.format = {
    none: NONE,
    // Shares come in ten-thousandths.
    share: (value) => (known(value) ? (value / 100).toFixed(1) : NONE),
    percent: (value) => (known(value) ? `${(value / 100).toFixed(1)}%` : NONE),
    interval: (low, high) => (known(low) && known(high) ? `${Math.round(low / 100)}–${Math.round(high / 100)}` : ""),
    count: (value) => (known(value) ? grouped.format(value) : NONE),
    tokens: (value) => (value === Infinity ? "∞" : known(value) ? short(value, DECIMAL) : NONE),
    bytes: (value) => (known(value) ? short(value, BINARY) : NONE),
    ranks: (low, high) => (known(low) ? (low === high || !known(high) ? `${low}` : `${low}–${high}`) : NONE),
  };

  // Board.make("td", {class: "cell"}, "text", child): attributes by name, `null` ones left out.
  Board.make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };

  // A name as its author wrote it: isolated, so that it cannot turn its surroundings round.
  Board.name = (text) => Board.make("bdi", {class: "name"}, text || "(no name)");

  Board.cut = (text, limit) =>
    Array.from(text).length > limit
      ? `${Array.from(text)
          .slice(0, limit - 1)
          .join("")}…`
      : text;

  // Plotly reads a little HTML in its texts: what comes from outside is made plain before it goes there.
  Board.plain = (text, limit = 24) =>
    Board.cut(text.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ""), limit)
      .replace(/&/g, "&amp;")
      .replace(/</g, "&lt;")
      .replace(/>/g, "&gt;")
      .replace(/\$/g, "＄");

  // How strong a cell's tint is: 0 to 20.
  Board.level = (share) => (known(share) ? Math.max(0, Math.min(20, Math.round(share / 500))) : null);
})();
