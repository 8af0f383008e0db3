// What the reader chose, kept in the address after `#`: a view can be linked to, and Back leads back to it.
"use strict";

(() => {
  const listeners = [];
  const list = (text) => (text ? text.split(",").map(decodeURIComponent) : []);

  const read = () => {
    const found = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
    const get = (name) => found.get(name) ?? "";
    return {
      tasks: found.has("tasks") ? list(get("tasks")) : null,
      find: get("find"),
      prompt: get("prompt"),
      scorer: get("scorer"),
      source: get("source"),
      dataset: get("dataset"),
      columns: get("columns"),
      sort: get("sort"),
      down: get("order") !== "up",
      page: Math.max(1, Number.parseInt(get("page"), 10) || 1),
      lines: found.has("lines") ? list(get("lines")) : null,
      cost: get("cost"),
      at: get("at"),
    };
  };

  let state = read();
  let written = location.hash;

  const write = () => {
    const made = new URLSearchParams();
    const put = (name, value) => value && made.set(name, value);
    if (state.tasks) made.set("tasks", state.tasks.map(encodeURIComponent).join(","));
    for (const name of ["find", "prompt", "scorer", "source", "dataset", "columns", "sort"]) put(name, state[name]);
    if (state.sort && !state.down) made.set("order", "up");
    if (state.page > 1) made.set("page", `${state.page}`);
    if (state.lines) made.set("lines", state.lines.map(encodeURIComponent).join(","));
    put("cost", state.cost);
    put("at", state.at);
    written = made.size ? `#${made}` : "";
    history.replaceState(null, "", written || `${location.pathname}${location.search}`);
  };

  Board.link = {
    get state() {
      return state;
    },
    change: (changes) => {
      state = {...state, ...changes};
      write();
      listeners.forEach((listener) => listener(Object.keys(changes)));
    },
    onChange: (listener) => listeners.push(listener),
  };

  addEventListener("hashchange", () => {
    if (location.hash === written || (location.hash && !location.hash.includes("="))) return;
    state = read();
    written = location.hash;
    listeners.forEach((listener) => listener(Object.keys(state)));
  });

  // Links inside the page move the eye and the focus, and leave the address alone.
  document.addEventListener("click", (event) => {
    const jump = event.target instanceof Element ? event.target.closest("a[data-jump], a.skip") : null;
    const target = jump && document.getElementById(jump.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    target.tabIndex = -1;
    target.focus({preventScroll: true});
    target.scrollIntoView();
  });
})();
