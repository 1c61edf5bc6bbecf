// Samplers against calls of the denoiser, from the same noise: each cell its samples and how far they are from the data.
import { fixed } from "../format.js";
import { createCell } from "./cell.js";
import { CALLS, SAMPLERS, kindOf } from "./samplers.js";

/** What a frame that answers "matrix" says of each column. @returns {{view: object, distance: number, spent: number, steps: number}[]} */
export function cellsOf(frame) {
  const curve = frame?.views.find((v) => v.panel === "sliced_w1");
  if (!curve) return [];
  const views = frame.views.filter((v) => v.panel === "cells");
  return views.map((view, i) => ({ view, distance: curve.arrays.y[i], spent: curve.arrays.x[i], steps: +view.name.split("/")[1] }));
}

/** The question for one row. */
export const rowOf = (sampler, { image, calls = CALLS, seed = 0 }) => ["matrix", { samplers: sampler, calls, n: image ? 32 : 1000, seed }];

/**
 * @param {HTMLElement} box
 * @param {{rows: string[], calls?: number[], onPick: (sampler: string, steps: number) => void, count?: number}} on
 */
export function createMatrix(box, { rows, calls = CALLS, onPick, count = 3 }) {
  box.classList.add("sampler-matrix");
  const head = `<tr><th scope="col">calls, at most</th>${calls.map((k) => `<th scope="col" data-column="${k}">${k}</th>`).join("")}</tr>`;
  const row = (key) => `<tr data-sampler="${key}"><th scope="row"><b>${SAMPLERS[key][0]}</b><span></span></th>${calls.map((k) => `<td data-column="${k}"><button type="button" data-calls="${k}" disabled><i></i><b></b></button></td>`).join("")}</tr>`;
  box.innerHTML = `<table><thead>${head}</thead><tbody>${rows.map(row).join("")}</tbody></table>`;
  const cells = new Map();
  for (const button of box.querySelectorAll("button")) {
    const sampler = button.closest("tr").dataset.sampler;
    const cell = { button, picture: createCell(button.querySelector("i"), ""), steps: 0 };
    cells.set(`${sampler}/${button.dataset.calls}`, cell);
    button.addEventListener("click", () => onPick(sampler, cell.steps));
  }

  function show(sampler, k, known, { band, config, backdrop }) {
    const cell = cells.get(`${sampler}/${k}`);
    const { button } = cell;
    cell.steps = known?.steps ?? 0;
    cell.picture.update({ view: known?.view ?? null, backdrop, count });
    const near = known && band && known.distance <= band[1]; // as near as real data's draws are
    const words = known ? fixed(known.distance, known.distance < 10 ? 3 : 1) : "—";
    button.querySelector("b").textContent = words;
    button.classList.toggle("near", Boolean(near));
    button.disabled = !known;
    button.setAttribute("aria-pressed", Boolean(known) && config.sampler === sampler && config.num_steps === known.steps);
    button.title = known ? `${SAMPLERS[sampler][0]}, ${known.steps} step${known.steps === 1 ? "" : "s"}, ${known.spent} evaluation${known.spent === 1 ? "" : "s"}: ${words} from the data. Click to sample like this` : "";
    Object.assign(button.dataset, { value: known?.distance ?? "", steps: known?.steps ?? "" });
  }

  return {
    /** @param {{frames: Map<string, object>, band: [number, number]|null, config: object, backdrop: object, most?: number}} seen a frame per sampler; more than `most` calls are not asked for */
    update(seen) {
      for (const cell of box.querySelectorAll("[data-column]")) cell.hidden = +cell.dataset.column > (seen.most ?? Infinity);
      box.classList.toggle("of-images", !seen.backdrop?.views.some((v) => v.panel === "stage" && v.type === "points"));
      for (const sampler of rows) {
        const known = cellsOf(seen.frames.get(sampler));
        box.querySelector(`[data-sampler="${sampler}"] th span`).textContent = kindOf(sampler, seen.config);
        calls.forEach((k, i) => show(sampler, k, known[i], seen));
      }
    },
  };
}
