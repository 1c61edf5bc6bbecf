// What could come next: a bar per token, the chosen one boxed; pressing another puts it there. With a temperature or a nucleus a tick
// says what the model itself had given.
import { percent } from "../format.js";
import { visible } from "./tokens.js";

const ROWS = 9;

/**
 * @param {HTMLElement} box @param {{onChoose: (piece: string) => void}} on
 * @returns {{update: (data: {labels: string[], p: ArrayLike<number>, own: Map<string, number>|null, chosen: string|null, locked: string}|null) => void, others: () => string[]}}
 *   `own` are the probabilities as learned, where those shown are not; `locked` says why nothing can be chosen
 */
export function createNext(box, { onChoose }) {
  box.classList.add("next-rows");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Likeliest tokens; press one to put it there");
  const rows = Array.from({ length: ROWS }, row);
  const rest = Object.assign(document.createElement("p"), { className: "next-rest" });
  box.append(...rows.map((r) => r.button), rest);
  let others = [];

  function row() {
    const button = Object.assign(document.createElement("button"), { type: "button", innerHTML: "<kbd></kbd><span class=\"track\"><i></i><u></u></span><span class=\"share\"></span>" });
    const [key, bar, tick, share] = ["kbd", "i", "u", ".share"].map((s) => button.querySelector(s));
    button.addEventListener("click", () => button.getAttribute("aria-disabled") !== "true" && onChoose(button.dataset.piece));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      const seen = rows.filter((r) => !r.button.hidden);
      seen[(seen.findIndex((r) => r.button === button) + step + seen.length) % seen.length].button.focus();
    });
    return { button, key, bar, tick, share };
  }

  /** The likeliest ones, and the chosen one in the last row where it is not among them. */
  function picked({ labels, chosen }) {
    const first = labels.map((_, i) => i).slice(0, ROWS);
    const at = labels.indexOf(chosen);
    return at >= ROWS ? [...first.slice(0, ROWS - 1), at] : first;
  }

  function update(data) {
    const list = data ? picked(data).filter((i) => data.p[i] > 0 || data.labels[i] === data.chosen) : [];
    const most = data ? Math.max(data.p[0] ?? 0, data.own?.get(data.labels[0]) ?? 0, 1e-9) : 1;
    rows.forEach((r, k) => {
      r.button.hidden = k >= list.length;
      if (k < list.length) show(r, data, list[k], most);
    });
    others = data ? data.labels.filter((l, i) => l !== data.chosen && data.p[i] > 0) : [];
    const left = data ? 1 - list.reduce((a, i) => a + data.p[i], 0) : 0;
    rest.textContent = left > 0.0005 ? `all others ${percent(left)}` : "\u00a0";
  }

  function show({ button, key, bar, tick, share }, { labels, p, own, chosen, locked }, i, most) {
    const piece = labels[i];
    button.dataset.piece = piece;
    key.textContent = visible(piece);
    button.classList.toggle("chosen", piece === chosen);
    button.setAttribute("aria-disabled", Boolean(locked) || piece === chosen);
    button.title = locked || (piece === chosen ? "This one stands there" : `Put ${visible(piece)} there and continue`);
    bar.style.width = `${(100 * p[i]) / most}%`;
    const learned = own?.get(piece);
    tick.hidden = learned == null;
    if (learned != null) tick.style.left = `${Math.min(100, (100 * learned) / most)}%`;
    share.textContent = percent(p[i]);
    button.setAttribute("aria-label", `${visible(piece)}, ${percent(p[i])}${piece === chosen ? ", chosen" : ""}`);
  }

  return { update, others: () => others };
}
