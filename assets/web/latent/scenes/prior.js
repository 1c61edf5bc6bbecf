// The prior matters: the same decoder fed with z from N(0, I), with z from a mixture of Gaussians fitted to where the data are encoded, and
// with z from a small flow that learns these places, beside real examples. Each column has its distance, in multiples of what real data have from real data.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, newest, ready, view } from "../../ask/question.js";
import { createExamples, gauge, plural } from "./reals.js";
import { createScatter } from "./scatter.js";

export const title = "The prior matters";

const N = 64; // examples shown in each column
const ALIKE = 0.1; // share of the distance by which two columns must differ before the sentence says so
const COLUMNS = [
  { key: "normal", words: "z from N(0, I)", legend: "the prior" },
  { key: "mixture", words: "z from a Gaussian mixture", legend: "fitted to the latents" },
  { key: "flow", words: "z from a learned flow", legend: "trained now" },
  { key: "real", words: "Real", legend: "test examples" },
];
const PRIORS = ["normal", "mixture", "flow"];
const ROWS_IMAGES = [
  { words: "Fréchet distance", of: (m) => m.frechet_multiple, real: () => 1, write: (v) => `${fixed(v, 1)} × floor`, help: "distance of classifier features to those of test images, in multiples of the distance between real and real" },
  { words: "confidence", of: (m) => m.confidence, real: (floor) => floor.confidence, write: (v) => percent(v, 0), help: "how sure a classifier is of its answer, on average" },
  { words: "sharpness", of: (m) => m.sharpness, real: () => 1, write: (v) => fixed(v, 2), help: "energy of the Laplacian, real = 1; noise raises it as well" },
];
const ROWS_2D = [{ words: "sliced W₁", of: (m) => m.sliced_w1, real: (floor) => floor.sliced_w1, write: (v) => fixed(v, 3), help: "distance to the data, in data units" }];

