// From data to noise: what training does to an example, and how each schedule spends its time on the way.
import { fixed, int, short } from "../../format.js";
import { createCell } from "../cell.js";
import { createPlot } from "../plot.js";
import { choices, createAskingScene, curve, isImage, layOut, panels, slider } from "./frame.js";

export const title = "Forward: data to noise";

const MOMENTS = 41;
const FIRST = 16; // the moment that is shown first
const SCHEDULES = [["linear", "Linear"], ["cosine", "Cosine"], ["sigmoid", "Sigmoid"], ["lognormal", "Log-normal"], ["uniform", "Uniform flow"]];
const PLAIN = { linear: "linear", cosine: "cosine", sigmoid: "sigmoid", lognormal: "log-normal", uniform: "uniform flow" };
const SHOWN = 9; // images
const DASHES = { linear: [6, 3], cosine: [], sigmoid: [1, 3], lognormal: [8, 3, 1, 3], uniform: [3, 3] };

export function create(container, tools) {
  const find = layOut(container, {
    bar: choices("schedule", SCHEDULES, "") + slider("t", { max: MOMENTS - 1, value: FIRST }),
    body: `<div class="parts forward-parts"><section><h3></h3><div class="cell"></div></section><section><h3>Signal left, ᾱ <small>against t</small></h3><div class="plot alphas"></div></section><section><h3>Signal over noise <small>dB, against t</small></h3><div class="plot snr"></div></section></div>`,
  });
  const picture = createCell(find(".cell"), "Examples with noise");
  const alphas = createPlot(find(".alphas"), "ᾱ against t for each schedule", { onPick: move });
  const snr = createPlot(find(".snr"), "Signal over noise against t for each schedule", { onPick: move });
  let schedule = null;
  let at = FIRST;
  const scene = createAskingScene(container, tools, {
    questions: (about) => SCHEDULES.map(([key]) => key).sort((a) => (a === chosen(about) ? -1 : 0)).slice(0, 1).map((key) => ["forward", { schedule: key, n: 300, moments: MOMENTS, seed: 0 }]),
    show,
    nothing: "Nothing is built yet. Press Train: the forward process needs no training, only the data and a schedule.",
    waiting: "Adding noise…",
  });

  const chosen = (about) => schedule ?? about.config.schedule;

  function move(t) {
    at = Math.round(t * (MOMENTS - 1));
    find("input").value = at;
    scene.draw();
  }

  function show(about) {
    const key = chosen(about);
    const frame = scene.get("forward", { schedule: key, n: 300, moments: MOMENTS, seed: 0 });
    for (const button of container.querySelectorAll("[data-schedule]")) button.setAttribute("aria-pressed", button.dataset.schedule === key);
    const now = Object.fromEntries(["alphas_cumprod", "snr", "sigma"].map((name) => [name, panels(frame, "at").find((v) => v.name === name)?.arrays.y[at]]));
    const t = at / (MOMENTS - 1);
    picture.update({ view: panels(frame, "x_t")[at] ?? null, backdrop: tools.store.backdrop(), count: SHOWN, zoom: 1.25 });
    find("h3").innerHTML = `x<sub>t</sub> = √ᾱ x₀ + √(1 − ᾱ) ε <small>t ${fixed(t, 3)}</small>`;
    find(".said").textContent = frame ? `ᾱ ${fixed(now.alphas_cumprod, 3)} · σ ${short(+now.sigma.toPrecision(3))} · SNR ${fixed(now.snr, 1)} dB` : "";
    const line = (name, arrays) => ({ name: PLAIN[name], ...arrays, color: name === key ? "accent" : "ink3", width: name === key ? 2.5 : 1.2, dash: name === key ? [] : DASHES[name], faint: name !== key });
    const lines = (panel) => panels(frame, panel).map((v) => line(v.name, v.arrays)).sort((a, b) => b.faint - a.faint);
    const x = { name: "t", range: [0, 1] };
    alphas.update({ lines: lines("alphas_cumprod").map((l) => ({ ...l, bare: l.faint })), x, y: { name: "ᾱ", range: [0, 1.02] }, cursor: t });
    snr.update({ lines: lines("snr"), x, y: { name: "dB", range: [-45, 65] }, floors: [{ y: 0, label: "as much noise as data" }], cursor: t, room: 96 });
    Object.assign(container.dataset, { t, alpha: now.alphas_cumprod ?? "", sigma: now.sigma ?? "", snr: now.snr ?? "", schedule: key });
    return frame ? sentence(about, key, frame) : "";
  }

  /** When the noise becomes as large as the data, and how much of the time lies after a hundredth of the signal is left. */
  function sentence(about, key, frame) {
    const { x, y } = curve(frame, "snr", key);
    const even = x[y.findIndex((v) => v < 0)];
    const late = 1 - (x[y.findIndex((v) => v < -20)] ?? 1);
    const what = ["linear", "cosine", "sigmoid"].includes(key) ? "timestep over 1,000" : key === "uniform" ? "the flow time" : "the share of training's noise levels that are lower";
    const middle = even == null ? "noise never outweighs data" : even === 0 ? "noise outweighs data from the start" : `noise outweighs data from t ${fixed(even, 2)} on`;
    return `With the ${PLAIN[key]} schedule ${middle}, and ${fixed(100 * late, 0)} % of training is spent where less than 1 % of the power is data (SNR below −20 dB). t is ${what}; ${isImage(about) ? `${SHOWN} training images` : `${int(frame.metrics.n)} training points`}, seed 0, the same ε at every t.`;
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-schedule]")?.dataset.schedule;
    if (next) (schedule = next), scene.ask();
  });
  find("input").addEventListener("input", (event) => ((at = +event.target.value), scene.draw()));
  return { update: scene.update };
}
