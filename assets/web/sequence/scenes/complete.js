// Half an image is given, the model draws the rest sixteen times: what it is unsure of, pixel by pixel, and what a judge takes the results for.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, named, ready, view } from "../../ask/question.js";
import { createRow } from "../../latent/scenes/pixels.js";
import { createGrid } from "./grid.js";
import { defineScene, tell } from "./kit.js";
import { createPad, imageName } from "./pad.js";

const N = 16;
const HTML = `<div class="seq-parts complete-parts"><div class="pad"></div><section><div class="bar"><label class="slide">Given <output></output><input type="range" class="given" min="0.1" max="0.9" step="0.05" value="0.5" aria-label="Part of the image that is given"></label><button type="button" class="button small again">New seed</button><span class="said"></span></div><div class="sixteen"></div></section>
  <section class="side"><h3>Unsure of <small>bits, on average</small></h3><div class="grid"></div><div class="votes"></div></section></div>`;

function start({ container, find, say }, { session, store }) {
  const pad = createPad(find(".pad"), { onChange: ask });
  const row = createRow(find(".sixteen"), "Sixteen completions");
  const grid = createGrid(find(".grid"), "Entropy of each pixel");
  const asking = createAsking({ session, store }, "complete", { show, pause: 120, stale: 1500 });
  let about = null;
  let seed = 0;

  function ask() {
    if (ready(store)) asking.ask({ ...pad.question(), n: N, given: +find(".given").value, seed });
    show();
  }

  /** The completions without the image that was given, which comes first. */
  function completions(images) {
    const [n, ...shape] = images.shapes.pixels;
    const size = shape.reduce((a, b) => a * b, 1);
    return { ...images, arrays: { pixels: images.arrays.pixels.subarray(size) }, shapes: { pixels: [n - 1, ...shape] } };
  }

  let kept = { frame: null, view: null };
  function show() {
    if (!about) return;
    const images = view(asking.frame, "stage", "completions");
    pad.take(images, asking.frame);
    if (kept.frame !== asking.frame) kept = { frame: asking.frame, view: images && completions(images) };
    row.update(kept.view, { n: N });
    const entropy = view(asking.frame, "entropy");
    grid.update(entropy && { view: entropy });
    votes();
    find("output").textContent = percent(+find(".given").value, 0);
    find(".said").textContent = asking.frame ? `n ${N} completions, seed ${asking.values.seed}` : "";
    say(asking.refused || sentence(entropy), asking.refused);
    const vote = view(asking.frame, "vote");
    tell(container, { source: pad.source, step: asking.frame?.step, given: asking.frame?.metrics["pixels given"], completions: kept.view?.shapes.pixels[0], vote: vote?.labels[best(vote)] });
  }

  const best = (vote) => vote.arrays.values.indexOf(Math.max(...vote.arrays.values));

  function votes() {
    const vote = view(asking.frame, "vote");
    const rows = vote ? [...vote.arrays.values].map((p, i) => ({ p, name: vote.labels[i] })).filter(({ p }) => p > 0).sort((a, b) => b.p - a.p).slice(0, 4) : [];
    const html = rows.map(({ p, name }) => `<div class="vote"><span>${name}</span><i style="width:${(100 * p).toFixed(0)}%"></i><b>${percent(p, 0)}</b></div>`).join("");
    if (find(".votes").dataset.html === html) return;
    find(".votes").innerHTML = html && `<h3>Seen as <small>by a judge</small></h3>${html}`;
    find(".votes").dataset.html = html;
  }

  function sentence(entropy) {
    if (!asking.frame) return "Drawing sixteen endings.";
    const m = asking.frame.metrics;
    const values = [...entropy.arrays.values];
    const most = entropy.hi ?? 0;
    const bits = values.map((v) => (v / 255) * most);
    const total = bits.reduce((a, b) => a + b, 0);
    const k = bits.indexOf(Math.max(...bits));
    const cols = entropy.shapes.values[1];
    const vote = view(asking.frame, "vote");
    const agreed = vote ? ` The judge takes ${percent(vote.arrays.values[best(vote)], 0)} of them for ${named(about.set.classes, best(vote))}.` : "";
    return `${elsewhere(store, asking.frame)}${imageName(asking.values)}: ${int(m["pixels given"])} pixels are given, and the ${int(values.length - m["pixels given"])} others hold ${fixed(total, 1)} bits; it is least sure at row ${Math.floor(k / cols)}, column ${k % cols} (${fixed(bits[k], 2)} bits).${agreed} Step ${int(asking.frame.step)}, n ${N}, seed ${asking.values.seed}.`;
  }

  find(".given").addEventListener("input", ask);
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), ask()));

  return {
    update(next) {
      about = next;
      pad.setUp(next.backdrop);
      if (asking.renew(next)) ask();
      else asking.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Complete an image",
  kinds: ["image"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and half an image is completed sixteen times.",
});
