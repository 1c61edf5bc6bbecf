// Are samples copies? Samples above their nearest images among those trained on and among those held out; and how much nearer the
// trained-on ones are, beside the same of held-out images, which cannot have been copied.
import { createTest } from "../ask/test.js";
import { rgba } from "../colors.js";
import { fixed, int, percent } from "../format.js";
import { dashedAt, drawAxes, planeOf } from "../plane.js";
import { createSurface } from "../surface.js";
import { draw as drawImages } from "../views/images.js";
import { LABEL, TICK, plate } from "../views/text.js";

export const title = "Nearest neighbours";
export const kinds = ["image"];

const STRIPS = [
  { name: "samples", words: "Sample" },
  { name: "trained", words: "Trained on", to: "to trained" },
  { name: "held", words: "Held out", to: "to held" },
];
const NAMES = 70; // px on the left for the names of the strips
const GAP = 4;
const UNDER = 15; // px for a distance under an image
const BETWEEN = 14; // px between two bands of strips
const NARROW = 520; // px below which the samples stand in two bands
const LARGEST = 46; // px of an image
const SURE = 3; // standard errors
const OFTEN = 0.03; // of the samples: more copies than this beyond those among real images are no chance
const TIMES = [[-2, "¼"], [-1, "½"], [0, "1"], [1, "2"], [2, "4"]];

