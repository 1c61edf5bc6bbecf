// Every sampler against calls of the denoiser, from the same noise, and below how the distance from the data falls with the calls.
import { fixed, int } from "../../format.js";
import { bandOf } from "../../store.js";
import { cellsOf, createMatrix, rowOf } from "../matrix.js";
import { createPlot } from "../plot.js";
import { BESIDE, CALLS, SAMPLERS } from "../samplers.js";
import { choices, createAskingScene, distanceOf, isImage, layOut } from "./frame.js";

export const title = "Samplers × steps";

const ALL = Object.keys(SAMPLERS);
const FURTHER = [...CALLS, 100];
const DASHES = { ddpm: [1, 3], "dpmpp-2m-sde": [1, 3], heun: [6, 3], "flow-heun": [6, 3], "dpmpp-2m": [6, 3], unipc: [6, 3] };

export function create(container, tools) {
  const find = layOut(container, {
    bar: choices("denoiser", [["learned", "Learned"], ["exact", "Exact denoiser"]], "learned"),
    body: `<div class="matrix-table"></div><section class="matrix-curve"><h3>Sliced W₁ against calls <small class="key"><span class="legend line model">the run's sampler</span> <span class="legend dotted">fresh noise</span> <span class="legend dash">two calls or two estimates a step</span></small></h3><div class="plot"></div></section>`,
  });
  const matrix = createMatrix(find(".matrix-table"), { rows: ALL, calls: FURTHER, onPick: pick, count: 4 });
  const plot = createPlot(find(".plot"), "Sliced W₁ against evaluations of the network");
  let exact = false;
  const scene = createAskingScene(container, tools, {
    questions,
    of: BESIDE,
    show,
    nothing: "Nothing trained yet. Train, and every sampler draws here from the same noise.",
  });

  function questions(about) {
    const calls = isImage(about) ? CALLS : FURTHER; // images: a hundred calls of nine samplers would take minutes
    return ALL.map((sampler) => rowOf(sampler, { image: isImage(about), calls })).map(([q, v]) => [q, { ...v, exact: exact && !isImage(about) }]);
  }

  async function pick(sampler, steps) {
    await tools.knobs.changed("sampler", sampler, true);
    await tools.knobs.changed("num_steps", steps, true);
  }

  function show(about) {
    for (const button of container.querySelectorAll("[data-denoiser]")) {
      button.setAttribute("aria-pressed", (button.dataset.denoiser === "exact") === exact);
      button.hidden = isImage(about);
    }
    const asked = questions(about);
    const frames = new Map(asked.map(([q, v]) => [v.samplers, scene.get(q, v)]));
    const known = [...frames].filter(([, frame]) => frame);
    const floor = known[0]?.[1].metrics.sliced_w1 ?? null;
    const band = bandOf(known[0]?.[1].metrics, "sliced_w1");
    matrix.update({ frames, band, config: about.config, backdrop: tools.store.backdrop(), most: isImage(about) ? CALLS.at(-1) : FURTHER.at(-1) });
    const lines = known.map(([sampler, frame]) => {
      const own = sampler === about.config.sampler;
      const rows = cellsOf(frame).filter((c, i, all) => i === all.length - 1 || all[i + 1].spent !== c.spent);
      return { name: SAMPLERS[sampler][0], x: rows.map((c) => c.spent), y: rows.map((c) => c.distance), color: own ? "accent" : "ink2", width: own ? 2.5 : 1.2, dash: DASHES[sampler], dots: own, faint: !own };
    });
    plot.update({ lines, x: { name: "evaluations of the network for one sample, log", log: true }, y: { name: "sliced W₁, log", log: true }, floors: floor ? [{ y: floor, band, label: `real data, n ${int(known[0][1].metrics.n)}` }] : [], room: 134 });
    find(".said").textContent = floor ? `n ${int(known[0][1].metrics.n)}, seed 0 · real data ${band.map((v) => fixed(v, 3)).join("–")}, bold as near · ${known.length} of ${ALL.length}${about.config.conditional && about.config.cfg_scale !== 1 ? " · guided: a call is two evaluations" : ""}` : "";
    Object.assign(container.dataset, { measured: known.length, floor: floor ?? "" });
    return floor && known.length === ALL.length ? [sentence(about, frames, band), overshooting(frames, floor)].filter(Boolean).join(" ") : "";
  }

  /** Why a sampler with two estimates a step is far off in few calls, where one with one estimate is not. */
  function overshooting(frames, floor) {
    const ddim = cellsOf(frames.get("ddim"));
    const wild = ["heun", "flow-heun"].flatMap((sampler) => cellsOf(frames.get(sampler)).flatMap((cell, i) => {
      const gain = frames.get(sampler).metrics[`gain/${sampler}/${cell.steps}`] ?? 0;
      return gain > 2 && ddim[i] && cell.distance > 3 * ddim[i].distance && cell.distance > 3 * floor ? [{ sampler, gain, ...cell, beside: ddim[i].distance }] : [];
    }));
    if (!wild.length) return "";
    const worst = wild.reduce((a, b) => (b.distance > a.distance ? b : a));
    const [name, clock] = [SAMPLERS[worst.sampler][0], worst.sampler === "heun" ? "σ" : "t"];
    return `${name} is far off in ${int(worst.steps)} steps (${fixed(worst.distance, 2)}; DDIM with no more calls ${fixed(worst.beside, 3)}), and that is the method: its step is Euler’s plus (${clock} − ${clock}′) ÷ 2${clock}′ times the difference of its two estimates, on this grid up to ${int(Math.round(worst.gain))} times it. Give it more steps, or take a sampler of first order for so few.`;
  }

  /** Who comes as near as real data with how few calls. */
  function sentence(about, frames, [, most]) {
    const near = [...frames].flatMap(([sampler, frame]) => cellsOf(frame).filter((c) => c.distance <= most).slice(0, 1).map((c) => ({ sampler, ...c }))).sort((a, b) => a.spent - b.spent || a.distance - b.distance);
    const [first, last] = [near[0], near.at(-1)];
    const least = Math.min(...[...frames.values()].flatMap((frame) => cellsOf(frame).map((c) => c.spent)));
    if (near.length === ALL.length && last.spent === least) return `Every sampler is as near as real data (up to ${fixed(most, 3)}) with its first call: at n ${int([...frames.values()][0].metrics.n)} ${distanceOf(about)} cannot tell a blurred picture from a sharp one, so compare the pictures. Only values far above that, as of a second-order step that overshoots, mean something here. One seed (0).`;
    const never = ALL.filter((s) => !near.some((n) => n.sampler === s));
    const name = (n) => `${SAMPLERS[n.sampler][0]} with ${int(n.spent)} evaluation${n.spent === 1 ? "" : "s"} (${fixed(n.distance, 3)})`;
    const rest = never.length ? ` ${never.map((s) => SAMPLERS[s][0]).join(", ")} ${never.length === 1 ? "does" : "do"} not within these calls.` : "";
    const who = exact && !isImage(about) ? "With the exact denoiser, so that what is left is the sampler's own error, " : "";
    if (!near.length) return `No sampler comes as near as real data (95 of 100 draws up to ${fixed(most, 3)}): what is missing is the network's, more calls do not mend it.`;
    const said = `first as near as real data (up to ${fixed(most, 3)}) is ${name(first)}${last !== first ? `; the last to come there is ${name(last)}` : ""}.${rest}`;
    return `${who ? who + said : said[0].toUpperCase() + said.slice(1)} n ${int([...frames.values()][0].metrics.n)}, ${distanceOf(about)}, one seed (0).`;
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-denoiser]")?.dataset.denoiser;
    if (next) (exact = next === "exact"), scene.ask();
  });
  return { update: scene.update };
}
