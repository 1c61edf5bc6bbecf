// The stage of an image model: the run's images, one image growing pixel by pixel under a player, what was expected of each pixel, and what
// that expectation depends on. One answer holds an image and all its expectations, so that the player needs no server.
import { fixed, int } from "../format.js";
import { icon } from "../icons.js";
import { createAsking, elsewhere, ready, same, view } from "../ask/question.js";
import { createField } from "./field.js";
import { createGeneration, TEMPERATURE } from "./generation.js";
import { bitsOf, createGrowing, drawnOf, expected } from "./growing.js";
import { createLevels } from "./levels.js";
import { createSamples } from "./samples.js";

const STALE = 2_500; // ms between two drawings while the model trains
const REST = 300; // ms the player stands still before the receptive field is asked for
const FILM = 5; // s for a whole image
const CALM = 350; // ms between two rows where less motion is preferred
const SEEDS = 10_000;
const DECIMALS = 1e4;
export const LAYERS = [{ key: "data", title: "Data", role: "data", on: false }];
const HTML = `<form class="seq-bar"><span class="sliders"></span><label class="told" hidden><span>Class</span><select></select></label><button type="button" class="button small another-image" title="The same model, other random numbers">Draw another</button><span class="space"></span>
    <button type="button" class="icon-button pixel-back" aria-label="One back">${icon("stepb")}</button><button type="button" class="icon-button pixel-play" aria-label="Play">${icon("play")}</button><button type="button" class="icon-button pixel-on" aria-label="One on">${icon("stepf")}</button>
    <input type="range" class="pixel-at" min="0" value="0" step="1" aria-label="How many are drawn"><output class="pixel-words"></output></form>
  <div class="seq-views of-pixels"><section class="view view-samples"><h3><b>Samples</b> <small></small></h3><div class="canvas"></div></section>
  <section class="view view-growing"><h3><b></b> <small></small></h3><div class="canvas"></div></section>
  <section class="view view-levels"><h3><b></b> <small></small></h3><div class="canvas"></div><p class="said"></p>
    <div class="row forks"><button type="button" class="button small another">${icon("fork")}<span>Choose another and continue</span></button><button type="button" class="icon-button undo" aria-label="Undo" title="Undo">${icon("reset")}</button></div></section>
  <section class="view view-field"><h3><b>Receptive field</b></h3><div class="canvas"></div><p class="said"></p></section></div>`;
const ORDERS = { raster: "raster order", reverse: "reverse order", random: "shuffled order" };

