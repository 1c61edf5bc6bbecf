// The ways that samplers take from the same noise, side by side, with how straight they are.
import { mix, rgba, toHex } from "../../colors.js";
import { fixed, int } from "../../format.js";
import { createCell } from "../cell.js";
import { BESIDE, SAMPLERS, kindOf } from "../samplers.js";
import { choices, createAskingScene, layOut, panels } from "./frame.js";

export const title = "Trajectories by sampler";
export const kinds = ["2d"];

const SHOWN = ["ddpm", "ddim", "dpmpp-2m", "heun", "flow-euler", "dpmpp-2m-sde"];
const N = 50;
const STEPS = [5, 10, 20, 40];
const SHADES = 10; // parts in which a path grows from faint to full

/** Paths (n, steps, 2) whose colour is time: faint where noise is high. */
function drawPaths(ctx, place, view, colors) {
  const [n, steps] = view.shapes.xy;
  const { xy } = view.arrays;
  ctx.lineWidth = 1;
  const parts = Math.min(SHADES, steps - 1);
  for (let k = 0; k < parts; k++) {
    const [from, to] = [k, k + 1].map((j) => Math.round((j * (steps - 1)) / parts));
    ctx.strokeStyle = toHex(mix(colors.lineStrong, view.role === "exact" ? colors.ink : colors.accent, (k + 1) / parts));
    ctx.beginPath();
    for (let i = 0; i < n; i++) {
      for (let s = from; s <= to; s++) {
        const o = 2 * (i * steps + s);
        if (s === from) ctx.moveTo(place.X(xy[o]), place.Y(xy[o + 1]));
        else ctx.lineTo(place.X(xy[o]), place.Y(xy[o + 1]));
      }
    }
    ctx.stroke();
  }
  ctx.fillStyle = view.role === "exact" ? colors.ink : colors.accent;
  ctx.strokeStyle = rgba(colors.surface, 0.9);
  for (let i = 0; i < n; i++) {
    const o = 2 * (i * steps + steps - 1);
    ctx.beginPath();
    ctx.arc(place.X(xy[o]), place.Y(xy[o + 1]), 2.4, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
}

/** Chord over way, the mean over paths: 1 = straight. */
export function straightnessOf(view) {
  const [n, steps] = view.shapes.xy;
  const { xy } = view.arrays;
  const apart = (i, a, b) => Math.hypot(xy[2 * (i * steps + a)] - xy[2 * (i * steps + b)], xy[2 * (i * steps + a) + 1] - xy[2 * (i * steps + b) + 1]);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    let way = 0;
    for (let s = 1; s < steps; s++) way += apart(i, s - 1, s);
    sum += apart(i, 0, steps - 1) / Math.max(way, 1e-9);
  }
  return sum / n;
}

export function create(container, tools) {
  const find = layOut(container, {
    bar: `${choices("of", [["learned", "Learned"], ["exact", "Exact score"]], "learned")}<label>Steps <select aria-label="Sampler steps">${STEPS.map((k) => `<option${k === 20 ? " selected" : ""}>${k}</option>`).join("")}</select></label>`,
    body: `<div class="parts ways">${SHOWN.map((key) => `<section data-sampler="${key}"><h3>${SAMPLERS[key][0]} <small></small></h3><div class="cell"></div><p></p></section>`).join("")}</div>`,
  });
  const cells = new Map(SHOWN.map((key) => [key, createCell(find(`[data-sampler="${key}"] .cell`), `Paths of ${SAMPLERS[key][0]}`, { over: (ctx, place, w, h, colors, seen) => seen.key && drawPaths(ctx, place, seen.key, colors) })]));
  let of = "learned";
  const scene = createAskingScene(container, tools, {
    questions: () => SHOWN.map(ask),
    of: BESIDE,
    show,
    nothing: "Nothing trained yet. Train, and fifty samples draw their ways from noise to data here.",
  });

  const ask = (sampler) => ["trajectories", { n: N, sampler, num_steps: +find("select").value, seed: 0 }];

  function show(about) {
    const backdrop = tools.store.backdrop();
    const known = new Map();
    const first = scene.get(...ask(SHOWN[0]));
    const unknown = Boolean(first) && !panels(first, "exact").length; // of one's own points
    if (unknown) of = "learned";
    for (const button of container.querySelectorAll("[data-of]")) {
      button.setAttribute("aria-pressed", button.dataset.of === of);
      button.hidden = unknown && button.dataset.of === "exact";
    }
    for (const key of SHOWN) {
      const frame = scene.get(...ask(key));
      const view = panels(frame, of)[0] ?? null;
      const section = find(`[data-sampler="${key}"]`);
      section.querySelector("small").textContent = kindOf(key, about.config);
      cells.get(key).update({ view: null, backdrop, key: view, zoom: 1.2 });
      if (view) known.set(key, Object.fromEntries(["learned", "exact"].filter((name) => panels(frame, name)[0]).map((name) => [name, straightnessOf(panels(frame, name)[0])])));
      const s = known.get(key);
      section.querySelector("p").textContent = s ? `straightness ${fixed(s.learned, 3)}${s.exact == null ? "" : `, exact ${fixed(s.exact, 3)}`}` : "";
      section.dataset.straightness = s?.[of] ?? "";
    }
    find(".said").textContent = `${N} paths from the same noise, seed 0, in the flow's coordinates x/(1 + σ); darker is later`;
    return known.size === SHOWN.length ? sentence(known) : "";
  }

  function sentence(known) {
    const sorted = [...known].map(([key, s]) => ({ key, s: s[of] })).sort((a, b) => b.s - a.s);
    const [best, worst] = [sorted[0], sorted.at(-1)];
    const name = (v) => `${SAMPLERS[v.key][0]} (${fixed(v.s, 3)})`;
    const random = ["ddpm", "dpmpp-2m-sde"].map((k) => known.get(k)[of]);
    const ode = SHOWN.filter((k) => !["ddpm", "dpmpp-2m-sde"].includes(k) && !(k === "ddim" && scene.about.config.eta > 0)).map((k) => known.get(k)[of]);
    const why = Math.max(...random) < Math.min(...ode) ? " The two that add fresh noise at every step wander; the others follow one ODE." : "";
    return `Straightest is ${name(best)}, most bent ${name(worst)}; 1 is a straight line, which a single step could walk.${why} Chord over length of way, mean of n ${int(N)} paths, ${find("select").value} steps, seed 0.`;
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-of]")?.dataset.of;
    if (next) (of = next), scene.draw();
  });
  find("select").addEventListener("change", scene.ask);
  return { update: scene.update };
}
