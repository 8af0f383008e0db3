// A report: the map of depths, and which of its samples are shown.
"use strict";

(() => {
  Board.drawDepths();
  const filters = document.getElementById("asked-filters");
  if (!filters) return;
  const selects = [...filters.querySelectorAll("select")];
  const samples = [...document.getElementById("asked-list").children];

  const filter = () => {
    const fits = (sample) =>
      selects.every(({value, dataset}) => value === "" || sample.dataset[dataset.filter] === value);
    for (const sample of samples) sample.hidden = !fits(sample);
    const shown = samples.filter(({hidden}) => !hidden).length;
    document.getElementById("asked-count").textContent = `${shown} of ${samples.length} shown`;
  };

  for (const select of selects) {
    select.closest("label").hidden = select.options.length < 3;
    select.addEventListener("change", filter);
  }
  filters.hidden = false;
  filter();
})();
