// The stage of the diffusion tab: x_t on its way from noise to data, what the network takes it for, and the score at its noise level, three
// views of one denoising step, which the player under them chooses. Scenes can take their room.
import { fixed, fmt, int } from "../format.js";
import { createScenes } from "../scenes.js";
import { createToggles } from "../latent/toggles.js";
import { createWideBar } from "../widebar.js";
import { createRuns, trainingOf } from "./walks.js";
import { createChooser } from "./choose.js";
import { createCloud } from "./cloud.js";
import { createGrid } from "./grid.js";
import { createJourney } from "./journey.js";
import { worldOfAll, worldOfData, worldOfField } from "./plane.js";
import { createDenoisePlayer } from "./player.js";
import { createScore } from "./score.js";
import { createStart } from "./start.js";
import { createTable } from "./table.js";
import { between, decibels, unitsOf, walkInPicture } from "./walk.js";

const DATA_POINTS = 400; // enough to see a distribution, few enough to see the samples on it
const LAYERS = [
  { key: "data", title: "Data", role: "data", on: true },
  { key: "paths", title: "Paths", role: "model", on: true },
  { key: "learned", title: "Learned score", role: "model", on: true },
  { key: "exact", title: "Exact score", role: "exact", on: true },
  { key: "error", title: "Error", role: "model", on: false },
];
const XT = "x<sub>t</sub>";
const X0 = "x<sub>0</sub>";
const HTML = `<section class="view view-journey"><h3><span></span> <small></small></h3><span class="sampler-chooser"></span><div class="canvas plane"></div><div class="canvas grid"></div></section>
  <section class="view view-x0"><h3><span></span> <em>from the same ${XT}</em><small></small></h3><div class="canvas plane"></div><div class="canvas grid"></div></section>
  <section class="view view-score"><h3><span></span> <small></small></h3><div class="canvas plane"></div><div class="table grid"></div></section>
  <div class="denoise-player"></div>`;

const stageView = (frame, test) => frame?.views.find((v) => v.panel === "stage" && test(v)) ?? null;

/** The data, thinned: points are drawn in random order. */
function dataOf(backdrop) {
  const view = stageView(backdrop, (v) => v.role === "data");
  if (view?.type !== "points") return null;
  return { ...view, arrays: { xy: view.arrays.xy.subarray(0, 2 * DATA_POINTS) } };
}

/**
 * @param {HTMLElement} part
 * @param {{family: object, tab: import("../lab.js").Tab, metrics: object, session: object, store: object, commands: object, redraw: () => void, knobs: object}} lab
 */
