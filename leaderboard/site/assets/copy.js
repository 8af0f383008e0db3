// Buttons that copy the text before them.
"use strict";

(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", () =>
      navigator.clipboard.writeText(button.previousElementSibling.textContent).then(
        () => {
          button.textContent = "Copied";
        },
        () => {
          button.textContent = "Select it and copy";
        },
      ),
    );
  }
})();
