"use strict";
(() => {
  const form = document.querySelector(".filter");
  if (!form) return;
  const { text, kind, part, dangerous, open, close } = form.elements;
  const said = form.querySelector("output");
  const chapters = [...document.querySelectorAll(".chapter")].map((element) => ({
    element,
    title: element.querySelector("h3").textContent,
    changes: [...element.querySelectorAll(".change")].map((change) => ({ element: change, text: null })),
  }));
  const changes = chapters.flatMap((chapter) => chapter.changes);

  // The text of a change is gathered when somebody first searches for one.
  const has = (change, words) => {
    change.text ??= change.element.textContent.toLowerCase();
    return words.every((word) => change.text.includes(word));
  };

  const matches = (change, chapter, words) =>
    (kind.value === "" || change.element.dataset.kind === kind.value) &&
    (part.value === "" || chapter.title === part.value) &&
    (!dangerous.checked || "dangerous" in change.element.dataset) &&
    has(change, words);

  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const chapter of chapters) {
      let inside = 0;
      for (const change of chapter.changes) {
        const is = matches(change, chapter, words);
        change.element.hidden = !is;
        inside += is ? 1 : 0;
      }
      chapter.element.hidden = inside === 0;
      shown += inside;
    }
    const all = changes.length;
    said.value = shown === all ? "" : shown === 0 ? "Nothing matches." : `${shown} of ${all} shown.`;
  };

  // A link to what the filter hides shows everything again.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    const change = target && target.closest(".change");
    if (!change) return;
    if (change.hidden) {
      form.reset();
      apply();
    }
    change.open = true;
    change.scrollIntoView({ block: "start" });
  };

  const each = (is) => () => {
    for (const change of changes) if (!change.element.hidden) change.element.open = is;
  };

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  open.addEventListener("click", each(true));
  close.addEventListener("click", each(false));
  addEventListener("hashchange", reveal);
  form.hidden = false;
  apply();
  reveal();
})();