export function create(container, { session, store, tab }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar"><button type="button" class="button small noise" aria-pressed="false">Decoder noise</button><button type="button" class="button small again">New seed</button><span class="said"></span></div>
    <div class="columns-4">${COLUMNS.map(({ key, words, legend }) => `<section data-prior="${key}"><h3>${words} <small>${legend}</small></h3><div class="pictures"><div class="grid"></div>${key === "real" ? "" : '<div class="place"></div>'}</div><dl></dl></section>`).join("")}</div>
    <p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const part = (key) => container.querySelector(`[data-prior=${key}]`);
  const grids = Object.fromEntries(COLUMNS.map(({ key, words }) => [key, createExamples(part(key).querySelector(".grid"), `Examples: ${words}`)]));
  const maps = Object.fromEntries(PRIORS.map((key) => [key, createScatter(part(key).querySelector(".place"), `Where these z lie among the latents: ${key}`)]));
  const asked = Object.fromEntries(PRIORS.map((key) => [key, createAsking({ session, store }, "prior", { show })]));
  let about = null;
  let noise = false;
  let seed = 0;

  const values = (key) => ({ prior: key, n: N, noise, seed });

  function askAll() {
    if (!ready(store)) return;
    for (const key of Object.keys(asked)) asked[key].ask(values(key));
    show();
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  const measured = (key) => asked[key].frame?.metrics ?? null;
  const floors = () => about.backdrop?.metrics ?? {};

  function show() {
    if (!about) return;
    const rows = about.kind === "2d" ? ROWS_2D : ROWS_IMAGES;
    const points = view(newest(store), "latent", "points");
    for (const { key } of COLUMNS) {
      const frame = asked[key]?.frame ?? asked.normal.frame ?? asked.mixture.frame;
      const shown = key === "real" ? view(frame, "prior", "test") : view(asked[key].frame, "prior", key);
      grids[key].update(shown, { n: N, backdrop: about.backdrop });
      maps[key]?.update({ points, places: view(asked[key].frame, "latent", "points"), hasPrior: tab.hasPrior(about.config) });
      table(key, rows);
    }
    find(".noise").hidden = about.kind === "2d";
    for (const button of container.querySelectorAll(".bar .button")) button.disabled = !ready(store);
    const m = measured("normal");
    find(".said").textContent = m ? `${about.kind === "2d" ? "" : `${N} of n ${int(m.n)} shown, `}seed ${seed}; on the maps z as dots over test examples in the hues of their classes` : "";
    find(".scene-words").textContent = sentence();
    container.classList.toggle("nothing", !about.started || Boolean(asked.normal.refused && !m));
    Object.assign(container.dataset, { seed, noise, waiting: Object.values(asked).some((a) => a.waiting) });
  }

  function table(key, rows) {
    const list = part(key).querySelector("dl");
    const m = key === "real" ? null : measured(key);
    if (key !== "real" && asked[key].refused) return void (list.innerHTML = `<dd class="refused">${asked[key].refused}</dd>`);
    list.innerHTML = rows
      .map(({ words, of, real, write, help }) => {
        const line = real(floors());
        const all = [...PRIORS.map((k) => (measured(k) ? of(measured(k)) : null)), line].filter((v) => v != null);
        const value = key === "real" ? (measured("normal") ? line : null) : m && of(m);
        return `<dt title="${help}">${words}</dt><dd data-of="${words}" data-value="${value ?? ""}">${gauge(value == null ? "—" : write(value), value, { most: Math.max(...all, 1e-9), line: measured("normal") ? line : null })}</dd>`;
      })
      .join("");
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  function sentence() {
    if (!about.started) return "Nothing trained yet. Train, and the same decoder is fed from two priors here.";
    const [a, b] = ["normal", "mixture"].map(measured);
    if (asked.normal.refused) return asked.normal.refused;
    if (!a || (!b && !asked.mixture.refused)) return "Drawing samples from both priors, and measuring them.";
    const where = elsewhere(store, asked.normal.frame);
    if (!b) return where + asked.mixture.refused;
    return where + (about.kind === "2d" ? sentence2d(a, b) : sentenceImages(a, b)) + ` Step ${int(asked.normal.frame.step)}, n ${int(a.n)} each, seed ${seed}.`;
  }

  function sentenceImages(a, b) {
    if (a.frechet_multiple == null) return `Sharpness is ${fixed(a.sharpness, 2)} of real with z from N(0, I) and ${fixed(b.sharpness, 2)} with z from the mixture; there is no classifier here to measure a distance with.`;
    const [x, y] = [a.frechet_multiple, b.frechet_multiple];
    const saved = (x - y) / x;
    const what = plural(about.set);
    const numbers = `Samples lie ${fixed(x, 1)} times the floor from real ${what} with z from N(0, I), ${fixed(y, 1)} times with z from the mixture${flowWords((m) => `${fixed(m.frechet_multiple, 1)} times`)}:`;
    const means =
      saved > ALIKE
        ? `the same decoder, so ${percent(saved, 0)} of the distance is the prior's fault: it sends z where no example is encoded.`
        : saved < -ALIKE
          ? "here the mixture is the worse one."
          : "hardly another number, so where z comes from is not what is wrong.";
    const rest = noise
      ? "Noise is drawn for each pixel on its own: it raises sharpness without making strokes."
      : `What is left is the decoder's: its samples have ${fixed(b.sharpness, 2)} of real sharpness.`;
    return `${numbers} ${means} ${rest}`;
  }

  /** What the flow reached, once it has been trained. */
  function flowWords(write) {
    const m = measured("flow");
    return m ? `, ${write(m)} with z from the flow` : "";
  }

  function sentence2d(a, b) {
    const saved = (a.sliced_w1 - b.sliced_w1) / a.sliced_w1;
    const means = saved > ALIKE ? `${percent(saved, 0)} of the distance is the prior's fault.` : saved < -ALIKE ? "Here the mixture is the worse one." : "Hardly another number, so where z comes from is not what is wrong.";
    return `Sliced W₁ to the data is ${fixed(a.sliced_w1, 3)} with z from N(0, I) and ${fixed(b.sliced_w1, 3)} with z from the mixture${flowWords((m) => fixed(m.sliced_w1, 3))}; ${fixed(floors().sliced_w1, 3)} is the floor. ${means}`;
  }

  find(".noise").addEventListener("click", () => {
    noise = !noise;
    find(".noise").setAttribute("aria-pressed", noise);
    askAll();
  });
  find(".again").addEventListener("click", () => {
    seed = (seed + 1) % 10_000;
    askAll();
  });

  return {
    update(next) {
      about = next;
      const fresh = Object.values(asked).map((a) => a.renew(next)).some(Boolean);
      if (fresh) seed = 0;
      if (fresh) askAll();
      else if (!next.running) for (const a of Object.values(asked)) a.again();
      show();
    },
  };
}
