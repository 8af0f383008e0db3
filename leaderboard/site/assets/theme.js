// Light or dark: what the system says, until a reader chooses. Loaded first, so that nothing flashes.
"use strict";

(() => {
  const root = document.documentElement;
  const CHOICES = ["system", "light", "dark"];

  const stored = () => {
    try {
      return localStorage.getItem("rmt-bench-theme") || "system";
    } catch (refused) {
      // a browser may keep nothing for a page
      return "system";
    }
  };

  const keep = (choice) => {
    try {
      localStorage.setItem("rmt-bench-theme", choice);
    } catch (refused) {
      root.dataset.kept = "no";
    }
  };

  const apply = (choice) => {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
  };

  let current = CHOICES.includes(stored()) ? stored() : "system";
  apply(current);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => {
      button.textContent = `Theme: ${current}`;
    };
    button.hidden = false;
    say();
    button.addEventListener("click", () => {
      current = CHOICES[(CHOICES.indexOf(current) + 1) % CHOICES.length];
      keep(current);
      apply(current);
      say();
      document.dispatchEvent(new Event("themechange"));
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      document.dispatchEvent(new Event("themechange"));
    });
  });
})();
