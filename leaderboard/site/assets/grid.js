// Tables of results: real tables with sorted columns; arrow keys move over the cells, one stop for the tab key.
"use strict";

(() => {
  const {make, format} = Board;

  // A cell with a share, its interval beneath it, a tint, and a tooltip.
  Board.shareCell = (one, lines) => {
    const cell = make("td", {class: "share"});
    if (one && Board.known(one.accuracy)) {
      cell.dataset.level = Board.level(one.accuracy);
      if (Board.isChance(one)) cell.classList.add("chance");
      cell.append(
        make("span", {class: "value"}, format.share(one.accuracy)),
        make("small", {}, format.interval(one.low, one.high)),
      );
      if (one.errors) cell.append(make("span", {class: "flag", "aria-label": `${one.errors} errors`}, "!"));
    } else {
      cell.classList.add("blank");
      cell.append(
        one
          ? make("span", {class: "value"}, "–", make("span", {class: "unseen"}, " none answered"))
          : make("span", {class: "unseen"}, "not asked"),
      );
    }
    if (one) Board.tip.attach(cell, lines);
    return cell;
  };

  // A heading that sorts; `sorted` is "ascending", "descending" or null.
  Board.sortHeading = ({id, label, hint, numeric, sorted}, onSort) => {
    const button = make(
      "button",
      {type: "button", class: "sort", "data-sort": id, title: hint || null},
      make("bdi", {}, Board.cut(label, 40)),
      make("span", {class: "arrow", "aria-hidden": "true"}),
    );
    button.addEventListener("click", () => onSort(id));
    return make("th", {scope: "col", class: numeric ? "numeric" : null, "aria-sort": sorted || "none"}, button);
  };

  // What is unknown comes last, whichever way the column is sorted.
  Board.compare = (down) => (a, b) => {
    const none = (value) => value === null || value === undefined || value === "";
    if (none(a) || none(b)) return none(a) - none(b);
    const order = typeof a === "string" ? a.localeCompare(b, "en", {numeric: true}) : a - b;
    return down ? -order : order;
  };

  const STEPS = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]};

  Board.arrowKeys = (table) => {
    const first = table.querySelector("tbody td.share:not(.blank)");
    if (!first) return;
    first.tabIndex = 0;
    let stop = first;
    table.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      const cell = event.target instanceof Element ? event.target.closest("td") : null;
      if (!step || !cell) return;
      const row = table.tBodies[0].rows[cell.parentElement.sectionRowIndex + step[0]];
      const next = row && row.cells[cell.cellIndex + step[1]];
      if (!next || !next.classList.contains("share")) return;
      event.preventDefault();
      stop.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      stop = next;
    });
  };

  // A plain table of texts: `heads`, then rows whose first cell names the row.
  Board.plainTable = (caption, heads, rows) =>
    make(
      "table",
      {class: "plain"},
      make("caption", {class: "unseen"}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", {scope: "col"}, head)))),
      make(
        "tbody",
        {},
        ...rows.map(([first, ...rest]) =>
          make("tr", {}, make("th", {scope: "row"}, Board.name(first)), ...rest.map((text) => make("td", {}, text))),
        ),
      ),
    );
})();
