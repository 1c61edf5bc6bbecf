// What the words of the page mean, from one glossary: terms are underlined wherever they stand as text, and a card says what one means when
// it is pointed at, tapped, or when what it names has the focus. Nothing of the page is changed for it: terms are found in the text itself.

const WHERE =
  ".legend, .chart h3, .tile .name, .tile .floor, .tile small, .knob label, .toggle, .explain p, .scene-words, .look, .said, dt, th, .view h3, .presets small, " +
  ".matrix-panel header span, .device span, .about, .small-slider, .charts p";
const PAUSE = 1200; // ms between two searches for terms
const STAY = 250; // ms that the pointer rests before a card opens

/** @param {[string[], string][]} entries spellings and definition */
export function createGlossary(entries) {
  const meaning = new Map(entries.flatMap(([names, text]) => names.map((name) => [name, text])));
  const escaped = [...meaning.keys()].sort((a, b) => b.length - a.length).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const terms = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${escaped.join("|")})(?![\\p{L}\\p{N}₀₁₂*(])`, "gu");
  const card = Object.assign(document.createElement("div"), { className: "term-card", id: "term-card", hidden: true });
  card.setAttribute("role", "tooltip");
  document.body.append(card);
  let timer = 0;
  let due = 0;
  let open = ""; // the term that is explained

  /** The term at a place on the screen. @returns {{name: string, box: DOMRect}|null} */
  function at(x, y) {
    const place = document.caretPositionFromPoint?.(x, y) ?? rangeAt(x, y);
    const node = place?.offsetNode;
    if (node?.nodeType !== Node.TEXT_NODE || !node.parentElement.closest(WHERE)) return null;
    for (const found of node.data.matchAll(terms)) {
      const range = document.createRange();
      range.setStart(node, found.index);
      range.setEnd(node, found.index + found[0].length);
      const box = range.getBoundingClientRect();
      if (x >= box.left - 2 && x <= box.right + 2 && y >= box.top - 2 && y <= box.bottom + 2) return { name: found[0], box };
    }
    return null;
  }

  function rangeAt(x, y) {
    const range = document.caretRangeFromPoint?.(x, y);
    return range && { offsetNode: range.startContainer };
  }

  function show({ name, box }) {
    if (open === name && !card.hidden) return;
    open = name;
    card.replaceChildren(Object.assign(document.createElement("b"), { textContent: name }), ` ${meaning.get(name)}`);
    card.hidden = false;
    const { offsetWidth: w, offsetHeight: h } = card;
    const below = box.bottom + 8 + h < innerHeight;
    card.style.left = `${Math.max(8, Math.min(innerWidth - w - 8, box.left))}px`;
    card.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - h - 8)}px`;
  }

  function hide() {
    card.hidden = true;
    open = "";
  }

  function look(x, y) {
    const found = at(x, y);
    if (found) show(found);
    else hide();
  }

  document.addEventListener("pointermove", ({ clientX, clientY, pointerType, buttons }) => {
    clearTimeout(timer);
    if (pointerType !== "mouse" || buttons) return;
    timer = setTimeout(() => look(clientX, clientY), open ? 60 : STAY);
  });
  document.addEventListener("pointerup", ({ clientX, clientY, pointerType }) => pointerType !== "mouse" && setTimeout(() => look(clientX, clientY)));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  addEventListener("scroll", hide, { capture: true, passive: true });

  /** A field, a tile or a toggle that gets the focus from the keyboard explains the term in its name. */
  document.addEventListener("focusin", ({ target }) => {
    if (!target.matches?.(":focus-visible")) return;
    const named = target.labels?.[0] ?? (target.matches(`${WHERE}, .tile`) ? target : null);
    const found = named && (named.textContent.match(terms) ?? [])[0];
    if (found) show({ name: found, box: named.getBoundingClientRect() });
    else hide();
  });
  document.addEventListener("focusout", hide);

  /** Underline the terms that are seen, once each in an element. */
  function mark() {
    due = 0;
    const ranges = [];
    for (const element of document.querySelectorAll(WHERE)) {
      if (!element.offsetParent) continue;
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      const seen = new Set();
      while (walker.nextNode()) {
        for (const found of walker.currentNode.data.matchAll(terms)) {
          if (seen.has(found[0])) continue;
          seen.add(found[0]);
          const range = new StaticRange({
            startContainer: walker.currentNode,
            startOffset: found.index,
            endContainer: walker.currentNode,
            endOffset: found.index + found[0].length,
          });
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("term", new Highlight(...ranges));
  }

  if ("highlights" in CSS) {
    new MutationObserver(() => (due ||= setTimeout(mark, PAUSE))).observe(document.body, { childList: true, subtree: true, characterData: true });
    mark();
  }

  /** All of it, as a list for the sheet of help. */
  return { entries };
}
