// Reference: the run written as a folder of diffusers, opened by its own from_pretrained and walked by its own scheduler, beside our sampler:
// the same weights, seed and noise levels. How far apart are they after each step?
import { fixed, fmt, int } from "../../format.js";
import { SAMPLERS } from "../samplers.js";
import { createCell } from "../cell.js";
import { createPlot } from "../plot.js";
import { createAskingScene, curve, isImage, layer, layOut } from "./frame.js";

export const title = "Reference: diffusers";

const CLASSES = { ddpm: "DDPMScheduler", ddim: "DDIMScheduler", euler: "EulerDiscreteScheduler", heun: "HeunDiscreteScheduler", "dpmpp-2m": "DPMSolverMultistepScheduler", unipc: "UniPCMultistepScheduler", "flow-euler": "FlowMatchEulerDiscreteScheduler" };
const STEPS = [5, 10, 20, 50, 100];
const LIMIT = 1e-5; // of the largest value: below it, float32 is all that differs
const SIDES = [["ours", "This engine", "model"], ["theirs", "diffusers", "reference"]];

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label>Sampler <select class="sampler" aria-label="Sampler">${Object.keys(CLASSES).map((key) => `<option value="${key}"${key === "ddim" ? " selected" : ""}>${SAMPLERS[key][0]}</option>`).join("")}</select></label><label>Steps <select class="steps" aria-label="Steps">${STEPS.map((k) => `<option${k === 20 ? " selected" : ""}>${k}</option>`).join("")}</select></label><button type="button" class="button small again">New seed</button>`,
    body: `<div class="parts reference-parts">${SIDES.map(([key, words, role]) => `<section><h3><i data-role="${role}"></i>${words} <small></small></h3><div class="cell ${key}"></div></section>`).join("")}
      <section><h3>Largest difference <small>after each step</small></h3><div class="plot apart"></div><dl><dt>walk, ours</dt><dd></dd><dt>walk, diffusers</dt><dd></dd><dt>folder written and opened</dt><dd></dd></dl></section></div>`,
  });
  const cells = SIDES.map(([key, words]) => createCell(find(`.cell.${key}`), `Samples of ${words}`));
  const plot = createPlot(find(".apart"), "Largest difference between both against the step");
  let seed = 0;
  const ask = (about) => ["parity", { sampler: find(".sampler").value, num_steps: +find(".steps").value, n: isImage(about) ? 20 : 64, seed }];
  const scene = createAskingScene(container, tools, {
    questions: (about) => [ask(about)],
    of: ["cfg_scale", "classifier_scale"],
    show,
    nothing: "Nothing trained yet. Train, and the run is opened by diffusers here and draws the same samples, or not.",
    waiting: "Writing the run as a folder, opening it with from_pretrained, walking both ways. The first time diffusers itself is loaded, which takes some seconds…",
  });

  function show(about) {
    const frame = scene.get(...ask(about));
    const m = frame?.metrics;
    SIDES.forEach(([key], i) => cells[i].update({ view: layer(frame, key, key), backdrop: tools.store.backdrop(), count: 20 }));
    const { sampler } = ask(about)[1];
    const small = container.querySelectorAll("h3 small");
    small[0].textContent = SAMPLERS[sampler][0];
    small[1].textContent = CLASSES[sampler];
    const line = curve(frame, "difference");
    const shown = line && { x: line.x, y: Array.from(line.y, (v) => Math.max(v, 1e-9)) };
    plot.update({ lines: line ? [{ name: "difference", ...shown, color: "accent", dots: line.x.length <= 20, bare: true }] : [], x: { name: "step" }, y: { name: "max |Δ| / max |x|", log: true, range: line ? [Math.min(1e-8, ...shown.y), Math.max(1e-4, ...shown.y)] : [1e-8, 1e-4] }, floors: [{ y: LIMIT, label: "1e-5" }] });
    const seconds = (v) => (v == null ? "—" : `${v < 0.095 ? fixed(1000 * v, 0) : fixed(v, 2)} ${v < 0.095 ? "ms" : "s"}`);
    [m?.ours, m?.theirs, m?.opening].forEach((v, i) => (container.querySelectorAll("dd")[i].textContent = i < 2 ? seconds(v) : m ? `${seconds(v)}, ${fixed(m.megabytes, m.megabytes < 0.1 ? 3 : 1)} MB` : "—"));
    find(".said").textContent = m ? `n ${int(ask(about)[1].n)}, seed ${seed}, CPU time of one core` : "";
    Object.assign(container.dataset, { largest: m?.["largest difference"] ?? "", steps: line?.x.length ?? "", seed });
    return m ? sentence(about, frame, m) : "";
  }

  function sentence(about, frame, m) {
    const worst = m["largest difference"];
    const same = worst < LIMIT ? `Both walk the same way: after each of ${ask(about)[1].num_steps} steps they differ by at most ${fmt(worst, 2)} of the largest value, below 1e-5, what float32 cannot tell` : `They part: the largest difference is ${fmt(worst, 2)} of the largest value, above 1e-5`;
    const value = isImage(about) ? `no pixel of the samples differs by more than ${fmt(m["value difference"] * 127.5, 2)} of 255 grey levels` : `no sample lies more than ${fmt(m["value difference"], 2)} apart`;
    const ratio = m.theirs / m.ours;
    const time = ratio > 1.15 ? `diffusers takes ${fixed(ratio, 1)} times as long` : ratio < 0.87 ? `diffusers takes ${fixed(ratio, 2)} of our time` : "both take the same time";
    return `${same}; ${value}; ${time}. Averaged weights through from_pretrained, on the noise levels of ${CLASSES[ask(about)[1].sampler]}, from the same seed (${seed}), guidance ${fixed(about.config.cfg_scale, 1)}, step ${int(frame.step)}.`;
  }

  for (const select of container.querySelectorAll("select")) select.addEventListener("change", () => scene.ask());
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), scene.ask()));
  return { update: scene.update };
}
