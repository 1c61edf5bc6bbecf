// Readings of the diffusion tab: samplers against calls, measured once the network stands still, beside the training loss and the loss at
// each noise level.
import { fixed, int } from "../format.js";
import { createRowReadings } from "../rowreadings.js";
import { createLosses } from "./losses.js";
import { bandOf } from "../store.js";
import { createMatrix, rowOf } from "./matrix.js";
import { BESIDE, FOUR } from "./samplers.js";
import { distanceOf } from "./scenes/frame.js";
import { createSeries } from "../ask/series.js";

/** @param {HTMLElement} part @param {{session: object, store: object, knobs: object, commands: object}} tools and what a row of readings needs */
export function createDenoiseReadings(part, tools) {
  const row = createRowReadings(part, { ...tools, tail: createLosses });
  part.classList.add("denoise-readings");
  const panel = document.createElement("section");
  panel.className = "matrix-panel";
  panel.innerHTML = `<header><h3>Steps × samplers, same noise</h3><span></span><button type="button" class="link">All samplers</button></header><div></div>`;
  part.querySelector(".charts").before(panel);
  const matrix = createMatrix(panel.querySelector("div"), { rows: FOUR, onPick: pick });
  const series = createSeries(tools, () => show());
  panel.querySelector(".link").addEventListener("click", () => tools.commands.scene("matrix"));
  let about = null;

  async function pick(sampler, steps) {
    await tools.knobs.changed("sampler", sampler, true);
    await tools.knobs.changed("num_steps", steps, true);
  }

  const image = () => about.kind === "image";
  const questions = () => FOUR.map((sampler) => rowOf(sampler, { image: image() }));

  function show() {
    if (!about) return;
    const frames = new Map(questions().map(([question, values]) => [values.samplers, series.get(question, values)]));
    const first = [...frames.values()].find(Boolean);
    const [floor, band] = [first?.metrics.sliced_w1 ?? null, bandOf(first?.metrics, "sliced_w1")];
    matrix.update({ frames, band, config: about.config, backdrop: tools.store.backdrop() });
    const age = first ? series.age() : "";
    panel.classList.toggle("stale", Boolean(age));
    panel.querySelector("header span").innerHTML = age ? `<b>${age}</b> · ${about.running ? "measured anew when this one pauses" : "measuring anew"}` : words(first, band);
    Object.assign(panel.dataset, { floor: floor ?? "", most: band?.[1] ?? "", measured: [...frames.values()].filter(Boolean).length, step: first?.step ?? "" });
  }

  function words(first, band) {
    if (series.refused) return series.refused;
    if (!about.started) return "Measured when a run is paused or finished";
    if (!first) return about.running ? "Measured when the run pauses" : "Measuring…";
    return `${distanceOf(about).replace("the judge’s ", "")}, n ${int(first.metrics.n)}, seed 0 · real ${band.map((v) => fixed(v, 3)).join("–")} <b>bold</b>`;
  }

  return {
    update(seen, now) {
      row.update(seen, now);
      about = now;
      if (!now.running && now.started) series.want(now, questions(), BESIDE);
      show();
    },
  };
}
