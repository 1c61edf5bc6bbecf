// The stage of the VAE tab: the latent map, what is under its cursor, and the manifold, three views of one place. Scenes can take their
// room. Places are decoded by the model as it is now; back on the timeline the nearest cell of that step's manifold stands in for it.
import { ask as call, sentence } from "../ask/call.js";
import { fixed, int } from "../format.js";
import { createNewest } from "../ask/newest.js";
import { createScenes } from "../scenes.js";
import { createWideBar } from "../widebar.js";
import { cellOf, createManifold } from "./manifold.js";
import { holesOf } from "./holes.js";
import { createMap } from "./map.js";
import { createPicture } from "./picture.js";
import { createPlane } from "./dataplane.js";
import { ready } from "../ask/question.js";
import { createToggles } from "./toggles.js";

const PAIRS = 5; // test images shown with their reconstructions
const AGAIN = 400; // ms between two answers for the same place while the model trains
const LAYERS = [
  { key: "points", title: "Examples", role: "data", on: true },
  { key: "sigma", title: "Posterior σ", role: "model", on: false },
  { key: "prior", title: "Prior N(0, I)", role: "exact", on: true },
  { key: "holes", title: "Holes of q(z)", role: "exact", on: false },
];
const HTML = `<section class="view view-map"><h3>Latent map <small></small></h3><div class="canvas"></div></section>
  <section class="view view-cursor"><h3>Under the cursor</h3><div class="big"></div>
    <dl><dt>z</dt><dd class="z"></dd><dt>log p(z)</dt><dd class="logp"></dd><dt>nearest example</dt><dd class="near"></dd><dt>its posterior σ</dt><dd class="spread"></dd></dl>
    <h4>Test examples, their reconstructions</h4><div class="pairs"></div></section>
  <section class="view view-manifold"><h3><span>Manifold</span> <small></small></h3><div class="canvas"></div></section>`;

const find = (frame, panel, type) => frame?.views.find((v) => v.panel === panel && (!type || v.type === type)) ?? null;

/** Index of the example whose mean lies nearest to a place. */
function nearestTo([x, y], { arrays: { xy } }) {
  let [best, least] = [null, Infinity];
  for (let i = 0; i < xy.length / 2; i++) {
    const d = (xy[2 * i] - x) ** 2 + (xy[2 * i + 1] - y) ** 2;
    if (d < least) [best, least] = [i, d];
  }
  return best;
}

/** One image out of a batch, as a view of its own. */
function single(view, index) {
  const [, c, h, w] = view.shapes.pixels;
  const size = c * h * w;
  return { ...view, arrays: { pixels: view.arrays.pixels.subarray(index * size, (index + 1) * size) }, shapes: { pixels: [1, c, h, w] } };
}

/** Test images in a row, their reconstructions under them. */
function pairsOf(frame) {
  const [inputs, copies] = ["data", "model"].map((role) => frame?.views.find((v) => v.panel === "reconstructions" && v.role === role));
  if (!inputs || !copies) return null;
  const [n, c, h, w] = inputs.shapes.pixels;
  const size = c * h * w;
  const chosen = Array.from({ length: Math.min(PAIRS, n) }, (_, k) => Math.floor((k * n) / Math.min(PAIRS, n)));
  const pixels = new inputs.arrays.pixels.constructor(2 * chosen.length * size);
  chosen.forEach((i, k) => {
    pixels.set(inputs.arrays.pixels.subarray(i * size, (i + 1) * size), k * size);
    pixels.set(copies.arrays.pixels.subarray(i * size, (i + 1) * size), (chosen.length + k) * size);
  });
  return { ...inputs, arrays: { pixels }, shapes: { pixels: [2 * chosen.length, c, h, w] } };
}

/**
 * @param {HTMLElement} part
 * @param {{family: object, tab: import("../lab.js").Tab, metrics: object, session: object, store: object, commands: object, redraw: () => void}} lab
 */
