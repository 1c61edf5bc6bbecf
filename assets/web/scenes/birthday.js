// The birthday test: how large must a batch be until two of its samples are alike? Where half of the batches hold two, about
// s (s − 1) / (2 ln 2) different samples are all there are. Beside it the same of real data, which repeat by chance too.
import { createTest } from "../ask/test.js";
import { boundsOf, fit, mapping } from "../camera.js";
import { fixed, fmt, int, percent } from "../format.js";
import { dashedAt, dot, drawAxes, planeOf } from "../plane.js";
import { createSurface } from "../surface.js";
import { draw as drawImages } from "../views/images.js";
import { draw as drawPoints } from "../views/points.js";
import { LABEL, hairline, plate } from "../views/text.js";

export const title = "Birthday test";

const FACTOR = 2; // between the two estimates: less is chance, each is good to about a fifth
const SIZES = [2, 5, 10, 20, 50, 100, 200, 400];
const RING = 10; // px around two points that are alike
const PAIR_GAP = 8;

export function create(container, { session, store }) {
  container.classList.add("scene-test");
  container.innerHTML = `<div class="halves"><figure class="chart"><figcaption><h3>Batches that hold two alike</h3><span class="legend model">samples</span><span class="legend dash">real data</span></figcaption><div class="plot"></div></figure>
    <section><h3 class="example"></h3><div class="pair-view"></div></section></div>
    <p class="scene-words"></p><div class="row"><button type="button" class="button small again"></button><span class="calm"></span></div>`;
  const find = (selector) => container.querySelector(selector);
  const chart = createSurface(find(".plot"), drawChart, { label: "Share of batches with two alike samples against the size of the batch" });
  const example = createSurface(find(".pair-view"), drawExample, { label: "Two samples that are alike" });
  const asked = createTest({ session, store, question: "birthday", button: find(".again"), changed: show });
  const caches = { model: new Map(), data: new Map() };
  let about = null;

  const views = (name) => asked.answer?.views.filter((v) => v.panel === "birthday" && v.name === name) ?? [];
  const of = (name, role) => views(name).find((v) => v.role === role);

  // --- the curve ------------------------------------------------------------------------------------------------------------------
  function drawChart(ctx, width, height, colors) {
    const [model, real] = ["model", "data"].map((role) => of("share", role)?.arrays);
    if (!model) return;
    const { half, longest } = asked.answer.metrics;
    const plot = planeOf(width, height, [Math.log(2), Math.log(longest)], [0, 1]);
    const marks = SIZES.filter((s) => s <= longest).map((s) => [Math.log(s), int(s)]);
    drawAxes(ctx, plot, { xName: "batch size s, log", yName: "P(two alike)", write: (v) => percent(v, 0), marks }, colors);
    line(ctx, plot, real, { color: colors.exact, width: 1.5, dash: [4, 3] });
    line(ctx, plot, model, { color: colors.accent, width: 2 });
    hairline(ctx, plot.left, plot.Y(0.5), plot.right, plot.Y(0.5), colors.lineStrong);
    if (half == null) return;
    const x = plot.X(Math.log(Math.max(2, half)));
    dashedAt(ctx, { ...plot, top: plot.Y(0.5) }, { x: Math.log(Math.max(2, half)) }, { ...colors, exact: colors.accent });
    dot(ctx, x, plot.Y(0.5), colors);
    const words = `s ${batchOf(half)}: ${estimate(asked.answer.metrics.support)}`;
    const left = x > (plot.left + plot.right) / 2;
    plate(ctx, words, left ? x - 10 : x + 10, plot.Y(0.5) + (left ? -13 : 13), { colors, align: left ? "right" : "left", color: colors.accent, font: LABEL, height: 16 });
  }

  // --- what is alike --------------------------------------------------------------------------------------------------------------
  function drawExample(ctx, width, height, colors) {
    if (of("pair", "model")) pairs(ctx, width, height, colors);
    else if (of("batch", "model")?.arrays.xy.length) batch(ctx, width, height, colors);
  }

  /** The batch that was drawn until two were alike, with these two ringed. */
  function batch(ctx, width, height, colors) {
    const bounds = boundsOf(about.backdrop, null);
    if (!bounds) return;
    const where = { ...mapping(fit(bounds, width, height), width), width, height, colors };
    const data = about.backdrop.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data");
    ctx.globalAlpha = 0.35;
    drawPoints(ctx, { ...data, arrays: { xy: data.arrays.xy.subarray(0, 800) } }, { ...where, options: { radius: 1.8 } });
    ctx.globalAlpha = 1;
    const found = of("batch", "model");
    drawPoints(ctx, found, { ...where, options: { radius: 3 } });
    const [x, y] = [where.X(found.arrays.xy.at(-2)), where.Y(found.arrays.xy.at(-1))];
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(x, y, RING, 0, 2 * Math.PI);
    ctx.stroke();
    const right = x < width / 2;
    plate(ctx, "these two", x + (right ? RING + 6 : -RING - 6), y, { colors, align: right ? "left" : "right", font: LABEL, height: 18, pad: 4, radius: 4 });
  }

  /** The two samples that are most alike above the two real images that are. */
  function pairs(ctx, width, height, colors) {
    const { metrics } = asked.answer;
    const rows = [["model", "Samples", metrics.pair, colors.accent], ["data", "Real", metrics["floor/pair"], colors.data]];
    const size = Math.floor(Math.min(132, (height - 2 * 26) / 2, (width - PAIR_GAP) / 2));
    rows.forEach(([role, words, distance, color], k) => {
      const y = k * (size + 26);
      plate(ctx, `${words}: ${percent(distance)} apart`, 2, y + 9, { colors, color, font: LABEL, alpha: 0 });
      const grid = { n: 2, cols: 2, rows: 1, scale: size / of("pair", role).shapes.pixels[3], gap: PAIR_GAP, period: 0, x: 0, y: y + 20, w: size, h: size };
      drawImages(ctx, of("pair", role), { colors, cache: caches[role], grid });
    });
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  const about2 = (support) => (support < 1.5 ? "one" : int(Number(support.toPrecision(2)))); // it is good to no more digits
  const estimate = (support) => `about ${about2(support)} different`;
  const batchOf = (half) => (half < 10 ? fixed(half, 1) : int(half));

  function sentence(m) {
    const real = m["floor/half"] == null ? `real data in none of up to ${int(m.longest)}` : `real data at ${batchOf(m["floor/half"])}, as if of ${about2(m["floor/support"])}`;
    const ratio = (m["floor/support"] ?? Infinity) / (m.support ?? Infinity);
    const verdict = m.support == null || ratio < 1 / FACTOR ? "late" : ratio > FACTOR ? "early" : "alike";
    container.dataset.verdict = verdict;
    const means = {
      early: "Samples repeat sooner than data do: G makes less variety than there is.",
      alike: "Within a factor of two: samples repeat about as soon as data do.",
      late: "Samples repeat later than data do: they are spread wider, which is no praise where the data are dense.",
    };
    const mine = m.support == null ? `Fewer than half of the batches of ${int(m.longest)} samples hold two alike` : `Half of the batches of ${batchOf(m.half)} samples hold two alike, as if G made ${estimate(m.support)} sample${m.support < 1.5 ? "" : "s"}`;
    return `${mine}; ${real}. ${means[verdict]} Step ${int(asked.answer.step)}, n\u00a0${int(m.n)} each, ${int(m.batches)} batches, seed\u00a0${int(m.seed)}; run\u00a0seed\u00a0${about.config.seed}.`;
  }

  function show() {
    const m = asked.answer?.metrics;
    const images = Boolean(of("pair", "model"));
    Object.assign(container.dataset, { seed: m ? m.seed : "", support: m?.support ?? "" });
    find(".halves").style.visibility = m ? "" : "hidden";
    const last = of("batch", "model")?.shapes.xy[0];
    find(".example").textContent = images ? "Most alike" : last ? `Drawn until two were alike: ${int(last)}` : "No two were alike";
    find(".scene-words").textContent = asked.refused || (m ? sentence(m) : about?.started ? "Drawing samples and comparing all pairs." : "Nothing trained yet: train first.");
    const close = m && (images ? `${percent(m.close)} of the range per pixel, root mean square` : `${fmt(m.close, 2)} in data space`);
    find(".calm").textContent = m ? `Alike: within ${close}; half of the batches of ${int(m.n / 10)} other real examples hold two as close. Support at P = ½: s (s − 1) ÷ 2 ln 2, if all samples are as likely.` : "";
    chart.schedule();
    example.schedule();
  }

  return {
    update(next) {
      about = next;
      asked.update(next);
      show();
    },
  };
}

function line(ctx, { X, Y }, { x, y }, { color, width, dash = [] }) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.lineJoin = "round";
  ctx.setLineDash(dash);
  ctx.beginPath();
  x.forEach((s, i) => ctx.lineTo(X(Math.log(s)), Y(y[i])));
  ctx.stroke();
  ctx.setLineDash([]);
}
