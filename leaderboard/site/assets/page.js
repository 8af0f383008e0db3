// Puts a page together: filters, curves, table and cost are drawn again from what the reader chose.
"use strict";

(() => {
  const {make, data, link, board, format} = Board;
  const byId = (id) => document.getElementById(id);
  const LABELS = {prompt: "Prompt", scorer: "Scorer", source: "Source", dataset: "Data set"};
  let shown = null;
  let focusSort = null;

  const toggle = (row) => {
    const ids = shown.picked.map(({id}) => id);
    const lines = ids.includes(row.id) ? ids.filter((id) => id !== row.id) : [...ids, row.id].slice(-Board.chart.MOST);
    link.change({lines});
  };
  const sortBy = (id) => {
    const again = shown.sorted === id;
    const textual = id === "name" || id === "rank";
    focusSort = id;
    link.change({sort: id, down: again ? !shown.down : !textual, page: 1});
  };

  const rowOf = (row) => {
    const number = shown.picked.findIndex(({id}) => id === row.id);
    const box = make("input", {type: "checkbox", "aria-label": `Draw ${Board.cut(row.label, 60)}`});
    box.checked = number >= 0;
    box.addEventListener("change", () => toggle(row));
    const link_ = make("a", {href: row.href}, Board.name(row.label));
    const head = make(
      "th",
      {scope: "row"},
      make("span", {class: "row-head"}, box, number >= 0 ? Board.chart.swatch(number) : null, link_),
      row.note ? make("span", {class: "note-small"}, make("bdi", {}, row.note)) : null,
    );
    if (row.label.length > 28) Board.tip.attach(link_, () => ({heading: [row.label], pairs: []}));
    return make("tr", {"data-id": row.id}, head, ...shown.columns.map((column) => column.cell(row)));
  };

  const drawTable = () => {
    const {rows, columns, sorted, down} = shown;
    const pages = Math.max(1, Math.ceil(rows.length / board.ROWS));
    const page = Math.min(link.state.page, pages);
    const part = rows.slice((page - 1) * board.ROWS, page * board.ROWS);
    const heading = (column) =>
      Board.sortHeading({...column, sorted: column.id === sorted ? (down ? "descending" : "ascending") : null}, sortBy);
    const first = {id: "name", label: board.kind === "model" ? "Task" : "Model", numeric: false};
    const table = make(
      "table",
      {class: "results"},
      make("caption", {class: "unseen"}, "Accuracy in percent with 95% intervals; the headings sort."),
      make("thead", {}, make("tr", {}, heading(first), ...columns.map(heading))),
      make("tbody", {}, ...part.map(rowOf)),
    );
    const host = byId("table");
    host.replaceChildren(table);
    if (!rows.length)
      host.append(make("p", {class: "empty"}, "No model matches these filters. Reset brings all of them back."));
    Board.arrowKeys(table);
    if (focusSort !== null) table.querySelector(`[data-sort="${CSS.escape(focusSort)}"]`)?.focus({preventScroll: true});
    focusSort = null;
    drawPager(page, pages, part.length);
  };

  const drawPager = (page, pages, here) => {
    const pager = byId("pager");
    if (!pager) return;
    const start = (page - 1) * board.ROWS;
    const some = shown.rows.length < shown.total ? ` (of ${format.count(shown.total)})` : "";
    const span = pages > 1 ? `Rows ${start + 1}–${start + here} of ` : "";
    const rows = `${format.count(shown.rows.length)} ${shown.rows.length === 1 ? "row" : "rows"}`;
    byId("count").textContent = `${span}${rows}${some}. Accuracy in percent, the 95% interval beneath it.`;
    const button = (label, to) => {
      const made = make("button", {type: "button", class: "quiet"}, label);
      made.disabled = to < 1 || to > pages;
      made.addEventListener("click", () => {
        link.change({page: to});
        byId("board").scrollIntoView();
      });
      return made;
    };
    pager.hidden = pages < 2;
    pager.replaceChildren(
      button("Previous", page - 1),
      make("span", {}, `${page} / ${pages}`),
      button("Next", page + 1),
    );
  };

  const drawTaskChips = () => {
    const host = byId("tasks");
    if (!host) return;
    const chosen = new Set(board.chosenTasks());
    const disabled = board.pivot() >= 0;
    const chip = (task, number) => {
      const box = make("input", {type: "checkbox"});
      box.checked = chosen.has(number);
      box.disabled = disabled;
      box.addEventListener("change", () => {
        const next = data.tasks.filter((_, other) => (other === number ? box.checked : chosen.has(other)));
        link.change({tasks: next.length ? next : [task], page: 1});
        [...host.querySelectorAll("input")][number]?.focus({preventScroll: true});
      });
      return make("label", {class: "chip"}, box, make("bdi", {}, Board.cut(task, 24)));
    };
    const only = make(
      "button",
      {type: "button", class: "quiet small"},
      chosen.size === data.tasks.length ? `just ${Board.cut(data.tasks[0], 16)}` : "all",
    );
    only.disabled = disabled;
    only.addEventListener("click", () =>
      link.change({tasks: chosen.size === data.tasks.length ? [data.tasks[0]] : [...data.tasks], page: 1}),
    );
    host.replaceChildren(...data.tasks.map(chip), ...(data.tasks.length > 1 ? [only] : []));
  };

  const drawSelects = () => {
    const host = byId("selects");
    if (host) {
      host.replaceChildren(
        ...board.various.map((part) => {
          const values = [...new Set(data.entries.map((entry) => entry[part]))].sort();
          const select = make(
            "select",
            {"data-filter": part},
            make("option", {value: ""}, "all"),
            ...values.filter(Boolean).map((value) => make("option", {value}, Board.cut(value, 40))),
          );
          select.value = link.state[part];
          select.addEventListener("change", () => link.change({[part]: select.value, page: 1}));
          return make("label", {class: "field"}, `${LABELS[part]} `, select);
        }),
      );
    }
    const columns = byId("columns");
    if (columns) {
      columns.replaceChildren(
        make("option", {value: ""}, "lengths"),
        ...data.lengths.map(({label}) => make("option", {value: `tasks:${label}`}, `tasks at ${Board.cut(label, 16)}`)),
      );
      columns.value = board.pivot() >= 0 ? link.state.columns : "";
      columns.closest("label").hidden = data.tasks.length < 2;
    }
    const search = byId("search");
    if (search && search.value !== link.state.find) search.value = link.state.find;
  };

  const drawCharts = () => {
    Board.drawCurves(shown.picked, board.kind === "model" ? null : toggle);
    Board.drawCost(shown.rows, shown.picked);
  };
  const draw = () => {
    Board.tip.hide();
    shown = board.view();
    drawTaskChips();
    drawSelects();
    drawTable();
    if (window.Plotly) requestAnimationFrame(drawCharts);
  };

  byId("filters")?.addEventListener("submit", (event) => event.preventDefault());
  byId("search")?.addEventListener("input", (event) => link.change({find: event.target.value, page: 1}));
  byId("columns")?.addEventListener("change", (event) => link.change({columns: event.target.value, sort: "", page: 1}));
  byId("reset")?.addEventListener("click", () =>
    link.change({
      tasks: null,
      find: "",
      prompt: "",
      scorer: "",
      source: "",
      dataset: "",
      columns: "",
      sort: "",
      down: true,
      page: 1,
      lines: null,
      cost: "",
      at: "",
    }),
  );
  link.onChange(draw);
  document.addEventListener("themechange", () => requestAnimationFrame(drawCharts));
  addEventListener("DOMContentLoaded", drawCharts);
  draw();
  Board.drawDepths();
})();
