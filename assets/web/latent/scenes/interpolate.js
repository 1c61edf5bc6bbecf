// Interpolate: from one test image to another along the line and along the arc between their latents, and between their pixels, with the
// model's bound on −log p of each picture on the way.
import { fixed, int } from "../../format.js";
import { createAsking, elsewhere, newest, ready, soft, view } from "../../ask/question.js";
import { createChooser } from "./chooser.js";
import { axesOf } from "./draw.js";
import { createPaths } from "./paths.js";
import { createPixels, createRow, paint } from "./pixels.js";
import { createSmallMap } from "./smallmap.js";

export const title = "Interpolate";
export const kinds = ["image"];

const N = 11; // places on a path
const STALE = 1500; // ms between two answers while the model trains: each bounds 33 pictures
const WAYS = [
  { name: "lerp", title: "latent line", role: "accent", dash: [] },
  { name: "slerp", title: "latent arc", role: "accent", dash: [2, 3] },
  { name: "pixels", title: "pixels", role: "data", dash: [] },
];
const PAIRS = [["any", "Random pair"], ["same", "Same class"], ["other", "Other class"]];
const HTML = `<div class="ends"><div class="row pick">${["From", "To"].map((word, k) => `<button type="button" class="end" data-end="${k}"><span></span><b>${word}</b><small></small></button>`).join("")}<div class="choose"></div>
    <div class="pairs">${PAIRS.map(([key, words]) => `<button type="button" class="button small" data-pair="${key}">${words}</button>`).join("")}</div></div>
    ${WAYS.map(({ name, title: words }) => `<div class="way" data-way="${name}"><span class="legend">${words}</span><div></div></div>`).join("")}
    <div class="way slide"><label for="interpolate-t">t</label><input id="interpolate-t" type="range" min="0" max="${N - 1}" step="1" value="${(N - 1) / 2}" aria-label="Place t on the path"></div>
    <div class="curve"></div></div>
  <div class="at"><h3></h3><div class="row three">${WAYS.map(({ title: words }) => `<figure><figcaption>${words}</figcaption></figure>`).join("")}</div><div class="map"></div><p class="scene-words"></p></div>`;

