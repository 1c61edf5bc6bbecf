// Classifier-free guidance: the same noise and classes drawn at rising scales. The class is obeyed more often, and samples of a class grow
// alike. Each scale is asked for by itself, so that rows appear as they are drawn.
import { fixed, int, percent } from "../../format.js";
import { createRow } from "../../latent/scenes/pixels.js";
import { createPlot } from "../plot.js";
import { createAskingScene, curve, layOut, panels } from "./frame.js";

export const title = "Guidance";
export const kinds = ["image"];

const SCALES = [0, 1, 2, 4, 8];
const SHOWN = 10; // images of a row
const PRESET = "digits";
const SAID = { 0: "no class", 1: "off" };

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label>Samples of each class <select aria-label="Samples of each class"><option>4</option><option selected>8</option><option>20</option></select></label><button type="button" class="button small again">New seed</button>`,
    body: `<div class="offer" hidden><button type="button" class="button small strong">Load digits, told their class</button></div>
      <div class="parts guidance-parts"><section class="rows"><h3>Same noise, rising scale <small></small></h3>${SCALES.map((w) => `<div class="scale" data-scale="${w}"><b>w = ${w}<small>${SAID[w] ?? ""}</small></b><div></div></div>`).join("")}</section>
      <section><h3>Class obeyed <small>share of samples, by the judge</small></h3><div class="plot obeyed"></div><h3>Diversity <small>distance within a class, over that of the data</small></h3><div class="plot diversity"></div></section></div>`,
  });
  const rows = SCALES.map((w, i) => createRow(container.querySelectorAll(".scale > div")[i], `Samples at guidance scale ${w}`));
  const plots = ["obeyed", "diversity"].map((name) => createPlot(find(`.${name}`), `${name} against the guidance scale`));
  let seed = 0;
  const told = (about) => about.config.conditional && about.set.classes.length > 0;
  const ask = (w) => ["guidance", { scales: [w], per_class: +find("select").value, seed }];
  const scene = createAskingScene(container, tools, {
    questions: (about) => (told(about) ? SCALES.map(ask) : []),
    of: ["sampler", "num_steps", "grid", "sigma_min", "sigma_max", "rho", "eta", "s_churn", "classifier_scale"],
    show,
    nothing: "Nothing trained yet. Train a network that is told the class, and the same noise is drawn here at five scales of guidance.",
    waiting: "Drawing the same noise at five scales of guidance…",
  });

  /** What is known at the scales that are answered: [w, value] of a curve. */
  const known = (name) => SCALES.map((w) => [w, curve(scene.get(...ask(w)), name)?.y[0]]).filter(([, v]) => v != null);

  function show(about) {
    const can = told(about);
    find(".offer").hidden = can || !about.started;
    find(".parts").hidden = find(".bar").hidden = !can;
    if (!can) return about.started ? "This network was told no classes, so there is nothing to guide it to. Tell the class (under Fixes) and train again, or load a preset that does." : "";
    SCALES.forEach((w, i) => {
      const view = panels(scene.get(...ask(w)), "rows")[0];
      rows[i].update(view ? firstOf(view) : null, { n: SHOWN });
    });
    const frame = SCALES.map((w) => scene.get(...ask(w))).find(Boolean);
    const x = { name: "w", range: [0, 8], marks: SCALES.map((w) => [w, String(w)]) };
    ["obeyed", "diversity"].forEach((name, i) => {
      const points = known(name);
      const line = { name, x: points.map(([w]) => w), y: points.map(([, v]) => v), color: "accent", dots: true, bare: true };
      const floor = i ? { y: 1, label: "as in the data" } : { y: frame?.metrics["real obeyed"], label: `test images ${percent(frame?.metrics["real obeyed"], 0)}` };
      plots[i].update({ lines: points.length ? [line] : [], x, y: { name: "", range: i ? undefined : [0, 1.1] }, floors: frame && floor.y != null ? [floor] : [] });
    });
    find("h3 small").textContent = `first ${SHOWN}, classes in turn`;
    find(".said").textContent = frame ? `n ${int(frame.metrics.n)} a scale, seed ${seed}` : "";
    Object.assign(container.dataset, { obeyed: known("obeyed").map((p) => p.join()).join(" "), diversity: known("diversity").map((p) => p.join()).join(" "), seed });
    return known("diversity").length === SCALES.length ? sentence(frame) : "";
  }

  function sentence(frame) {
    const [spread, right] = [new Map(known("diversity")), new Map(known("obeyed"))];
    const w = SCALES.at(-1);
    const change = (spread.get(w) / spread.get(1) - 1) * 100;
    const diverse = Math.abs(change) < 3 ? "diversity stays as it is" : `diversity ${change < 0 ? "falls" : "rises"} by ${fixed(Math.abs(change), 0)} %`;
    const n = `n ${int(frame.metrics.n)} samples a scale, seed ${seed}, step ${int(frame.step)}`;
    if (!right.size) return `From w = 1 to 8 ${diverse}. There is no judge for these pictures, so nobody says how often the class is obeyed. ${n}.`;
    const best = SCALES.filter((s) => right.get(s) >= Math.max(...right.values()) - 1e-9)[0];
    const how = right.get(best) > right.get(1) + 0.005 ? `The class is obeyed by ${percent(right.get(1), 0)} without guidance (w = 1) and by ${percent(right.get(best), 0)} at w = ${best}` : `The class is obeyed by ${percent(right.get(1), 0)} without guidance (w = 1), and no scale does better`;
    return `${how}; without any class (w = 0) by ${percent(right.get(0), 0)}, chance is ${percent(1 / scene.about.set.classes.length, 0)}. From w = 1 to 8 ${diverse}. ${n}.`;
  }

  find("select").addEventListener("change", () => scene.ask());
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), scene.ask()));
  find(".offer button").addEventListener("click", () => tools.commands.preset(PRESET));
  return { update: scene.update };
}

/** The first images of a view, kept with it, so that they are painted once. */
function firstOf(view) {
  const [n, ...rest] = view.shapes.pixels;
  return (view.first ??= { ...view, shapes: { pixels: [Math.min(SHOWN, n), ...rest] } });
}