/** @param {HTMLElement} box @param {object} lab @param {Record<string, boolean>} layers which toggles are on */
export function createPixelStage(box, lab, layers) {
  const { store } = lab;
  box.innerHTML = HTML;
  const find = (selector) => box.querySelector(selector);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const choice = createGeneration(find(".sliders"), [{ ...TEMPERATURE, value: 1 }], (settled) => settled && redraw());
  const samples = createSamples(find(".view-samples .canvas"));
  const growing = createGrowing(find(".view-growing .canvas"), { onPick: go, onHover: (k) => k !== hover && ((hover = k), show()) });
  const levels = createLevels(find(".view-levels .canvas"), { onChoose: choose });
  const field = createField(find(".view-field .canvas"));
  const asked = createAsking(lab, "draw", { show: arrived, stale: STALE });
  const felt = createAsking(lab, "receptive", { show, pause: 80 });
  let [about, seen, drawn, frame] = [null, null, null, null];
  let [k, hover, playing, seed] = [0, null, false, 0];
  let changes = []; // [{values, k}] that were asked for: the last one is shown
  let timer = 0;
  let begun = false; // whether the first image was asked for
  const at = find(".pixel-at");

  // --- the player --------------------------------------------------------------------------------------------------------------------
  const total = () => drawn?.place.length ?? 1;
  const unit = () => (about?.kind === "codes" ? "code" : "pixel"); // what the grid is made of

  function go(to) {
    k = Math.max(0, Math.min(total(), to));
    show();
    clearTimeout(timer);
    timer = setTimeout(feel, REST);
  }

  function play(on) {
    playing = on;
    if (on && k >= total()) k = 0;
    let last = performance.now();
    let exact = k;
    const step = (now) => {
      if (!playing || !drawn) return;
      exact += still.matches ? drawn.columns : (total() * Math.max(0, now - last)) / (1000 * FILM);
      last = now;
      if (exact >= total()) playing = false;
      go(Math.floor(exact));
      if (playing) still.matches ? setTimeout(() => step(performance.now()), CALM) : requestAnimationFrame(step);
    };
    if (on) step(last);
    show();
  }

  find(".seq-bar").addEventListener("submit", (event) => event.preventDefault());
  find(".pixel-back").addEventListener("click", () => (play(false), go(k - 1)));
  find(".pixel-on").addEventListener("click", () => (play(false), go(k + 1)));
  find(".pixel-play").addEventListener("click", () => play(!playing));
  at.addEventListener("input", () => ((playing = false), go(+at.value)));

  // --- asking ------------------------------------------------------------------------------------------------------------------------
  const may = () => about && ready(store) && same(store, about.config) && store.live;
  const plain = () => ({ seed, ...choice.values(), label: find(".told").hidden ? -1 : +find(".told select").value });

  /** Draw from the first pixel on, with the seed and settings there are. */
  function redraw() {
    changes = [];
    if (may()) asked.ask(plain());
  }

  let later = 0;
  /** The same image by a model that is further on; the last one of a run always comes. */
  function renewed() {
    asked.again();
    clearTimeout(later);
    if (frame && frame.step !== store.active.lastStep) later = setTimeout(() => may() && renewed(), STALE);
  }

  function arrived() {
    if (asked.frame !== frame) {
      frame = asked.frame;
      const first = !drawn;
      drawn = drawnOf(frame);
      if (first && drawn) k = Math.round(0.52 * total());
    }
    show();
    feel();
  }

  /** What the pixel at hand depends on. */
  function feel() {
    if (!may() || !drawn || playing) return;
    const pixel = drawn.place[Math.min(k, total() - 1)];
    felt.ask({ pixels: pixels(), row: Math.floor(pixel / drawn.columns), column: pixel % drawn.columns });
  }

  /** The image as it is sent, row by row in [−1, 1]. */
  function pixels(put = null) {
    const out = new Array(total());
    drawn.level.forEach((level, i) => (out[drawn.place[i]] = Math.round(DECIMALS * ((2 * (i === put?.k ? put.level : level)) / (drawn.levels - 1) - 1)) / DECIMALS));
    return out;
  }

  /** Another level for the pixel at hand, and what follows from it. */
  function choose(level) {
    if (!may() || k >= total()) return;
    const values = { ...plain(), pixels: pixels({ k, level }), known: k + 1 };
    changes.push({ values, k });
    hover = null;
    asked.ask(values).then(() => play(true));
  }

  let tried = 0;
  find(".another").addEventListener("click", () => {
    if (!drawn || k >= total()) return;
    const p = expected(drawn, k);
    const others = Array.from(p.keys()).filter((i) => i !== drawn.level[k]).sort((a, b) => p[b] - p[a]);
    choose(others[tried++ % others.length]);
  });
  find(".undo").addEventListener("click", () => {
    const undone = changes.pop();
    if (!undone) return;
    play(false);
    asked.ask(changes.at(-1)?.values ?? plain());
    go(undone.k);
  });
  find(".another-image").addEventListener("click", () => {
    seed = (seed + 1) % SEEDS;
    redraw();
    play(false);
    go(0);
    play(true);
  });
  find(".told select").addEventListener("change", redraw);

  // --- showing -----------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!about || !seen) return;
    const of = (source) => source?.views.find((v) => v.panel === "stage" && v.type === "images") ?? null;
    const own = about.started ? of(seen.frame) : null;
    const shown = layers.data || !own ? of(seen.backdrop) : own;
    samples.update(shown, Boolean(seen.faded));
    find(".view-samples b").textContent = shown?.role === "data" ? "Data" : "Samples";
    find(".view-samples small").textContent = shown?.role === "data" ? "what the model trains on" : `step ${int(seen.frame?.step ?? 0)}, n ${int(own?.shapes.pixels[0] ?? 0)}`;
    const changed = new Set(changes.map((c) => c.k));
    growing.update({ drawn, k, hover, changed, unit: unit() });
    box.classList.toggle("nothing", !drawn);
    showPlayer();
    if (drawn) showPixel();
    Object.assign(box.dataset, { k, hover: hover ?? "", seed, known: asked.values?.known ?? 0, drawn: drawn ? drawn.level.join() : "" });
  }

  function showPlayer() {
    at.max = total();
    at.value = k;
    at.style.setProperty("--at", `${(100 * k) / total()}%`);
    at.disabled = !drawn;
    find(".pixel-words").textContent = drawn ? `${int(Math.min(k + 1, total()))} of ${int(total())}, ${ORDERS[about.config.pixel_order]}` : "";
    const button = find(".pixel-play");
    if (button.dataset.playing !== String(playing)) {
      button.dataset.playing = playing;
      button.innerHTML = icon(playing ? "pause" : "play");
      button.setAttribute("aria-label", playing ? "Pause" : "Play");
    }
    for (const name of [".pixel-back", ".pixel-on", ".pixel-play", ".another-image"]) find(name).disabled = !drawn;
    find(".view-growing b").textContent = unit() === "code" ? "One grid, code by code" : "One image, pixel by pixel";
    find(".told").hidden = !about.config.conditional;
    const names = about.set.classes ?? [];
    const select = find(".told select");
    if (select.options.length !== names.length) select.replaceChildren(...names.map((name, i) => new Option(name, i)));
    find(".view-growing small").textContent = drawn ? `seed ${int(seed)}, step ${int(frame.step)}` : "";
  }

  function showPixel() {
    const here = Math.min(hover ?? k, total() - 1);
    const p = expected(drawn, here);
    const level = drawn.level[here];
    const [row, column] = [Math.floor(drawn.place[here] / drawn.columns) + 1, (drawn.place[here] % drawn.columns) + 1];
    const next = here === k;
    levels.update({ p, chosen: level, locked: !store.live || !next, coded: unit() === "code" });
    find(".view-levels b").textContent = `${next ? `Next ${unit()}` : unit() === "code" ? "Code" : "Pixel"}, row ${row}, column ${column}`;
    const tail = unit() === "code" ? `code ${level}` : drawn.levels === 2 ? ["black", "white"][level] : `level ${level}`;
    find(".view-levels .said").textContent = `${elsewhere(store, frame)}Drawn: ${tail}, surprise ${fixed(-Math.log2(p[level]), 2)} bits. Entropy ${fixed(bitsOf(p), 2)} of ${fixed(Math.log2(drawn.levels), 2)} bits.`;
    find(".another").disabled = !store.live || k >= total();
    find(".undo").disabled = !changes.length;
    showField();
  }

  function showField() {
    const heat = view(felt.frame, "field");
    const pixel = felt.values ? felt.values.row * drawn.columns + felt.values.column : 0;
    field.update(heat && heat.shapes.values[1] === drawn.columns ? { view: heat, pixel, turn: drawn.turn } : null);
    const before = drawn.turn[pixel];
    const matter = felt.frame?.metrics["pixels that matter"];
    find(".view-field .said").textContent = felt.refused || (matter == null ? "" : `Tint = gradient at each ${unit()}. ${int(matter)} of the ${int(before)} ${unit()}s before row ${felt.values.row + 1}, column ${felt.values.column + 1} matter to it.`);
  }

  return {
    go,
    show,
    draw(next) {
      seen = next;
      show();
    },
    words(nextAbout) {
      about = nextAbout;
      if ([asked, felt].map((a) => a.renew(nextAbout)).some(Boolean)) {
        [drawn, frame, k, hover, playing, seed, changes, begun] = [null, null, 0, null, false, 0, [], false];
      }
      showPlayer();
      if (may() && !begun) (begun = true), asked.ask(plain());
      else if (may()) renewed();
      show();
    },
  };
}