export function create(container, { session, store, tab }) {
  container.classList.add("latent-scene");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const words = find(".scene-words");
  const ends = [...container.querySelectorAll(".end")];
  const thumbs = ends.map((end) => end.querySelector("span").appendChild(createPixels()));
  const chooser = createChooser(find(".choose"), { session }, { n: 5, onPick: choose });
  const rows = WAYS.map(({ name, title: way }) => createRow(find(`[data-way=${name}] > div`), `Eleven pictures from t = 0 to 1: ${way}`));
  const large = WAYS.map(({ title: way }, i) => {
    const canvas = createPixels(`Enlarged picture at t: ${way}`);
    container.querySelectorAll(".three figure")[i].prepend(canvas);
    return canvas;
  });
  const paths = createPaths(find(".curve"), { onPick: (t) => move(Math.round(t * (N - 1))) });
  const map = createSmallMap(find(".map"), "Latent map with the line and the arc between the two images");
  const asking = createAsking({ session, store }, "interpolate", { show, pause: 60, stale: STALE });
  let about = null;
  let pair = [0, 1];
  let armed = 0; // the end that the strip sets
  let at = (N - 1) / 2;
  let lines = { frame: null, all: [] };
  let opened = ""; // data set and seed that a pair was chosen for

  // --- choosing -------------------------------------------------------------------------------------------------------------------
  const labels = () => view(newest(store), "latent", "points")?.arrays.label ?? null;

  function choose(index) {
    pair[armed] = index;
    armed = 1 - armed;
    ask();
  }

  /** Two test images of the same class, of two classes, or any two. */
  function draw(which) {
    const classes = labels();
    const n = view(newest(store), "latent", "points")?.shapes.xy[0] ?? 2;
    const any = () => Math.floor(Math.random() * n);
    pair[0] = any();
    const fits = (i) => i !== pair[0] && (which === "any" || !classes || (classes[i] === classes[pair[0]]) === (which === "same"));
    const all = Array.from({ length: n }, (_, i) => i).filter(fits);
    pair[1] = all[Math.floor(Math.random() * all.length)] ?? (pair[0] + 1) % n;
    ask();
  }

  function ask() {
    if (ready(store)) asking.ask({ a: pair[0], b: pair[1], n: N });
    show();
  }

  function move(to) {
    at = Math.max(0, Math.min(N - 1, to));
    show();
  }

  /** The first two test images of different classes. */
  function firstPair() {
    const classes = labels();
    const other = classes ? classes.findIndex((c) => c !== classes[0]) : 1;
    return [0, other > 0 ? other : 1];
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!about) return;
    const { frame } = asking;
    const [, , h, w] = view(frame, "interpolate", "pixels")?.shapes.pixels ?? [0, 0, 1, 1];
    if (lines.frame !== frame) {
      const curves = WAYS.map((way) => ({ ...way, ...view(frame, "nll", way.name)?.arrays }));
      lines = { frame, all: view(frame, "nll") ? curves : [] };
    }
    container.style.setProperty("--aspect", h / w);
    WAYS.forEach(({ name }, k) => {
      const shown = view(frame, "interpolate", name);
      rows[k].update(shown, { marked: at, n: N });
      paint(large[k], shown, at);
    });
    thumbs.forEach((canvas, k) => paint(canvas, view(frame, "interpolate", "pixels"), k * (N - 1)));
    ends.forEach((end, k) => {
      end.setAttribute("aria-pressed", armed === k);
      end.querySelector("small").textContent = `${nameOf(pair[k])}no ${pair[k]}`;
      end.setAttribute("aria-label", `${k ? "To" : "From"}: test image ${pair[k]}${armed === k ? ", the strip sets it" : ""}`);
    });
    chooser.mark(...pair);
    find("input[type=range]").value = at;
    find("input[type=range]").setAttribute("aria-valuetext", `t = ${fixed(at / (N - 1), 1)}`);
    find("h3").textContent = `At t = ${fixed(at / (N - 1), 1)}`;
    const left = find(".way > div").offsetLeft - find(".ends").offsetLeft;
    paths.update({ lines: lines.all, t: at / (N - 1), n: N, left });
    showMap(frame);
    words.textContent = sentence();
    container.classList.toggle("waiting", !frame);
    Object.assign(container.dataset, { a: asking.values?.a ?? "", b: asking.values?.b ?? "", step: frame?.step ?? "", at });
  }

  const nameOf = (index) => {
    const label = labels()?.[index];
    return label == null ? "" : `${about.set.classes[label] ?? label}, `;
  };

  function showMap(frame) {
    const [line, arc] = frame?.views.filter((v) => v.panel === "latent").map((v) => Array.from({ length: N }, (_, i) => [v.arrays.xy[2 * i], v.arrays.xy[2 * i + 1]])) ?? [];
    const drawn = line ? [{ places: line }, { places: arc, dash: [2, 3] }] : [];
    const names = line ? [{ place: line[0], words: "from" }, { place: line[N - 1], words: "to" }] : [];
    map.update({ points: view(newest(store), "latent", "points"), hasPrior: tab.hasPrior(about.config), axes: axesOf(about.config), paths: drawn, dot: line?.[at] ?? null, names });
  }

  /** What the curves say: how far each path rises above its higher end. */
  function sentence() {
    if (asking.refused) return asking.refused;
    if (!asking.frame) return ready(store) ? "Looking at the first pair." : "Nothing is trained yet. Press Train: then two test images are joined here, in latent space and pixel by pixel.";
    if (!lines.all.length) return `${elsewhere(store, asking.frame)}Step ${int(asking.frame.step)}: this objective has no posterior, so there is no bound on −log p; whether the pictures on the way look like data is left to the eye.`;
    const rise = (y) => Math.max(...y) - Math.max(y[0], y.at(-1));
    const [line, arc, pixels] = lines.all.map(({ y }) => Array.from(y));
    const [a, b] = [rise(line), rise(pixels)];
    const said = (v) => (v < 0.05 ? "nothing" : `${fixed(v, v < 10 ? 1 : 0)} nats`);
    const where = (y) => (rise(y) < 0.05 ? "" : ` (t ${fixed(y.indexOf(Math.max(...y)) / (N - 1), 1)})`);
    const why = b > 2 * a && b - a > 1 ? "Mixed pixels are less likely to the model than what it decodes on the way." : a > 2 * b && a - b > 1 ? "Here the latent line passes through less likely pictures than the mix of pixels." : "For this pair neither way is much the worse.";
    const apart = Math.max(...line.map((v, i) => Math.abs(v - arc[i])));
    return `${elsewhere(store, asking.frame)}Above its higher end −log p rises by ${said(b)}${where(pixels)} among the pixels, by ${said(a)}${where(line)} on the latent line. ${why} Line and arc differ by at most ${said(apart)}. IWAE-20${soft(about.config)}, seed 0, step ${int(asking.frame.step)}.`;
  }

  for (const [k, end] of ends.entries()) end.addEventListener("click", () => ((armed = k), show()));
  for (const button of container.querySelectorAll("[data-pair]")) button.addEventListener("click", () => draw(button.dataset.pair));
  find("input[type=range]").addEventListener("input", (event) => move(+event.target.value));

  return {
    update(next) {
      about = next;
      const classes = Boolean(next.set.classes.length);
      for (const button of container.querySelectorAll("[data-pair]")) button.hidden = button.dataset.pair !== "any" && !classes;
      if (asking.renew(next)) {
        const now = [next.config.dataset, next.config.seed].join();
        if (now !== opened) pair = firstPair();
        if (labels()) opened = now;
        chooser.renew(next.set, ready(store));
        ask();
      } else asking.again();
      show();
    },
  };
}