export function createDenoiseArea(part, { family, tab, metrics, session, store, commands, redraw, knobs, left }) {
  const home = part.querySelector(".stage-canvas");
  home.classList.add("views", "denoise");
  home.innerHTML = HTML;
  const at = (selector) => home.querySelector(selector);
  const toggles = createToggles(part.querySelector(".stage-bar .layers"), LAYERS, () => show());
  const scenes = createScenes(part, { session, store, family, tab, metrics, commands, redraw, knobs, left });
  const wide = createWideBar(part, tab, scenes);
  const journey = createJourney(at(".view-journey .plane"), { onMove: (place) => start.moveTo(place) });
  const cloud = createCloud(at(".view-x0 .plane"), "Prediction of x0");
  const score = createScore(at(".view-score .plane"));
  const hover = (index) => index !== held && ((held = index), show());
  const grids = [".view-journey .grid", ".view-x0 .grid"].map((box) => createGrid(at(box), { onHover: hover }));
  const table = createTable(at(".view-score .table"), { onPick: (step) => player.pick(step - 1) });
  const runs = createRuns({ session, store, knobs }, arrived);
  const start = createStart({ session, store, knobs }, () => show());
  const player = createDenoisePlayer(at(".denoise-player"), { moved: () => show(), again: newNoise });
  const chooser = createChooser(at(".sampler-chooser"), family.knobs.find((k) => k.name === "sampler").choices, { onToggle: (sampler) => (start.toggle(sampler), show()) });
  let seen = null; // the last picture: {frame, backdrop, evidence, faded, empty}
  let about = null;
  let held = -1; // image under the pointer
  let picture = { of: null, walk: null }; // the walk in a picture of the training
  let ground = { of: null, data: null, noise: null, units: null, world: null }; // what a backdrop says
  let played = ""; // model whose walk was played by itself

  // --- which walk ---------------------------------------------------------------------------------------------------------------------
  /** The answer, where it belongs to the step on screen; else what the picture of that step holds. */
  function walkNow() {
    if (!seen?.frame || seen.empty) return null;
    const newest = store.live && seen.frame === store.frameAt(store.step);
    if (newest && runs.walk && runs.model === runs.modelNow()) return runs.walk; // its training has this kind of data
    if (picture.of !== seen.frame) picture = { of: seen.frame, walk: walkInPicture(seen.frame) };
    return picture.walk?.type === (about?.kind === "2d" ? "points" : "images") ? picture.walk : null; // the form may be a moment ahead
  }

  function arrived() {
    show();
    premiere();
  }

  /** The first walk of a model is played, unless the visitor has taken the player in hand. */
  function premiere() {
    if (!runs.walk || walkNow() !== runs.walk || played === runs.model) return;
    played = runs.model;
    if (!player.touched && !document.hidden) player.play();
  }

  function newNoise() {
    runs.seed = (runs.seed + 1) % 10_000;
    player.stop();
    if (about) words(about);
  }

  function groundOf(backdrop) {
    if (ground.of === backdrop) return ground;
    const units = unitsOf(backdrop);
    const noise = backdrop?.views.find((v) => v.panel === "start") ?? null;
    return (ground = { of: backdrop, data: dataOf(backdrop), noise, units, world: dataOf(backdrop) && { all: worldOfAll(backdrop, units), data: worldOfData(backdrop) } });
  }

  // --- showing ------------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!seen || !about) return;
    const walk = walkNow();
    const flat = about.kind === "2d";
    home.classList.toggle("flat", flat);
    part.classList.toggle("no-layers", !flat);
    player.update(walk, { note: note(walk), canDraw: Boolean(walk?.asked) && !runs.busy });
    const k = walk ? Math.min(walk.x.length - 1, Math.floor(player.position + 1e-6)) : 0;
    if (flat) showPoints(walk, k);
    else showImages(walk, k);
    headings(walk, k, flat);
    Object.assign(home.dataset, { walk: walk ? (walk.asked ? "asked" : "picture") : "", step: walk?.steps[k] ?? "", of: walk?.total ?? "", start: start.place.join(), answered: start.answered?.join() ?? "", ways: ways().length, seed: runs.seed, fields: fieldAt(k)?.index ?? "" });
  }

  /** Paths from the starting point belong to the newest model of a run. */
  const ways = () => (store.live && about.started && seen.frame && seen.frame === store.frameAt(store.step) && start.training === trainingOf(store) ? start.ways : []);

  function showPoints(walk, k) {
    const { data, noise, units, world } = groundOf(seen.backdrop);
    const layers = toggles.shown;
    const common = { data, layers, faded: seen.faded };
    const canDrag = Boolean(units && about.started && store.live && !seen.empty);
    journey.update({ ...common, world: world?.all, walk, position: player.position, noise, units, place: start.place, ways: ways(), apart: start.apart, marks: marks(), canDrag });
    const guess = walk && (walk.asked ? between(walk.x0, player.position) : walk.x.at(-1));
    cloud.update({ ...common, world: world?.data, cloud: guess, words: walk?.asked ? `Prediction of x0 at denoising step ${walk.steps[k]} of ${walk.total}` : "Samples" });
    const field = fieldAt(k);
    const exact = seen.backdrop && stageView(seen.backdrop, (v) => v.type === "field");
    const learned = seen.frame && !seen.empty ? stageView(seen.frame, (v) => v.type === "field") : null;
    const shown = field ?? { learned, exact, error: null, shrink: 1 };
    score.update({ ...common, ...shown, world: worldOfField(shown.learned ?? shown.exact) ?? world?.data, shift: units?.shift ?? [0, 0], scale: units?.scale ?? 1, words: scoreWords(field) });
    toggles.explain({ exact: shown.exact ? "" : "The density of these data is not known exactly", error: shown.error ? "" : "Known at the noise levels of a whole walk, once training pauses" });
  }

  /** The score field nearest to a place of the walk, or null where none was asked for. */
  function fieldAt(k) {
    const { fields } = runs;
    if (!fields || walkNow() !== runs.walk || fields.model !== runs.model) return null;
    const index = fields.at.reduce((best, place, i) => (Math.abs(place - k) < Math.abs(fields.at[best] - k) ? i : best), 0);
    const sigma = fields.sigmas[index];
    return { index, learned: fields.learned[index], exact: fields.exact[index] ?? null, error: fields.error[index] ?? null, cosine: fields.cosine?.[index] ?? null, sigma, shrink: 1 / (1 + sigma) };
  }

  function showImages(walk, k) {
    const real = stageView(seen.backdrop, (v) => v.role === "data" && v.type === "images");
    const common = { held, faded: seen.faded };
    grids[0].update({ ...common, view: walk?.x[k] ?? null, words: walk ? `Images at denoising step ${walk.steps[k]}` : "Nothing is drawn yet" });
    grids[1].update({ ...common, view: walk?.asked ? walk.x0[k] : real, words: walk?.asked ? "What the network takes them for" : "Data" });
    table.update(walk?.table ?? null, walk?.steps[k] ?? 0, about.running ? "The numbers of each denoising step come when training pauses." : "");
  }

  /** Evidence of the diagnosis at the modes it is about. */
  function marks() {
    const centres = stageView(seen.backdrop, (v) => v.name === "modes")?.arrays.xy;
    if (!centres) return [];
    return seen.evidence.filter((e) => e.index != null && 2 * e.index < centres.length).map((e) => ({ number: e.number, xy: [centres[2 * e.index], centres[2 * e.index + 1]] }));
  }

  // --- words --------------------------------------------------------------------------------------------------------------------------
  function note(walk) {
    if (runs.refused) return runs.refused;
    if (!walk) return about.started ? "" : "comes once something is learned";
    if (walk.asked) return runs.busy ? "asking the model" : "t 1 → 0, scrubs in the browser";
    if (runs.busy) return "asking the model";
    const step = `of training step ${int(seen.frame.step)}`;
    if (walk.x.length > 1) return `${int(walk.x[0].arrays.xy.length / 2)} paths ${step}`;
    return `samples ${step}${about.running ? "; every step once training pauses" : ""}`;
  }

  const scoreWords = (field) => (field ? `Score field at σ ${fmt(field.sigma, 2)}${field.cosine == null ? "" : `, cosine to exact ${fixed(field.cosine, 3)}`}` : "Score field at σ 0.3");

  function heading(view, title, small) {
    const [span, words] = [at(`${view} h3 span`), at(`${view} h3 small`)];
    if (span.dataset.html !== title) span.innerHTML = span.dataset.html = title;
    if (words.textContent !== small) words.textContent = small;
  }

  function headings(walk, k, flat) {
    chooser.update(start.samplers());
    at(".sampler-chooser").hidden = !flat;
    const sigma = walk?.sigmas[k];
    const level = !walk || walk.x.length < 2 ? "" : sigma > 0 ? `σ ${fmt(sigma, 3)}, SNR ${fixed(decibels(sigma), 1)} dB` : "σ 0, no noise is left";
    const following = walk && !walk.asked;
    heading(".view-journey", flat ? `Noisy sample ${XT}` : following ? "Samples" : `Noisy image ${XT}`, start.refused && flat ? start.refused : level);
    if (following) heading(".view-x0", flat ? "Samples" : "Data", flat ? `${int(walk.total)} steps` : "");
    else heading(".view-x0", `Prediction of ${X0}`, "");
    at(".view-x0 em").hidden = !walk?.asked;
    const field = fieldAt(k);
    const mean = about.seen.value("score_cosine", about.step);
    const cosine = field ? (field.cosine == null ? `σ ${fmt(field.sigma, 2)}` : `cosine to exact ${fixed(field.cosine, 3)}`) : mean == null || !walk ? "σ 0.3" : `σ 0.3, mean cosine ${fixed(mean, 3)}`;
    heading(".view-score", flat ? "Score field" : "Step by step", flat ? cosine : "");
  }

  /** What need not follow every picture. */
  function words(next) {
    about = next;
    runs.update(next);
    start.update(next, runs.seed);
    wide.update(next.kind);
    scenes.update(next);
    show();
    premiere();
  }

  return {
    scenes,
    player,
    runs,
    start,
    journey,
    fullScreen: wide.fullScreen,
    flow: { playing: false, refuse: () => false },
    refuse: () => false,
    bounds: () => {
      const world = ground.world?.data;
      return world ? [world.centre[0] - world.reach, world.centre[0] + world.reach, world.centre[1] - world.reach, world.centre[1] + world.reach] : null;
    },
    keys: [
      [",", ", .", "One denoising step back or on", () => player.move(-1)],
      [".", "", "", () => player.move(1)],
      ["p", "P", "Play the denoising", () => player.toggle()],
      ["n", "N", "New noise", newNoise],
    ],
    /** Every picture. */
    draw({ frame, backdrop, evidence, faded, empty }) {
      seen = { frame, backdrop, evidence, faded, empty };
      show();
      return frame;
    },
    words,
  };
}
