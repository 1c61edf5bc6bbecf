// What a prediction depends on. Pixels: the gradient of one pixel's log p at every other, beside what plain and gated convolutions can see at
// all, with mask A or B. Text: the gradient at each token before.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createPixels, paint } from "../../latent/scenes/pixels.js";
import { countField } from "../../numbers.js";
import { createChart } from "./chart.js";
import { createGrid } from "./grid.js";
import { createText, defineScene, show as signs, tell } from "./kit.js";

const MATTERS = 0.01; // of the longest gradient
const HTML = `<div class="bar"><span class="for-image"><label>Image held out <input class="index" value="0" aria-label="Image held out, by number"></label>
    <span class="segment"><button type="button" class="button small" data-mask="A" aria-pressed="true">Mask A</button><button type="button" class="button small" data-mask="B" aria-pressed="false">Mask B</button></span></span>
    <label class="for-text wide">Text <input type="text" class="typed" maxlength="600" placeholder="the beginning of the held-out text" aria-label="Text"></label><button type="button" class="button small for-text whole">Whole text</button><span class="said"></span></div>
  <div class="seq-parts receptive-parts for-image"><section class="own"><h3>This run <small>gradient</small></h3><div class="grid"></div></section>
    <section><h3>Plain PixelCNN <small>can see</small></h3><div class="grid plain"></div></section><section><h3>Gated PixelCNN <small>can see</small></h3><div class="grid gated"></div></section>
    <section class="picture"><h3>The image</h3></section></div>
  <div class="seq-parts seen-text for-text"><section><div class="text huge"></div></section><section><div class="plot"></div></section></div>`;

