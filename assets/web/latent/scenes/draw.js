// Draw a digit: every stroke is encoded at once. What the encoder sees, what it says of it (μ ± σ), what comes back from the mean and from
// eight draws, where it lies among the test images, and how its −ELBO compares with theirs.
import { fixed, int, percent } from "../../format.js";
import { icon } from "../../icons.js";
import { countField } from "../../numbers.js";
import { createAsking, elsewhere, named, newest, ready, soft, view } from "../../ask/question.js";
import { createPixels, createRow, paint } from "./pixels.js";
import { createSheet, fromFile } from "./sheet.js";
import { createSmallMap } from "./smallmap.js";
import { createUnits } from "./units.js";

export const title = "Draw a digit";
export const kinds = ["image"];

const PAUSE = 90; // ms between two strokes that are encoded, at least
const VERDICTS = [[0.95, "unlike the data"], [0.8, "harder than most"], [0.2, "as test images are"], [0.05, "easier than most"], [0, "easier than nearly all"]]; // from a share of test images below
const DECIMALS = 1e3; // of the pixels that are sent
const HTML = `<div class="draw-pad"><h3>Draw here <small></small></h3><div class="paper"></div>
    <div class="row tools"><button type="button" class="button small pen" aria-pressed="true">${icon("pen")}Pen</button><button type="button" class="button small eraser" aria-pressed="false">Eraser</button><button type="button" class="icon-button undo" title="Undo" aria-label="Undo">${icon("reset")}</button><button type="button" class="button small clear">Clear</button></div>
    <div class="row source"><label>test image <input class="index" value="0" aria-label="Test image, by number"></label><label class="button small file">File<input type="file" accept="image/*" aria-label="Encode an image file"></label></div></div>
  <div class="draw-code"><div class="row figures"><figure><figcaption>The encoder sees</figcaption></figure><div class="units"></div><figure><figcaption>From the mean</figcaption></figure></div>
    <div class="row head"><h3>Eight draws z = μ + σ ε <small></small></h3><label class="told" hidden title="The class that the conditional decoder is told">class told <select></select></label><button type="button" class="button small again">New ε</button></div><div class="draws"></div></div>
  <div class="draw-place"><h3>Its place on the latent map</h3><div class="map"></div><div class="row near"><dl><dt>reconstruction</dt><dd></dd><dt>KL</dt><dd></dd><dt>−ELBO</dt><dd></dd></dl><figure><figcaption>Nearest</figcaption></figure></div></div>
  <p class="scene-words"></p>`;

