// Where the blur comes from: one place in latent space, the training images that share it, their mean, the decoder's mean, and draws.
import { fixed, int } from "../../format.js";
import { countField } from "../../numbers.js";
import { createPicture } from "../picture.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createExamples, gauge } from "./reals.js";

export const title = "Why the pictures are blurred";
export const kinds = ["image"];

const NEIGHBOURS = [4, 16, 64];
const COLUMNS = [
  ["near", "Training images there", "nearest by posterior mean"],
  ["mean", "Their mean", "pixel by pixel"],
  ["decoded", "The decoder’s mean", "at the same place"],
  ["draws", "Draws of p(x | z)", "pixels drawn one by one"],
];
const SHARP = { mean: "mean", decoded: "decoded", draws: "draw" }; // column -> metric
const ALIKE = 0.1; // of the sharpness of single images: so close counts as alike
const FIRST = 999; // the last test image that may be chosen

export function create(container, { session, store }) {
  container.classList.add("about-all");
  const options = NEIGHBOURS.map((k) => `<option${k === 16 ? " selected" : ""}>${k}</option>`).join("");
  const columns = COLUMNS.map(([key, words, how]) => `<section data-of="${key}"><h3>${words} <small>${how}</small></h3><div class="picture"></div><p></p></section>`);
  container.innerHTML = `<div class="bar"><label>Place of test image <input value="0" aria-label="Test image whose place is looked at"></label>
    <label>Nearest <select aria-label="Training images that share the place">${options}</select></label><button type="button" class="button small next">Next image</button></div>
    <div class="blur-parts">${columns.join("")}</div><p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const near = createExamples(find("[data-of=near] .picture"), "The nearest training images");
  const pictures = Object.fromEntries(COLUMNS.slice(1).map(([key, words]) => [key, createPicture(find(`[data-of=${key}] .picture`), words)]));
  const asking = createAsking({ session, store }, "blur", { show });
  let about = null;
  let index = 0;

  const ask = () => ready(store) && asking.ask({ index, k: +find("select").value, seed: 0 });

  function show() {
    if (!about) return;
    const { frame } = asking;
    const m = frame?.metrics;
    near.update(view(frame, "blur", "near"), { n: 64 });
    for (const [key] of COLUMNS.slice(1)) {
      pictures[key].update(view(frame, "blur", key));
      const value = m?.[`sharpness/${SHARP[key]}`];
      find(`[data-of=${key}] p`).innerHTML = value == null ? "" : `sharpness ${gauge(fixed(value, 2), value, { most: Math.max(1, value), line: 1 })}`;
    }
    find("[data-of=near] p").textContent = m ? "sharpness 1, by definition" : "";
    find(".scene-words").textContent = sentence(m);
    container.classList.toggle("nothing", !about.started || Boolean(asking.refused && !m));
    Object.assign(container.dataset, { index: asking.values?.index ?? "", decoded: m?.["many/decoded"] ?? "", mean: m?.["many/mean"] ?? "" });
  }

  function sentence(m) {
    if (!about.started) return "Nothing trained yet. Train, and one place of latent space is laid open here.";
    if (asking.refused) return asking.refused;
    if (!m) return "Encoding all training images, to find those that share the place.";
    const [mean, decoded, draw] = ["mean", "decoded", "draw"].map((key) => m[`many/${key}`]);
    const k = int(asking.values.k);
    const measured = `Over ${int(m.n)} test images the decoder’s mean has ${fixed(decoded, 2)} of the sharpness of single images, the mean of ${k} neighbours ${fixed(mean, 2)} (correlation ${fixed(m.correlation, 2)})`;
    const off = decoded - mean;
    const cause = Math.abs(off) < ALIKE
      ? "it is about as blurred as averaging the images that share a place"
      : off > 0 ? "it is sharper than that average: it tells neighbours apart that the plane puts close" : "it is more blurred than that average, so not all of the blur is shared places";
    return `${elsewhere(store, asking.frame)}${measured}: ${cause}. Draws have ${fixed(draw, 2)}: noise in each pixel, not detail. Step ${int(asking.frame.step)}, one run (seed ${int(about.config.seed)}), β ${fixed(about.config.beta ?? 1, 2)}, ${int(about.config.latent)} latents.`;
  }

  function choose(next) {
    index = next;
    ask();
  }

  const field = countField(find("input"), { lo: 0, hi: FIRST, onRead: choose });
  find("select").addEventListener("change", ask);
  find(".next").addEventListener("click", () => (field.set((index + 1) % (FIRST + 1)), choose(field.value)));

  return {
    update(next) {
      about = next;
      if (asking.renew(next)) ask();
      else if (!next.running) asking.again();
      show();
    },
  };
}