function start({ container, find, say }, { session, store }) {
  const pick = (row, column) => ((place = [row, column]), ask());
  const grids = [createGrid(find(".own .grid"), "Gradient at each pixel; press another pixel to choose it", { onPick: pick }), createGrid(find(".plain"), "What a plain PixelCNN can see", { onPick: pick }), createGrid(find(".gated"), "What a gated PixelCNN can see", { onPick: pick })];
  const picture = createPixels("The image asked about");
  find(".picture").append(picture);
  const text = createText(find(".text.huge"), { label: "Tokens before, tint = how much the prediction depends on each", onPick: (i) => ((position = i + 1), ask()) });
  const chart = createChart(find(".seen-text .plot"), "Gradient against tokens back");
  const field = createAsking({ session, store }, "receptive", { show, pause: 60 });
  const spot = createAsking({ session, store }, "blindspot", { show, pause: 60, lasting: () => true });
  const index = countField(find(".index"), { onRead: () => ask() });
  let about = null;
  let place = null;
  let position = -1;
  let mask = "A";

  const image = () => about.kind !== "text";
  const convolves = () => ["pixelcnn", "gated-pixelcnn"].includes(about.config.model);

  function ask() {
    if (!ready(store)) return;
    if (!image()) return void field.ask({ text: find(".typed").value, position });
    place ??= middle();
    const [row, column] = place;
    field.ask({ row, column, index: index.value });
    if (convolves()) spot.ask({ row, column, mask });
  }

  function middle() {
    const shape = about.backdrop?.views.find((v) => v.type === "images")?.shapes.pixels;
    return shape ? [Math.round(0.75 * shape[2]), Math.round(0.25 * shape[3])] : [6, 2];
  }

  function show() {
    if (!about) return;
    for (const part of container.querySelectorAll(".for-image")) part.hidden = !image();
    for (const part of container.querySelectorAll(".for-text")) part.hidden = image();
    if (image()) pixels();
    else tokens();
  }

  function pixels() {
    const own = view(field.frame, "field");
    const [plain, gated] = ["plain", "gated"].map((name) => view(spot.frame, "field", name));
    const cols = own?.shapes.values[1] ?? 0;
    const before = (k) => place && precedes(k, place, cols);
    grids[0].update(own && { view: own, picked: place, gamma: 0.5 });
    for (const [i, seen] of [plain, gated].entries()) grids[i + 1].update(convolves() && seen ? { view: seen, picked: place, allowed: before } : null);
    container.classList.toggle("no-convolutions", !convolves());
    paint(picture, view(field.frame, "image"));
    for (const button of container.querySelectorAll("[data-mask]")) button.setAttribute("aria-pressed", button.dataset.mask === mask);
    const refused = field.refused || (convolves() && spot.refused);
    find(".said").textContent = "press a pixel, or arrow keys; × = earlier, but out of sight";
    say(refused || pixelWords(), refused);
    const m = spot.frame?.metrics;
    tell(container, { place: place?.join(), matter: field.frame?.metrics["pixels that matter"], blind: m?.["blind/plain"], gated: m?.["blind/gated"], leaks: m?.["leaks/plain"], mask });
  }

  /** Whether pixel k comes before a place in the order of the model: known here for the two orders that have rows. */
  function precedes(k, [row, column], cols) {
    const here = row * cols + column;
    return about.config.pixel_order === "raster" ? k < here : about.config.pixel_order === "reverse" ? k > here : false;
  }

  function pixelWords() {
    const m = field.frame?.metrics;
    if (!m) return "Taking the gradient.";
    const lead = `${elsewhere(store, field.frame)}At row ${place[0]}, column ${place[1]} (from 0), ${int(m["pixels that matter"])} pixels have a gradient in this run`;
    const s = spot.frame?.metrics;
    const seen = `step ${int(field.frame.step)}, n 1 image, number ${field.values.index}`;
    if (!convolves() || !s) return `${lead}; a transformer over pixels can look at all pixels before. ${seen[0].toUpperCase()}${seen.slice(1)}.`;
    const leak = spot.values.mask === "B" ? ` With mask B in the first layer the plain one sees ${int(s["leaks/plain"])} pixel it should not: the answer itself.` : "";
    return `${lead} of ${int(s.before)} before it. However many layers, plain convolutions never see ${int(s["blind/plain"])} of them (blind spot), gated ones ${int(s["blind/gated"])}; with the ${about.config.layers} layers here ${int(s["not seen/plain"])} and ${int(s["not seen/gated"])} are out of reach.${leak} ${seen[0].toUpperCase()}${seen.slice(1)}.`;
  }

  function tokens() {
    const shown = view(field.frame, "text");
    const value = shown?.arrays.value;
    const most = value ? Math.max(...value) : 1;
    text.update(shown && { ...shown, given: 0 }, { tint: "value", most });
    const back = value && [...value].reverse().map((v) => v / most);
    chart.update(back ? { xName: "tokens back", yName: "gradient, share of the longest", lines: [{ x: back.map((_, i) => i + 1), y: back, color: "accent", dots: back.length < 80 }], ys: [0, 1.05] } : null);
    find(".said").textContent = "press a token: the prediction after it is taken apart";
    say(field.refused || textWords(shown, value, most), field.refused);
    tell(container, { tokens: value?.length, matter: field.frame?.metrics["tokens that matter"] });
  }

  function textWords(shown, value, most) {
    if (!value) return "Taking the gradient.";
    const n = value.length;
    const total = value.reduce((a, b) => a + b, 0);
    const near = value.slice(-5).reduce((a, b) => a + b, 0) / total;
    const best = value.indexOf(most);
    const matter = field.frame.metrics["tokens that matter"];
    return `${elsewhere(store, field.frame)}What follows the last token depends most on “${signs(shown.pieces[best])}”, ${n - best === 1 ? "the last" : `${n - best} back`}; the five last hold ${percent(near, 0)} of all gradient, and ${int(matter)} of ${int(n)} tokens have at least ${fixed(100 * MATTERS, 0)} % of the longest. Step ${int(field.frame.step)}, n 1 text.`;
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-mask]")?.dataset.mask;
    if (next) (mask = next), ask(), show();
  });
  find(".index").addEventListener("input", ask);
  for (const [part, event] of [[".typed", "input"], [".whole", "click"]]) find(part).addEventListener(event, () => ((position = -1), ask()));

  return {
    update(next) {
      const other = about && next.config.dataset !== about.config.dataset;
      about = next;
      if (other) [place, position] = [null, -1];
      if ([field, spot].map((a) => a.renew(next)).some(Boolean)) ask();
      else field.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "What a prediction sees",
  kinds: ["text", "image"],
  html: HTML,
  start,
  fits: ({ model }) => (model === "ngram" ? { words: "Counts have no gradient: an n-gram sees exactly its last n − 1 tokens, all of them alike. Load a model that learns what to look at.", preset: "moby", button: "Load Moby Dick, small GPT" } : null),
  empty: "Nothing trained yet. Train, and each prediction shows what it depends on.",
});