export function create(container, { session, store, tab }) {
  container.classList.add("latent-scene");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const words = find(".scene-words");
  const sheet = createSheet(find(".paper"), { onFirst: first, onChange: () => ask() });
  const [input, mean, near] = ["What the encoder sees", "Reconstruction from the mean", "Nearest test image"].map((label, i) => {
    const canvas = createPixels(label);
    container.querySelectorAll("figure")[i].prepend(canvas);
    return canvas;
  });
  const units = createUnits(find(".units"));
  const draws = createRow(find(".draws"), "Eight reconstructions, each from a draw of the posterior");
  const map = createSmallMap(find(".map"), "Latent map with the place and the posterior of what was drawn");
  const asking = createAsking({ session, store }, "encode", { show, pause: PAUSE });
  let about = null;
  let source = "example"; // what lies on the sheet: an "example" that the first stroke replaces, a "test" image, "drawn", a "file"
  let index = 0;
  let seed = 0;
  let papers = ""; // data set and shape that the sheet was set up for
  let ground = -1;
  let said = ""; // about a file
  let unread = ""; // why one could not be read

  // --- the sheet ------------------------------------------------------------------------------------------------------------------
  /** The first stroke over the example that the scene opens with starts on clean paper. */
  function first() {
    if (source === "example") sheet.lay(new Float32Array(sheet.pixels.length).fill(ground));
    source = "drawn";
    said = "";
  }

  function ask() {
    unread = "";
    const asked = source === "test" || source === "example" ? { index } : { pixels: Array.from(sheet.pixels, (v) => Math.round(v * DECIMALS) / DECIMALS) };
    if (ready(store)) asking.ask({ ...asked, seed, label: find(".told").hidden ? -1 : +find("select").value });
    show();
  }

  /** Put a test image on the sheet: its pixels come with the answer. A conditional decoder is told its class, until another is chosen. */
  function chosen(next, as = "test") {
    index = Math.max(0, Math.round(next) || 0);
    [source, said] = [as, ""];
    number.set(index);
    const own = view(newest(store), "latent", "points")?.arrays.label?.[index];
    if (own != null && !find(".told").hidden) find("select").value = own;
    ask();
  }

  async function open(file) {
    if (!file || !papers) return;
    try {
      const { values, negative } = await fromFile(file, shapeOf(), ground);
      sheet.lay(values);
      source = "file";
      said = `${file.name}, scaled to ${shapeOf().slice(1).join(" × ")}${negative ? ", as a negative: ink is light in these data" : ""}. `;
      ask();
    } catch (error) {
      unread = error.message;
      show();
    }
  }

  const dataView = () => about.backdrop?.views.find((v) => v.type === "images") ?? view(about.frame, "reconstructions", "images");
  const shapeOf = () => dataView().shapes.pixels.slice(1);

  /** Paper of the data's size, and of the colour most pictures have in their corners. */
  function setUp() {
    const data = dataView();
    const key = data && [about.config.dataset, ...data.shapes.pixels.slice(1)].join();
    if (!key || key === papers) return;
    papers = key;
    const [n, c, h, w] = data.shapes.pixels;
    const middle = data.arrays.pixels instanceof Uint8Array ? 127.5 : 0;
    const light = Array.from({ length: n }, (_, i) => data.arrays.pixels[i * c * h * w] > middle).filter(Boolean).length;
    ground = light > n / 2 ? 1 : -1;
    sheet.setup([c, h, w], ground);
    find(".draw-pad small").textContent = `${h} × ${w} pixels${c === 3 ? ", in grey" : ""}`;
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!about) return;
    const { frame } = asking;
    const [drawn, back, eight] = ["drawn", "mean", "draws"].map((name) => view(frame, "reconstructions", name));
    const known = asking.values?.pixels ? null : asking.values?.index;
    if (drawn && known === index && (source === "test" || source === "example") && sheet.shown !== frame) {
      sheet.lay(valuesOf(drawn), false);
      sheet.shown = frame;
    }
    paint(input, drawn);
    paint(mean, back);
    paint(near, view(frame, "nearest", "images"));
    draws.update(eight);
    const [mu, sigma] = ["mu", "sigma"].map((name) => view(frame, "encode", name)?.arrays.values ?? null);
    const gaussian = tab.hasPrior(about.config);
    units.update({ mu, sigma: gaussian ? sigma : null, hasPrior: gaussian, d: mu?.length ?? about.config.latent, run: [papers, about.config.latent].join() });
    showPlace(frame, gaussian);
    numbers(frame?.metrics);
    find(".head small").textContent = gaussian ? `seed ${seed}` : "all alike: this objective has no σ";
    find(".undo").disabled = !sheet.canUndo;
    sheet.canvas.setAttribute("aria-label", `Sheet to draw on with a pointer, ${sheet.blank ? "empty" : "drawn on"}; the field below chooses a test image instead`);
    words.textContent = sentence();
    container.classList.toggle("waiting", !frame);
    Object.assign(container.dataset, { source, asked: asking.values?.pixels ? "pixels" : (asking.values?.index ?? ""), step: frame?.step ?? "", negElbo: frame?.metrics.neg_elbo ?? "", draws: eight?.shapes.pixels[0] ?? 0 });
  }

  function showPlace(frame, gaussian) {
    const ellipse = frame?.views.find((v) => v.panel === "latent" && v.type === "ellipses")?.arrays;
    const place = view(frame, "latent", "points")?.arrays.xy;
    const one = ellipse && { xy: [...ellipse.xy], axes: [...ellipse.axes], angle: ellipse.angle[0] };
    map.update({ points: view(newest(store), "latent", "points"), hasPrior: gaussian, axes: axesOf(about.config), place: place ? [...place] : null, ellipse: one });
  }

  function numbers(m) {
    const cells = container.querySelectorAll("dd");
    ["recon", "kl", "neg_elbo"].forEach((key, i) => (cells[i].textContent = m?.[key] == null ? "—" : `${fixed(m[key], 1)} nats`));
    const label = m?.nearest_label;
    find(".near figcaption").textContent = m ? `Nearest${label == null ? "" : `: ${about.set.classes[label] ?? label}`}` : "Nearest";
  }

  function sentence() {
    if (unread || asking.refused) return unread || asking.refused;
    const m = asking.frame?.metrics;
    if (!m) return ready(store) ? "Encoding the first test image." : "Nothing is trained yet. Draw all the same, then press Train: each step encodes the drawing anew.";
    const what = asking.values.pixels ? said || (sheet.blank ? "An empty sheet. " : "") : `Test image ${asking.values.index}${source === "example" ? ": the first stroke starts on clean paper" : ""}. `;
    const itself = asking.values.index === m.nearest_index;
    const is = m.nearest_label == null ? `number ${int(m.nearest_index)}` : `${named(about.set.classes, m.nearest_label)} (number ${int(m.nearest_index)})`;
    const lead = `${elsewhere(store, asking.frame)}${what}Nearest test image: ${itself ? "itself" : `${is}, ${fixed(m.nearest_distance, 2)} away in z`}.`;
    if (m.neg_elbo == null) return `${lead} Reconstruction ${fixed(m.recon, 0)} nats; without a posterior there is no ELBO.`;
    const [, verdict] = VERDICTS.find(([share]) => m.test_below >= share);
    const copy = m.least ? `, ${fixed(m.above, 0)} above the ${fixed(m.least, 0)} that a perfect copy of these greys costs` : "";
    const others = `test images average ${fixed(m.test_mean, 0)} ± ${fixed(m.test_sd, 0)}${m.least ? " above theirs" : ""} (SD, n\u00a0${int(m.test_n)}, each from its mean)`;
    return `${lead} −ELBO ${fixed(m.neg_elbo, 0)} nats${soft(about.config)}${copy}; ${others}, and ${percent(m.test_below, 0)} of them lie below: ${verdict}.`;
  }

  // --- controls -------------------------------------------------------------------------------------------------------------------
  function pick(erasing) {
    sheet.erasing = erasing;
    find(".pen").setAttribute("aria-pressed", !erasing);
    find(".eraser").setAttribute("aria-pressed", erasing);
  }

  find(".pen").addEventListener("click", () => pick(false));
  find(".eraser").addEventListener("click", () => pick(true));
  find(".undo").addEventListener("click", () => ((source = "drawn"), sheet.undo()));
  find(".clear").addEventListener("click", () => ((source = "drawn"), (said = ""), sheet.clear()));
  find(".again").addEventListener("click", () => (seed++, ask()));
  const number = countField(find("input.index"), { onRead: chosen });
  find("select").addEventListener("change", ask);
  find("input[type=file]").addEventListener("change", (event) => (open(event.target.files[0]), (event.target.value = "")));
  container.addEventListener("dragover", (event) => event.preventDefault());
  container.addEventListener("drop", (event) => (event.preventDefault(), open(event.dataTransfer.files[0])));
  container.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    find(".undo").click();
  });

  /** The classes a conditional decoder can be told. */
  function tell({ config, set }) {
    find(".told").hidden = !(config.conditional && set.classes.length);
    if (find("select").length !== set.classes.length) find("select").replaceChildren(...set.classes.map((name, i) => new Option(name, i)));
  }

  return {
    update(next) {
      about = next;
      setUp();
      tell(next);
      if (asking.renew(next) && papers) {
        if (source === "example" || source === "test") chosen(index, source);
        else ask();
      } else asking.again();
      show();
    },
    hide: () => (unread = ""),
  };
}

/** The values in [−1, 1] of the first image of a view, which travels as bytes. */
function valuesOf({ arrays: { pixels } }) {
  return pixels instanceof Uint8Array ? Float32Array.from(pixels, (v) => v / 127.5 - 1) : pixels;
}

/** Names of the axes of the latent map. */
export function axesOf({ latent }) {
  if (latent > 2) return ["1st principal direction", "2nd"];
  return latent === 1 ? ["z₁", "σ"] : ["z₁", "z₂"];
}
