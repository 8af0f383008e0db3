// Depth by length: where in the text the fact lay that the answer needed.
"use strict";

(() => {
  const {make} = Board;
  const PARTS = 10;

  const cellOf = (found) =>
    found
      ? {
          n: found[0],
          correct: found[1],
          accuracy: found[0] ? (found[1] / found[0]) * 10000 : null,
          low: found[2],
          high: found[3],
          tasks: 1,
        }
      : null;

  const table = (task, byLength) => {
    const lengths = Board.data.lengths
      .map(({label}) => label)
      .filter((label) => byLength[label] && Object.keys(byLength[label]).length);
    const body = Array.from({length: PARTS}, (_, part) => {
      const where = `${(part * 100) / PARTS}–${((part + 1) * 100) / PARTS}%`;
      return make(
        "tr",
        {},
        make("th", {scope: "row"}, where),
        ...lengths.map((label) => {
          const one = cellOf(byLength[label][part]);
          return Board.shareCell(one, () => Board.about(one, task, `at ${label}, depth ${where}`));
        }),
      );
    });
    return make(
      "table",
      {class: "results depths"},
      make(
        "caption",
        {class: "unseen"},
        `Accuracy by depth of the earliest needed fact and by length, task ${Board.cut(task, 60)}`,
      ),
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          make("th", {scope: "col"}, "Depth"),
          ...lengths.map((label) =>
            make("th", {scope: "col", class: "numeric"}, make("bdi", {}, Board.cut(label, 20))),
          ),
        ),
      ),
      make("tbody", {}, ...body),
    );
  };

  Board.drawDepths = () => {
    const section = document.getElementById("depths-section");
    if (!section) return;
    const {depths} = Board.data;
    const tasks = Object.keys(depths).filter((task) =>
      Object.values(depths[task]).some((parts) => Object.keys(parts).length),
    );
    const host = document.getElementById("depths");
    document.getElementById("depths-field").hidden = tasks.length < 2;
    if (!tasks.length) {
      host.replaceChildren(
        make(
          "p",
          {class: "empty"},
          "Where in the text the facts lay is not known of these results, or their questions need no fact.",
        ),
      );
      return;
    }
    const select = document.getElementById("depths-task");
    const show = () => {
      const made = table(tasks[select.selectedIndex], depths[tasks[select.selectedIndex]]);
      host.replaceChildren(made);
      Board.arrowKeys(made);
    };
    select.replaceChildren(...tasks.map((task) => make("option", {}, Board.cut(task, 60))));
    select.addEventListener("change", show);
    show();
  };
})();
