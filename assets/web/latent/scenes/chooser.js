// Test images to choose from: a strip that is turned page by page; each is a button that says its number and class.
import { ask as call } from "../../ask/call.js";
import { icon } from "../../icons.js";
import { createRow } from "./pixels.js";
import { named, view } from "../../ask/question.js";

/**
 * @param {HTMLElement} container
 * @param {{session: object}} tools
 * @param {{onPick: (index: number, label: number|null) => void, n?: number}} on `n` a page
 */
export function createChooser(container, { session }, { onPick, n = 5 }) {
  container.classList.add("image-chooser");
  container.innerHTML = `<button type="button" class="icon-button earlier" title="Earlier test images" aria-label="Earlier test images">${icon("right")}</button><div class="strip"></div>
    <button type="button" class="icon-button later" title="Further test images" aria-label="Further test images">${icon("right")}</button>`;
  const find = (selector) => container.querySelector(selector);
  const row = createRow(find(".strip"), "Test images", { onPick: (i) => shown && onPick(start + i, label(i)) });
  let start = 0;
  let shown = null;
  let count = Infinity;
  let classes = [];
  let wanted = "";
  let marks = [];

  const label = (i) => shown?.arrays.label?.[i] ?? null;

  async function load() {
    const mine = (wanted = `${start} ${Math.random()}`);
    try {
      const frame = await call(session, "examples", { start, n }, { again: load });
      if (mine !== wanted) return;
      shown = view(frame, "examples");
      count = frame.metrics.count;
    } catch {
      if (mine === wanted) shown = null; // the scene's own question says why nothing is answered
    }
    show();
  }

  function show() {
    const titles = Array.from({ length: n }, (_, i) => `Test image ${start + i}${label(i) == null ? "" : `, ${named(classes, label(i))}`}`);
    row.update(shown, { n, titles });
    [...find(".strip").children].forEach((cell, i) => {
      cell.classList.toggle("chosen", marks.includes(start + i));
      cell.disabled = !shown;
    });
    find(".earlier").disabled = start === 0;
    find(".later").disabled = start + n >= count;
  }

  const turn = (by) => ((start = Math.max(0, Math.min(count - 1, start + by))), load());
  find(".earlier").addEventListener("click", () => turn(-n));
  find(".later").addEventListener("click", () => turn(n));
  show();

  return {
    /** Another data set or run: its test images. */
    renew(set, started) {
      classes = set.classes;
      [start, shown, count] = [0, null, Infinity];
      if (started) load();
      else show();
    },
    mark(...indices) {
      if (marks.join() === indices.join()) return;
      marks = indices;
      show();
    },
  };
}
