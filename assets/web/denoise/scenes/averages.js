// Raw against averaged weights: of the run as it is, and of its beginning made once more with several averages beside it.
import { bandOf } from "../../store.js";
import { fixed, int, percent } from "../../format.js";
import { createCell } from "../cell.js";
import { createPlot } from "../plot.js";
import { createSeries } from "../../ask/series.js";
import { BESIDE } from "../samplers.js";
import { createAskingScene, curve, distanceOf, isImage, layOut, panels } from "./frame.js";

export const title = "Average of weights";

const NAMES = [["raw", "Raw weights", [1, 3]], ["EMA 0.9", "EMA 0.9", [4, 2]], ["EMA 0.99", "EMA 0.99", [8, 3]], ["EMA 0.999", "EMA 0.999", []], ["EMA 0.999 without warm-up", "no warm-up", [8, 3, 1, 3]]];
const STEPS = { "2d": [200, 1000, 3000], image: [50, 100, 200] };

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label>From the start, steps <select aria-label="Steps made again"></select></label><button type="button" class="button small strong press">Make the beginning again</button>`,
    body: `<div class="parts ema-parts"><section class="now"><h3>The run as it is</h3><div class="two"><figure data-of="raw"><div class="cell"></div><figcaption></figcaption></figure><figure data-of="averaged"><div class="cell"></div><figcaption></figcaption></figure></div></section>
      <section class="again"><h3>The beginning made again <small></small></h3><label class="wide-slider"><span>step</span><input type="range" min="0" max="5" value="5" aria-label="Step"></label><div class="five">${NAMES.map(([key, words]) => `<figure data-name="${key}"><div class="cell"></div><figcaption>${words}<b></b></figcaption></figure>`).join("")}</div></section>
      <section><h3>Loss on fixed noise <small>log, against the step</small></h3><div class="plot loss"></div><h3>Distance from the data</h3><div class="plot near"></div></section></div>`,
  });
  const cells = new Map([...container.querySelectorAll("figure")].map((f) => [f.dataset.of ? `now/${f.dataset.of}` : f.dataset.name, createCell(f.querySelector(".cell"), f.dataset.of ?? f.dataset.name)]));
  const plots = Object.fromEntries(["loss", "near"].map((key) => [key, createPlot(find(`.${key}`), key === "loss" ? "Validation loss against the step" : "Sliced W₁ against the step", { onPick: pick })]));
  const again = createSeries(tools, () => scene.draw()); // asked for on a press
  let wanted = 0; // steps
  const scene = createAskingScene(container, tools, {
    questions: (about) => [ask(about, 0)],
    of: [...BESIDE, "sampler", "num_steps"],
    show,
    nothing: "Nothing trained yet. Train, and raw and averaged weights draw here from the same noise.",
  });

  const ask = (about, steps) => ["averages", { steps, decays: [0.9, 0.99, 0.999], n: isImage(about) ? 16 : 300, num_steps: Math.min(about.config.num_steps, isImage(about) ? 5 : 20), seed: 0 }];

  function pick(step) {
    const all = marks();
    find("input").value = all.reduce((best, s, i) => (Math.abs(Math.log(s / step)) < Math.abs(Math.log(all[best] / step)) ? i : best), 0);
    scene.draw();
  }

  const redone = () => (wanted ? again.get(...ask(scene.about, wanted)) : null);
  const marks = () => Array.from(curve(redone(), "sliced_w1")?.x ?? []);

  function show(about) {
    options(about);
    const frame = scene.get(...ask(about, 0));
    const backdrop = tools.store.backdrop();
    if (wanted) again.want(about, [ask(about, wanted)], [...BESIDE, "sampler", "num_steps"]);
    for (const name of ["raw", "averaged"]) {
      const m = frame?.metrics;
      cells.get(`now/${name}`).update({ view: panels(frame, "now").find((v) => v.name === name) ?? null, backdrop, count: 8 });
      find(`[data-of=${name}] figcaption`).innerHTML = `${name === "raw" ? "Raw weights" : `Averaged, ${about.config.ema_decay}`}<b>${m ? `${fixed(m[`${name}/sliced_w1`], 3)} · loss ${fixed(m[`${name}/validation_mse`], 4)}` : ""}</b>`;
    }
    const other = redone();
    const steps = marks();
    const at = Math.min(+find("input").value, Math.max(0, steps.length - 1));
    if (steps.length) find("input").max = steps.length - 1;
    find(".again small").textContent = other ? `step ${int(steps[at])} of ${int(wanted)}, seed ${int(about.config.seed)}` : again.busy ? "training…" : "not yet";
    for (const [name] of NAMES) {
      cells.get(name).update({ view: panels(other, "again").find((v) => v.name === `${name}/${steps[at]}`) ?? null, backdrop, count: 4, zoom: 1.3 });
      const value = curve(other, "sliced_w1", name)?.y[at];
      find(`[data-name="${name}"] b`).textContent = value == null ? "" : fixed(value, 3);
    }
    for (const [key, panel] of [["loss", "validation_mse"], ["near", "sliced_w1"]]) {
      const lines = NAMES.map(([name, words, dash]) => ({ name: words, ...(curve(other, panel, name) ?? { x: [], y: [] }), color: name === "EMA 0.999" ? "accent" : "ink2", dash, width: name === "EMA 0.999" ? 2.5 : 1.4 })).filter((l) => l.x.length);
      const floor = key === "near" ? frame?.metrics.sliced_w1 : tools.store.floor("validation_mse");
      plots[key].update({ lines, x: { name: "step, log", log: true, range: lines.length ? [steps[0], steps.at(-1)] : undefined }, y: { name: key === "loss" ? "mean squared error, log" : `${distanceOf(about)}, log`, log: true }, floors: floor && lines.length ? [{ y: floor, label: key === "loss" ? "exact optimum" : "real data", band: key === "near" ? bandOf(frame?.metrics, "sliced_w1") : undefined }] : [], cursor: steps[at] ?? null, room: 92 });
    }
    const press = find(".press");
    press.disabled = !about.started || again.busy || Boolean(other && wanted === +find("select").value);
    press.textContent = again.busy ? "Training…" : "Make the beginning again";
    Object.assign(container.dataset, { raw: frame?.metrics["raw/sliced_w1"] ?? "", averaged: frame?.metrics["averaged/sliced_w1"] ?? "", rawLoss: frame?.metrics["raw/validation_mse"] ?? "", averagedLoss: frame?.metrics["averaged/validation_mse"] ?? "", again: steps.join() });
    find(".said").textContent = frame ? `n ${int(frame.metrics.n)}, seed 0, floor ${fixed(frame.metrics.sliced_w1, 3)}` : "";
    return frame ? sentence(about, frame, other, steps, at) : "";
  }

  function options(about) {
    const list = STEPS[about.kind].filter((s) => s <= about.config.steps);
    const select = find("select");
    if (select.dataset.key === list.join()) return;
    select.dataset.key = list.join();
    select.innerHTML = list.map((s) => `<option value="${s}"${s === (list[1] ?? list[0]) ? " selected" : ""}>${int(s)}</option>`).join("");
    wanted = 0;
  }

  function sentence(about, frame, other, steps, at) {
    const m = frame.metrics;
    const [raw, mean] = ["raw", "averaged"].map((k) => m[`${k}/validation_mse`]);
    const same = about.config.ema_decay === 0;
    const better = (raw - mean) / raw;
    const kept = raw === mean && "Both are the same weights: a finished run on the shelf keeps its average only.";
    const now = same ? "This run does not average (decay 0): both are the same weights." : kept || `At step ${int(frame.step)} the average's loss is ${percent(Math.abs(better), 1)} ${better >= 0 ? "below" : "above"} the raw weights' (${fixed(mean, 4)} to ${fixed(raw, 4)}).`;
    if (again.refused) return `${now} ${again.refused}`;
    if (!other) return `${now} A press trains the same run once more from its first weights, with five averages beside it, and shows why an early average can look like noise.`;
    const of = (name, panel) => curve(other, panel, name)?.y[at];
    const [cold, warm, plain] = ["EMA 0.999 without warm-up", "EMA 0.999", "raw"].map((name) => of(name, "validation_mse"));
    const lead = cold > 1.1 * plain ? `without warm-up an average of 0.999 still holds ${percent(0.999 ** steps[at], 0)} of the first, random weights: its loss is ${fixed(cold, 3)}, the raw weights' ${fixed(plain, 3)}` : `by now an average without warm-up has forgotten the first weights (loss ${fixed(cold, 3)}, raw ${fixed(plain, 3)})`;
    return `${now} Made again, at step ${int(steps[at])} ${lead}, with warm-up ${fixed(warm, 3)}. n ${int(m.n)}, one seed (${int(about.config.seed)}).`;
  }

  find(".press").addEventListener("click", () => {
    wanted = +find("select").value;
    find("input").max = 5;
    find("input").value = 2;
    scene.draw();
  });
  find("input").addEventListener("input", scene.draw);
  find("select").addEventListener("change", scene.draw);
  return { update: scene.update };
}
