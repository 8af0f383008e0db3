// One tooltip for the whole page: for pointer and keyboard, for tables and charts. Holds text nodes only.
"use strict";

(() => {
  const contents = new WeakMap();
  const tip = Board.make("div", {id: "tip", role: "tooltip", hidden: ""});
  let owner = null;

  // `lines`: a heading, then pairs of a label and a value; made when it is shown.
  const fill = ({heading, pairs}) => {
    tip.replaceChildren(
      Board.make("p", {class: "tip-heading"}, ...heading.map((part) => Board.make("bdi", {}, Board.cut(part, 300)))),
      Board.make(
        "dl",
        {},
        ...pairs.flatMap(([label, value]) => [Board.make("dt", {}, label), Board.make("dd", {}, value)]),
      ),
    );
  };

  // Beside the box (in the window's coordinates), and never outside the window.
  const place = (box) => {
    const gap = 10;
    const {width, height} = tip.getBoundingClientRect();
    const left = Math.min(Math.max(gap, box.left + box.width / 2 - width / 2), innerWidth - width - gap);
    const above = box.top - height - gap;
    tip.style.left = `${Math.max(gap, left)}px`;
    tip.style.top = `${above >= gap ? above : Math.min(box.bottom + gap, innerHeight - height - gap)}px`;
  };

  const hide = () => {
    tip.hidden = true;
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
  };

  const show = (element) => {
    if (owner === element) return;
    hide();
    fill(contents.get(element)());
    tip.hidden = false;
    owner = element;
    owner.setAttribute("aria-describedby", "tip");
    place(element.getBoundingClientRect());
  };

  const owned = (event) => {
    let element = event.target instanceof Element ? event.target : null;
    while (element && !contents.has(element)) element = element.parentElement;
    return element;
  };
  const react = (event) => {
    const element = owned(event);
    if (element) show(element);
    else if (!tip.contains(event.target)) hide();
  };

  Board.tip = {
    attach: (element, lines) => contents.set(element, lines),
    at: (box, lines) => {
      hide();
      fill(lines);
      tip.hidden = false;
      place(box);
    },
    hide,
  };

  document.body.append(tip);
  document.addEventListener("pointerover", react);
  document.addEventListener("focusin", react);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  // It goes with what it is about, and hides with it.
  const follow = () => {
    const box = owner?.getBoundingClientRect();
    if (box && box.bottom > 0 && box.top < innerHeight) place(box);
    else hide();
  };
  document.addEventListener("scroll", follow, {capture: true, passive: true});
})();
