// A text token by token: the ground of each is tinted by how surprising it was or how unsure the model had been, a press or the arrow
// keys choose one, what the attention map points at is underlined.
import { fixed, int } from "../format.js";
import { slowLabel } from "../surface.js";
import { meanOf, visible } from "./tokens.js";

const FULL = { char: { surprise: 4, entropy: 3 }, bpe: { surprise: 8, entropy: 6 } }; // nats at full tint, of each kind of token
const WIDTH = 0.6; // of a monospaced character, in its height
const LARGEST = 15;
const SMALLEST = 12; // px

/**
 * @param {HTMLElement} box
 * @param {{onPick: (position: number) => void, onHover: (position: number|null) => void}} on
 */
export function createWritten(box, { onPick, onHover }) {
  box.classList.add("written");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  const spoken = slowLabel(box);
  let spans = [];
  let drawn = { text: null, tint: "" };
  let now = { text: null, position: -1 };
  const indexOf = (target) => (target.dataset?.at ? +target.dataset.at : null);

  const full = (tint) => FULL[now.tokens ?? "char"][tint];

  function build({ text, tint }) {
    const rows = text ? text.pieces.map((piece, i) => span(text, piece, i, tint)) : [];
    box.replaceChildren(...rows);
    spans = rows;
    fit(text);
    drawn = { text, tint };
  }

  function span(text, piece, i, tint) {
    const element = document.createElement("span");
    element.dataset.at = i;
    if (/^[\n\r]+$/.test(piece)) element.className = "end";
    element.textContent = piece;
    const value = text[tint]?.[i];
    if (Number.isFinite(value)) element.style.setProperty("--s", Math.min(1, value / full(tint)).toFixed(3));
    if (i < text.given) element.classList.add("given");
    if (text.mark?.[i]) element.classList.add("copied");
    return element;
  }

  /** As large as the longest line allows, so that the text's own lines stay whole. */
  function fit(text) {
    if (!text) return;
    const longest = Math.max(40, ...text.pieces.join("").split("\n").map((line) => line.length));
    const size = Math.max(SMALLEST, Math.min(LARGEST, (box.clientWidth - 30) / (WIDTH * (longest + 1))));
    box.style.fontSize = `${Math.floor(size * 4) / 4}px`;
  }

  function classes({ position, shown, mask, row, column }) {
    spans.forEach((element, i) => {
      element.classList.toggle("pick", i === position);
      element.classList.toggle("later", i >= shown);
      element.classList.toggle("unseen", mask && position > 0 && (i > position || i < position - mask));
      element.classList.toggle("looks", i === row);
      element.classList.toggle("looked-at", i === column);
    });
  }

  function keep(position) {
    const element = spans[position];
    if (!element) return;
    const [top, bottom] = [element.offsetTop, element.offsetTop + element.offsetHeight];
    if (top < box.scrollTop) box.scrollTop = top - 8;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight + 8;
  }

  box.addEventListener("click", (event) => {
    const at = indexOf(event.target);
    if (at > 0) onPick(at);
  });
  box.addEventListener("pointerover", (event) => onHover(indexOf(event.target)));
  box.addEventListener("pointerleave", () => onHover(null));
  box.addEventListener("keydown", (event) => {
    const { text, position } = now;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: "up", ArrowDown: "down", Home: -Infinity, End: Infinity }[event.key];
    if (step == null || !text || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const to = typeof step === "string" ? beside(position, step === "up" ? -1 : 1) : position + step;
    const held = Math.max(1, Math.min(text.pieces.length - 1, to));
    onPick(held);
    keep(held);
  });
  new ResizeObserver(() => fit(now.text)).observe(box);

  /** The token in the line over or under one, at about the same place across. */
  function beside(position, way) {
    const from = spans[position];
    if (!from) return position;
    const line = (s) => s.offsetTop;
    let [best, least] = [position, Infinity];
    const tops = [...new Set(spans.map(line))].sort((a, b) => a - b);
    const wanted = tops[tops.indexOf(line(from)) + way];
    spans.forEach((s, i) => {
      const far = Math.abs(s.offsetLeft - from.offsetLeft);
      if (line(s) === wanted && far < least) [best, least] = [i, far];
    });
    return best;
  }

  return {
    keep,
    /** @param {{text: import("./tokens.js").Text|null, tokens: string, tint: string, position: number, shown: number, mask: number, row: number|null, column: number|null, faded: boolean}} next */
    update(next) {
      now = next;
      if (next.text !== drawn.text || next.tint !== drawn.tint) build(next);
      classes(next);
      box.classList.toggle("faded", Boolean(next.faded));
      if (next.text) spoken(`Text, ${int(next.text.pieces.length)} tokens, token ${next.position} is ${visible(next.text.pieces[next.position] ?? "")}: the arrow keys choose another`);
    },
    /** The legend's words: the mean of what is tinted. */
    words({ text, tint }) {
      const { mean, n } = meanOf(text?.[tint] ?? []);
      return n ? `mean ${fixed(mean, 2)} nats over ${int(n)}` : "";
    },
    full,
  };
}
