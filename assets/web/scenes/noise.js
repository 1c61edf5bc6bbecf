// Noise space: a handle dragged over the noise, the sample that G makes of it at once. Where neighbouring noise becomes different modes,
// a continuous G has to cross the gap between them.
import { ask as call, sentence } from "../ask/call.js";
import { fixed, int, percent } from "../format.js";
import { icon } from "../icons.js";
import { createNewest } from "../ask/newest.js";
import { createPad } from "../noisepad.js";
import { nearest } from "../territories.js";
import { createWalkView } from "../walkview.js";

export const title = "Noise space";

const KEPT = 200; // moves remembered
const ON_PAD = 40; // of them, seen on the pad
const ROUND = { moving: 150, still: 12 }; // places on a full circle
const PAUSE = { moving: 40, still: 700 }; // ms from one to the next, at least
const AGAIN = 400; // ms between two answers for the same place while the model trains
const SAID = 4000; // ms for which it is said that the newest step was returned to
const STEEP = 4; // times the usual jump
const GRID_EDGE = 0.02; // quantile of normal noise at which the grid of G begins

/** Φ(x) of the standard normal, to 2e-7: Abramowitz & Stegun, 7.1.26. */
function phi(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const erf = 1 - t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-x * x) / 2);
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

/** Whether the pad moves all noise numbers instead of the first two. */
const isPlane = ({ kind, config }) => kind === "image" && config.noise_dim > 2;

/** The places on the pad where G was asked for the grid on the stage, (13 · 13, 2): lines through equal shares of the noise. */
function lattice({ shapes }, normal) {
  const [rows, cols] = shapes.xy;
  const end = normal ? 1 - 2 * GRID_EDGE : 1;
  return Float32Array.from({ length: 2 * rows * cols }, (_, k) => {
    const i = k >> 1;
    return k % 2 ? end * ((2 * Math.floor(i / cols)) / (rows - 1) - 1) : end * ((2 * (i % cols)) / (cols - 1) - 1);
  });
}

const said = (place) => place.map((v) => v.toFixed(6)).join();

/** Names of the axes of the pad, and of their ends. */
function axesOf(about) {
  if (isPlane(about)) return ["x", "y", "−1", "1"];
  return about.config.noise === "normal" ? ["quantile of z₁", "quantile of z₂", "0", "1"] : ["z₁", "z₂", "−1", "1"];
}

