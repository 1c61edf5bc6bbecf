// Step by step in numbers: flow time, noise level, size of the noise that the network sees, and how much its prediction changes.
import { fixed, fmt, int } from "../format.js";

const LINE = 18; // px of a row and its rule
const HEAD = ["step", "t", "σ", "‖ε̂‖", "|Δx̂₀|"];
const TITLES = ["of the sampler", "flow time σ / (1 + σ)", "noise level the step begins at, in units of the data's scale", "root mean square of the noise that the network sees, ideally 1", "root mean square change of the prediction against the step before"];

/** @param {HTMLElement} box @param {{onPick: (step: number) => void}} on */
export function createTable(box, { onPick }) {
  box.innerHTML = `<table><thead><tr>${HEAD.map((words, i) => `<th title="${TITLES[i]}">${words}</th>`).join("")}</tr></thead><tbody></tbody></table><p class="none"></p>`;
  const body = box.querySelector("tbody");
  let shown = "";

  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) onPick(+row.dataset.step);
  });

  /** @param {Record<string, Float32Array>|null} table @param {number} step that led to x_t, from 0 @param {string} none why there is no table */
  function update(table, step, none) {
    box.querySelector(".none").textContent = table ? "" : none;
    box.querySelector("table").hidden = !table;
    if (!table) return void (shown = "");
    const total = table.sigma.length;
    const rows = Math.max(3, Math.min(total, Math.floor((box.clientHeight - 24) / LINE)));
    const current = Math.min(step + 1, total); // the estimate made from this x_t
    const first = Math.max(1, Math.min(current - Math.floor(rows / 2), total - rows + 1));
    const key = [first, rows, current, total, table.sigma[0], table["eps norm"][0]].join();
    if (key === shown) return;
    shown = key;
    const largest = Math.max(1e-9, ...Array.from(table["x0 change"]).filter(Number.isFinite));
    body.replaceChildren(...Array.from({ length: rows }, (_, i) => line(table, first + i, current, largest)));
  }

  function line(table, number, current, largest) {
    const k = number - 1;
    const row = document.createElement("tr");
    row.dataset.step = number;
    if (number === current) row.setAttribute("aria-current", "step");
    const change = table["x0 change"][k];
    const cells = [int(number), fixed(table.t[k], 2), fmt(table.sigma[k], 3), fixed(table["eps norm"][k], 2), Number.isFinite(change) ? fixed(change, 3) : "—"];
    row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    row.lastChild.style.setProperty("--part", Number.isFinite(change) ? `${(100 * change) / largest}%` : "0%");
    return row;
  }

  return { update };
}