export function createLatentArea(part, { family, tab, metrics, session, store, commands, redraw, knobs, left }) {
  const home = part.querySelector(".stage-canvas");
  home.classList.add("views");
  home.innerHTML = HTML;
  const at = (selector) => home.querySelector(selector);
  const bar = part.querySelector(".stage-bar");
  const map = createMap(at(".view-map .canvas"), { onMove: moveTo });
  const manifold = createManifold(at(".view-manifold .canvas"), { onPick: moveTo });
  const plane = createPlane(at(".view-manifold .canvas"));
  const big = createPicture(at(".big"), "What the decoder makes of the place under the cursor");
  const pairs = createPicture(at(".pairs"), "Test examples above, their reconstructions below", { columns: PAIRS });
  const toggles = createToggles(bar.querySelector(".layers"), LAYERS, () => show());
  const scenes = createScenes(part, { session, store, family, tab, metrics, commands, redraw, knobs, left });
  const wide = createWideBar(part, tab, scenes);
  let cursor = [0.6, 0.6];
  let seen = null; // the last picture: {frame, backdrop, faded}
  let about = null;
  let decoded = null; // {place, frame}
  let sharp = { of: null, view: null }; // the full-size manifold of a picture
  let askedAt = 0;
  let refused = "";
  const ask = createNewest((place) => call(session, "decode", { z: place, on_map: true }, { branch: session.active, quiet: Boolean(decoded), again: () => asking() }), {
    answer: (frame, place) => {
      decoded = { place, frame };
      refused = "";
      show();
    },
    refuse: (error) => ((refused = error.status === 204 ? "" : sentence(error)), show()),
  });

  function moveTo(place) {
    cursor = place.map((v) => +v.toFixed(4));
    asking();
    show();
  }

  function asking() {
    if (!store.live || !about || !ready(store) || about.config.objective === "vq-vae") return;
    askedAt = performance.now();
    ask(cursor);
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  /** The decoded example under the cursor: the model's answer, or where it has none the nearest cell of the manifold. */
  function underCursor() {
    const fresh = store.live && decoded && decoded.place.join() === cursor.join();
    if (fresh || (store.live && decoded && about?.started)) return { view: find(decoded.frame, "decode"), place: decoded.place, exact: true };
    const grid = find(seen?.frame, "manifold", "images");
    if (!grid || !onPlane()) return { view: null, exact: false };
    const side = Math.round(Math.sqrt(grid.shapes.pixels[0]));
    const { row, col } = cellOf(cursor, side);
    return { view: single(grid, row * side + col), exact: false };
  }

  const onPlane = () => about?.config.latent === 2 && about.config.objective !== "vq-vae";

  function show() {
    if (!seen || !about) return;
    const points = find(seen.frame, "latent", "points");
    const ellipses = find(seen.frame, "latent", "ellipses");
    const nearest = points ? nearestTo(cursor, points) : null;
    const flat = about.kind === "2d";
    map.update({ points, ellipses, cursor, nearest, layers: toggles.shown, hasPrior: tab.hasPrior(about.config), run: store.lineage().at(-1)?.info.id ?? "", axes: axes(), faded: seen.faded });
    const under = underCursor();
    big.update(flat ? null : under.view, { faded: seen.faded });
    pairs.update(flat ? null : pairsOf(seen.frame), { faded: seen.faded });
    at(".view-manifold .canvas").classList.toggle("flat", flat);
    const tiles = sharp.view && sharp.of === seen.frame ? sharp.view : find(seen.frame, "manifold", "images");
    manifold.update({ view: flat ? null : tiles, cursor, plane: onPlane(), faded: seen.faded });
    plane.update(flat ? { backdrop: seen.backdrop, frame: seen.frame, at: under.view, faded: seen.faded } : null);
    say({ points, ellipses, nearest }, under);
    Object.assign(home.dataset, { cursor: cursor.join(), decoded: decoded?.place.join() ?? "", exact: under.exact });
  }

  const axes = () => (about.config.latent > 2 ? ["1st principal direction", "2nd"] : ["z₁", about.config.latent === 1 ? "" : "z₂"]);

  function say({ points, ellipses, nearest }, under) {
    const { config, set, kind } = about;
    const count = points ? int(points.arrays.xy.length / 2) : "";
    at(".view-map small").textContent = points ? `${count} test ${kind === "2d" ? "points" : "images"} at their posterior mean` : "";
    at(".z").textContent = `(${cursor.map((v) => fixed(v, 2)).join(", ")})`;
    at(".logp").textContent = onPlane() && tab.hasPrior(config) ? `${fixed(-Math.log(2 * Math.PI) - 0.5 * (cursor[0] ** 2 + cursor[1] ** 2), 2)} nats` : "—";
    at(".logp").title = onPlane() ? "" : "Defined for two latents under the prior N(0, I)";
    at(".near").textContent = nearest == null ? "—" : nameOf(points, nearest, set);
    at(".spread").textContent = nearest == null || !ellipses ? "—" : `(${[0, 1].map((k) => fixed(ellipses.arrays.axes[2 * nearest + k], 2)).join(", ")})`;
    at(".view-cursor h4").textContent = kind === "2d" ? "" : "Test images, their reconstructions";
    at(".view-cursor h3").textContent = under.exact || !about.started ? "Under the cursor" : "Nearest cell of that step";
    at(".view-manifold h3 span").textContent = kind === "2d" ? "Data space" : onPlane() ? "Manifold" : "Samples of the prior";
    const side = Math.round(Math.sqrt(find(seen.frame, "manifold", "images")?.shapes.pixels[0] ?? 225));
    at(".view-manifold small").textContent = kind === "2d" ? "data, reconstructions, samples of the prior" : onPlane() ? `${side} × ${side} Gaussian quantiles, 3 % to 97 %` : tab.samplesOf(config);
    const holes = ellipses && onPlane() && tab.hasPrior(config) ? holesOf(ellipses).share : null;
    toggles.explain({ holes: holes == null ? "Holes are looked for where the prior is N(0, I) and the latents are two" : "", prior: tab.hasPrior(config) ? "" : "This objective has no prior", sigma: points && !ellipses ? "This objective has no posterior" : "" });
    if (toggles.shown.holes && holes != null) at(".view-map small").textContent = `holes: ${fixed(100 * holes, 0)} % of N(0, I) within 2σ has less than a tenth of its density in q(z), n ${count}`;
    if (refused) at(".view-map small").textContent = refused;
  }

  /** An example's class, or its number where there are no classes. */
  function nameOf({ arrays: { label } }, index, { classes }) {
    return label ? (classes[label[index]] ?? `mode ${label[index]}`) : int(index);
  }

  /** The manifold at its full size, which pictures of a run in training do not have. */
  function sharpen({ running, started, set }) {
    const small = find(seen?.frame, "manifold", "images");
    if (running || !started || !store.live || !small || 2 * small.shapes.pixels[2] > set.shape[1] || sharp.of === seen.frame) return;
    const mine = (sharp = { of: seen.frame, view: null });
    call(session, "manifold", {}, { branch: session.active, quiet: true }).then((frame) => ((mine.view = find(frame, "manifold", "images")), show()), () => {});
  }

  return {
    scenes,
    map,
    moveTo,
    fullScreen: wide.fullScreen,
    flow: { playing: false, refuse: () => false },
    refuse: () => false,
    bounds: () => plane.bounds(),
    /** Every picture. */
    draw({ frame, backdrop, faded }) {
      seen = { frame, backdrop, faded };
      show();
      return frame;
    },
    /** What need not follow every picture. */
    words(next) {
      about = next;
      if (store.live && performance.now() - askedAt > AGAIN && decoded?.frame.step !== store.active?.lastStep && !refused) asking();
      wide.update(next.kind);
      scenes.update(next);
      sharpen(next);
      show();
    },
  };
}