export function create(container, { session, store, commands }) {
  container.innerHTML = `<div class="halves"><section><h3>Noise <small></small></h3><div class="pad"></div></section><section><h3>Sample <small></small></h3><div class="made"></div></section></div>
    <div class="row"><button type="button" class="button small walk" aria-pressed="false">${icon("play")}<span>Walk</span></button><label class="class" hidden>class <select></select></label><p class="scene-words"></p></div>`;
  const find = (selector) => container.querySelector(selector);
  const [padTitle, madeTitle] = container.querySelectorAll("small");
  const pad = createPad(find(".pad"), { onMove: (place) => (stop(), move(place)), onHover: (hovered) => view.update({ hovered }) });
  const view = createWalkView(find(".made"));
  let about = null;
  let place = [0.7, 0];
  let moves = []; // {place, label, sample, mode, view, step}
  let shape = ""; // of the run: another one starts afresh
  let askedAt = 0;
  let refused = "";
  let returnedAt = -Infinity;
  let walking = 0; // grows with every start and stop
  let known = { source: null, grid: null, points: null, sites: null }; // places on the pad, kept as long as they hold

  const ask = createNewest(({ place: [x, y], label }) => call(session, "walk", { x, y, label }, { branch: session.active, quiet: moves.length > 0 }), { answer, refuse }, PAUSE.moving);

  // --- asking ---------------------------------------------------------------------------------------------------------------------
  const label = () => (find(".class").hidden ? -1 : +find("select").value);

  /** Go somewhere on the pad. The model is the one there is now, so the newest step is shown. */
  function move(to) {
    if (!store.live) {
      commands.newest();
      returnedAt = performance.now();
    }
    place = to;
    show();
    return asking();
  }

  function asking() {
    askedAt = performance.now();
    return ask({ place, label: label() });
  }

  function answer(frame, question) {
    refused = "";
    const made = frame.views.find((v) => v.panel === "walk");
    const sample = made.type === "points" ? [made.arrays.xy[0], made.arrays.xy[1]] : null;
    const centres = centresOf();
    const mode = sample && centres ? nearest(centres, ...sample).index : null;
    moves = [...moves.slice(1 - KEPT), { ...question, sample, mode, view: made, step: frame.step }];
    show();
  }

  function refuse(error) {
    refused = error.status === 204 ? "" : sentence(error);
    stop();
    show();
  }

  // --- walking by itself ------------------------------------------------------------------------------------------------------------
  async function walk() {
    const mine = ++walking;
    pressed(true);
    const pace = matchMedia("(prefers-reduced-motion: reduce)").matches ? "still" : "moving";
    const radius = isPlane(about) ? 1 : Math.max(0.3, Math.min(0.95, Math.hypot(...place)));
    let angle = Math.atan2(place[1], place[0]);
    while (mine === walking) {
      const begun = performance.now();
      angle += (2 * Math.PI) / ROUND[pace];
      await move(about.config.noise_dim === 1 ? [radius * Math.cos(angle), 0] : [radius * Math.cos(angle), radius * Math.sin(angle)]);
      await new Promise((go) => setTimeout(go, Math.max(0, PAUSE[pace] - (performance.now() - begun))));
    }
  }

  function stop() {
    walking++;
    pressed(false);
  }

  function pressed(yes) {
    const button = find(".walk");
    if (button.getAttribute("aria-pressed") === String(yes)) return;
    button.setAttribute("aria-pressed", yes);
    button.innerHTML = `${icon(yes ? "pause" : "play")}<span>${yes ? "Stop" : "Walk"}</span>`;
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  const centresOf = () => about?.backdrop?.views.find((v) => v.panel === "stage" && v.name === "modes")?.arrays.xy ?? null;

  /** The noise of the shown samples as places on the pad, and all places whose mode a picture tells: these, where only two numbers
   *  count, and the crossings of the grid of G. */
  function placesOf({ backdrop, frame, config }) {
    const source = backdrop?.views.find((v) => v.panel === "noise");
    const mesh = frame?.views.find((v) => v.type === "mesh");
    if (!source || isPlane(about)) return { points: null, sites: null };
    if (known.source === source && known.grid === Boolean(mesh)) return known;
    const normal = config.noise === "normal";
    const points = config.noise_dim > 2 ? null : normal ? source.arrays.xy.map((v) => 2 * phi(v) - 1) : source.arrays.xy;
    return (known = { source, grid: Boolean(mesh), points, sites: Float32Array.from([...(points ?? []), ...(mesh ? lattice(mesh, normal) : [])]) });
  }

  /** For each of these places the mode that its sample lies nearest to. */
  function modesOf({ points, sites }, { frame, started }) {
    const made = frame?.views.find((v) => v.panel === "stage" && v.name === "samples")?.arrays.xy;
    const mesh = frame?.views.find((v) => v.type === "mesh")?.arrays.xy ?? [];
    const centres = centresOf();
    if (!sites?.length || !made || !centres || centres.length < 4 || !started) return null;
    const modes = (xy, count) => Array.from({ length: count }, (_, i) => nearest(centres, xy[2 * i], xy[2 * i + 1]).index);
    return [...modes(made, points ? points.length / 2 : 0), ...modes(mesh, mesh.length / 2)];
  }

  function show() {
    if (!about) return;
    const { kind, config, frame, backdrop } = about;
    const { points, sites } = placesOf(about);
    const modes = modesOf({ points, sites }, about);
    const circle = isPlane(about) && config.noise === "normal";
    pad.update({ place, trail: moves.slice(-ON_PAD).map((m) => m.place), points, sites, modes, circle, line: config.noise_dim === 1, axes: axesOf(about) });
    view.update({ moves, backdrop, frame: kind === "2d" ? frame : null });
    const last = moves.at(-1);
    Object.assign(container.dataset, { place: said(place), asked: last ? said(last.place) : "", sample: last?.sample?.join() ?? "", moves: moves.length });
    padTitle.textContent = [config.noise_dim > 2 ? (isPlane(about) ? `all ${config.noise_dim} numbers` : `first two of ${config.noise_dim} numbers`) : "", modes ? `shade: nearest mode, step ${int(frame.step)}` : ""].filter(Boolean).join(" · ");
    madeTitle.textContent = last ? `newest step, ${int(last.step)}` : "";
    pad.canvas.setAttribute("aria-label", `Noise: the arrow keys move the handle, now at ${place.map((v) => fixed(v, 2)).join(", ")}`);
    find(".scene-words").textContent = words();
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  function words() {
    const returned = performance.now() - returnedAt < SAID ? "Back at the newest step: the walk uses the model as it is now. " : "";
    return returned + (refused || (moves.length > 1 ? measured() : "Drag the handle, or press Walk: each place is one noise vector, and G makes one sample of it."));
  }

  /** What the moves so far show; only pairs of neighbours made by the same model count. */
  function measured() {
    const pairs = moves.slice(1).map((to, i) => [moves[i], to]).filter(([a, b]) => a.step === b.step && a.place.join() !== b.place.join());
    if (!pairs.length) return "The model trains on; the sample follows it.";
    const seed = `seed ${about.config.seed}`;
    const jumps = pairs.map(([a, b]) => (a.sample ? Math.hypot(a.sample[0] - b.sample[0], a.sample[1] - b.sample[1]) : difference(a.view, b.view)));
    const most = jumps.indexOf(Math.max(...jumps));
    const count = `${pairs.length} move${pairs.length > 1 ? "s" : ""}, ${seed}`;
    if (!pairs[0][0].sample) return `${count}: neighbouring pictures differ by ${percent(mean(jumps), 1)} of the range per pixel on average, ${percent(jumps[most], 1)} at most.`;
    const [from, to] = pairs[most];
    const way = Math.hypot(from.place[0] - to.place[0], from.place[1] - to.place[1]);
    const longest = `the longest jump of the sample was ${fixed(jumps[most], 2)}, for ${fixed(way, 2)} on the pad`;
    if (from.mode == null) return `${count}: ${longest}; on average ${fixed(mean(jumps), 2)}.`;
    const crossed = pairs.filter(([a, b]) => a.mode !== b.mode).length;
    const steep = from.mode !== to.mode && jumps[most] > STEEP * mean(jumps) ? ", from one mode to another" : "";
    return `${count}: the nearest mode changed in ${crossed} (${percent(crossed / pairs.length, 0)}); ${longest}${steep}.`;
  }

  find(".walk").addEventListener("click", () => (find(".walk").getAttribute("aria-pressed") === "true" ? stop() : walk()));
  find("select").addEventListener("change", () => move(place));

  /** Another data set, noise or run: what was walked belongs to another model. */
  function renew({ set, config, kind }) {
    const key = [set.key, config.noise, config.noise_dim, config.conditional, config.seed, store.header.active].join();
    if (key === shape) return;
    shape = key;
    stop();
    moves = [];
    place = isPlane({ kind, config }) ? [1, 0] : [0.7, 0];
    find(".class").hidden = !(config.conditional && set.classes.length);
    find("select").replaceChildren(...set.classes.map((name, i) => new Option(name, i)));
  }

  return {
    update(next) {
      about = next;
      renew(next);
      const newest = store.active?.lastStep ?? 0;
      if (next.started && moves.at(-1)?.step !== newest && !refused && performance.now() - askedAt > AGAIN) asking();
      if (!next.started) refused = "";
      show();
    },
    hide: stop,
  };
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Mean absolute difference of two pictures, as a share of the range. */
function difference(a, b) {
  const [p, q] = [a.arrays.pixels, b.arrays.pixels];
  const range = p instanceof Uint8Array ? 255 : 2;
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.abs(p[i] - q[i]);
  return sum / p.length / range;
}