export function create(container, { session, store }) {
  container.classList.add("scene-test");
  container.innerHTML = `<div class="strips"></div>
    <p class="scene-words"></p>
    <div class="beside"><figure class="chart"><figcaption><h3>Nearer to which?</h3><span class="legend block model">samples</span><span class="legend dash">held-out images</span></figcaption><div class="plot"></div></figure>
    <div class="side"><table></table><button type="button" class="button small again"></button></div></div>
    <p class="calm"></p>`;
  const find = (selector) => container.querySelector(selector);
  const strips = createSurface(find(".strips"), drawStrips, { label: "Samples and their nearest images" });
  const chart = createSurface(find(".plot"), drawChart, { label: "How much nearer images trained on are than images held out" });
  const caches = new Map();
  const asked = createTest({ session, store, question: "neighbours", button: find(".again"), changed: show });
  let about = null;

  const view = (name) => asked.answer?.views.find((v) => v.panel === "neighbours" && v.name === name);

  // --- the images -----------------------------------------------------------------------------------------------------------------
  function drawStrips(ctx, width, height, colors) {
    const all = STRIPS.map(({ name }) => view(name));
    if (!all[0]) return;
    const n = all[0].shapes.pixels[0];
    const bands = width < NARROW ? 2 : 1;
    const cols = n / bands;
    const size = Math.min(LARGEST, Math.floor((width - NAMES - (cols - 1) * GAP) / cols));
    const band = STRIPS.length * (size + GAP) + 2 * UNDER;
    const wanted = `${bands * band + (bands - 1) * BETWEEN}px`;
    if (find(".strips").style.height !== wanted) return void (find(".strips").style.height = wanted); // drawn again in that size
    for (let b = 0; b < bands; b++) {
      let y = b * (band + BETWEEN);
      STRIPS.forEach((strip, k) => {
        drawStrip(ctx, part(all[k], b * cols, cols), { strip, y, size, cols, first: b * cols, key: `${k} ${b}` }, colors);
        y += size + GAP + (strip.to ? UNDER : 0);
      });
    }
  }

  function drawStrip(ctx, images, { strip, y, size, cols, first, key }, colors) {
    const [, , h, w] = images.shapes.pixels;
    if (!caches.has(key)) caches.set(key, new Map());
    const grid = { n: cols, cols, rows: 1, scale: size / Math.max(w, h), gap: GAP, period: 0, x: NAMES, y, w: size, h: size };
    drawImages(ctx, images, { colors, cache: caches.get(key), grid });
    ctx.font = LABEL;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillStyle = strip.to ? colors.data : colors.accent;
    ctx.fillText(strip.words, 0, y + size / 2);
    if (!strip.to) return;
    const [own, other] = [strip.to, strip.to === "to trained" ? "to held" : "to trained"].map((name) => view(name).arrays.y);
    ctx.font = TICK;
    ctx.textAlign = "center";
    for (let i = 0; i < cols; i++) {
      ctx.fillStyle = own[first + i] <= other[first + i] ? colors.ink : colors.ink3;
      ctx.fillText(String(Math.round(100 * own[first + i])), NAMES + i * (size + GAP) + size / 2, y + size + UNDER / 2 + 1);
    }
  }

  // --- the histogram --------------------------------------------------------------------------------------------------------------
  function drawChart(ctx, width, height, colors) {
    const [samples, real] = ["samples lean", "held-out lean"].map((name) => view(name)?.arrays);
    if (!samples) return;
    const half = (samples.x[1] - samples.x[0]) / 2;
    const top = Math.max(...samples.y, ...real.y) * 1.18;
    const plot = planeOf(width, height, [-2, 2], [0, top]);
    drawAxes(ctx, plot, { xName: "distance to trained-on ÷ to held-out, log", yName: "share", write: (v) => percent(v, 0), marks: TIMES }, colors);
    const outline = (y) => {
      const path = new Path2D();
      path.moveTo(plot.left, plot.bottom);
      y.forEach((share, i) => [-half, half].forEach((side) => path.lineTo(plot.X(samples.x[i] + side), plot.Y(share))));
      path.lineTo(plot.right, plot.bottom);
      return path;
    };
    const model = outline(samples.y);
    ctx.fillStyle = rgba(colors.accent, 0.14);
    ctx.fill(model);
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 2;
    ctx.stroke(model);
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    ctx.setLineDash([4, 3]);
    ctx.stroke(outline(real.y));
    ctx.setLineDash([]);
    dashedAt(ctx, plot, { x: 0 }, { ...colors, exact: colors.ink3 });
    plate(ctx, "trained on nearer", plot.X(0) - 8, plot.top + 6, { colors, align: "right", color: colors.ink3 });
    plate(ctx, "held out nearer", plot.X(0) + 8, plot.top + 6, { colors, align: "left", color: colors.ink3 });
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  function table(m) {
    const rows = [
      ["Trained on nearer", "toward", "share that lies nearer to images trained on than to as many held out"],
      ["Copies", "copies", "share whose nearest trained-on image is less than a third as far as the nearest held-out one"],
      ["Median, trained on", "to_trained", "distance to the nearest of as many images trained on as are held out"],
      ["Median, held out", "to_held", "distance to the nearest image held out"],
    ];
    const cells = ([words, name, help]) => `<tr title="${help}"><td>${words}</td><td>${percent(m[name])}</td><td>${percent(m[`floor/${name}`])}</td></tr>`;
    find("table").innerHTML = `<thead><tr><th></th><th>samples</th><th>held-out</th></tr></thead><tbody>${rows.map(cells).join("")}</tbody>`;
  }

  function sentence(m) {
    const z = (m.toward - m["floor/toward"]) / Math.max(Math.hypot(m.error, m["floor/error"]), 1e-9);
    const extra = m.copies - m["floor/copies"];
    const verdict = extra > OFTEN ? "copies" : z > SURE ? "leans" : "clear";
    container.dataset.verdict = verdict;
    const means = {
      copies: `${percent(m.copies, 0)} of samples are copies: less than a third as far from an image trained on as from any held out; of held-out images ${percent(m["floor/copies"], 1)} are.`,
      leans: "Samples lean towards the very images G was trained on.",
      clear: z > 2 ? "No clear sign of copying." : "No sign of copying.",
    };
    const difference = `${fixed(Math.abs(z), 1)} standard errors ${z < 0 ? "less" : "more"}`;
    const pools = `Between pools of ${int(m.held)} each, ${percent(m.toward, 0)} of samples lie nearer to one trained on; so do ${percent(m["floor/toward"], 0)} of held-out images, which G never saw: ${difference}.`;
    return `${means[verdict]} ${pools} n\u00a0${int(m.n)} and ${int(m["floor/n"])}, seed\u00a0${int(m.seed)}.`;
  }

  function show() {
    const m = asked.answer?.metrics;
    container.dataset.seed = m ? m.seed : "";
    for (const part of [".strips", ".chart", "table"]) find(part).hidden = !m;
    if (m) table(m);
    find(".scene-words").textContent = asked.refused || (m ? sentence(m) : about?.started ? "Drawing 1,000 samples and looking for their neighbours." : "Nothing trained yet: train first.");
    find(".calm").textContent = m ? `Step ${int(asked.answer.step)} of the run with seed ${about.config.seed}; its first 16 samples, not chosen. Nearest of ${int(m.trained)} trained on and ${int(m.held)} held out; the nearer one in ink, which the larger pool favours. Distance: root mean square of the pixels, % of their range: a copy is one in pixels.` : "";
    strips.schedule();
    chart.schedule();
  }

  return {
    update(next) {
      about = next;
      asked.update(next);
      show();
    },
  };
}

/** Some of a view's images, in a row. */
function part(images, from, count) {
  const [n, ...shape] = images.shapes.pixels;
  const each = images.arrays.pixels.length / n;
  const kept = `${from} ${count}`;
  images.parts ??= new Map();
  if (!images.parts.has(kept)) images.parts.set(kept, { ...images, arrays: { pixels: images.arrays.pixels.subarray(from * each, (from + count) * each) }, shapes: { pixels: [count, ...shape] } });
  return images.parts.get(kept);
}
