// What D says of data and of samples, as two histograms over the same bins: the further they overlap, the less D can tell them apart.
import { Range } from "../axes.js";
import { rgba } from "../colors.js";
import { fixed, int, percent } from "../format.js";
import { dashedAt, drawAxes, planeOf } from "../plane.js";
import { createSurface, slowLabel } from "../surface.js";
import { plate } from "../views/text.js";

export const title = "Predictions";

const N_POINTS = 1000; // of data and of samples in two dimensions
const CLOSE = 0.9; // of the overlap that two draws of the same would have: D can hardly tell
const APART = 0.1;

/** What a D that cannot tell would say, null where only differences count. */
const undecided = ({ objective, label_smoothing: s }, labelled) => (labelled.includes(objective) ? (1 - s) / 2 : objective === "hinge" ? 0.5 : null);

/**
 * The two histograms of a picture and what follows from them.
 * @returns {{x: Float32Array, real: Float32Array, fake: Float32Array, width: number, overlap: number, means: number[], n: number}|null}
 */
function measure(frame) {
  const find = (name) => frame?.views.find((v) => v.panel === "predictions" && v.name === name)?.arrays;
  const [real, fake] = [find("real"), find("fake")];
  if (!real || !fake) return null;
  const x = real.x;
  const sum = (f) => x.reduce((total, _, i) => total + f(i), 0);
  return {
    x,
    real: real.y,
    fake: fake.y,
    width: x[1] - x[0],
    overlap: sum((i) => Math.min(real.y[i], fake.y[i])),
    means: [real.y, fake.y].map((y) => sum((i) => x[i] * y[i])),
  };
}

export function create(container, { family }) {
  container.innerHTML = `<figure class="chart"><figcaption><h3></h3><span class="legend block data">data</span><span class="legend block model">samples</span><span class="legend dash">cannot tell</span></figcaption><div class="plot"></div></figure><p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const range = new Range();
  const surface = createSurface(find(".plot"), draw, { label: "Histograms of what D says of data and of samples" });
  const spoken = slowLabel(surface.canvas);
  let about = null;
  let seen = null; // {source, ...measure}
  let run = "";

  function draw(ctx, width, height, colors) {
    if (!seen) return;
    const critic = undecided(about.config, family.labelled) == null;
    const half = seen.width / 2;
    const tidy = (v) => Math.round(v * 1e6) / 1e6; // the middles of bins are not quite what they were before they travelled
    const plot = planeOf(width, height, [seen.x[0] - half, seen.x.at(-1) + half].map(tidy), [0, Math.min(1, range.hi)]);
    const xName = critic ? "critic: how real, relative to others" : "D(x): how likely real";
    drawAxes(ctx, plot, { xName, yName: "share of examples", write: (v) => percent(v, v > 0 && v < 0.0995 ? 1 : 0) }, colors);
    bars(ctx, seen.real, plot, { fill: rgba(colors.data, colors.dark ? 0.45 : 0.4), stroke: colors.data, line: 1 });
    bars(ctx, seen.fake, plot, { fill: rgba(colors.accent, 0.14), stroke: colors.accent, line: 2 });
    const line = undecided(about.config, family.labelled);
    if (line != null) dashedAt(ctx, plot, { x: line, label: `cannot tell: ${fixed(line, line === 0.5 ? 1 : 2)}` }, colors);
    else means(ctx, plot, colors);
  }

  /** The outline of a histogram, from the left edge to the right. */
  function bars(ctx, shares, plot, { fill, stroke, line }) {
    const path = new Path2D();
    const half = seen.width / 2;
    path.moveTo(plot.X(seen.x[0] - half), plot.bottom);
    shares.forEach((share, i) => {
      path.lineTo(plot.X(seen.x[i] - half), plot.Y(share));
      path.lineTo(plot.X(seen.x[i] + half), plot.Y(share));
    });
    path.lineTo(plot.X(seen.x.at(-1) + half), plot.bottom);
    ctx.fillStyle = fill;
    ctx.fill(path);
    ctx.strokeStyle = stroke;
    ctx.lineWidth = line;
    ctx.stroke(path);
  }

  /** A critic has no threshold; what counts is how far the means are apart. */
  function means(ctx, { X, top, bottom }, colors) {
    const words = ["mean of data", "mean of samples"];
    const right = seen.means[0] >= seen.means[1];
    seen.means.forEach((mean, k) => {
      ctx.strokeStyle = k ? colors.accent : colors.data;
      ctx.lineWidth = 1.25;
      ctx.setLineDash([1, 2]);
      ctx.beginPath();
      ctx.moveTo(X(mean), top);
      ctx.lineTo(X(mean), bottom);
      ctx.stroke();
      ctx.setLineDash([]);
      const after = right === (k === 0);
      plate(ctx, words[k], X(mean) + (after ? 5 : -5), top + 7, { colors, align: after ? "left" : "right", color: k ? colors.accent : colors.data });
    });
  }

  /** The overlap that two draws of the same n examples would have on average, bins taken as independent. */
  function expected() {
    const n = examples();
    return 1 - seen.x.reduce((sum, _, i) => {
      const p = (seen.real[i] + seen.fake[i]) / 2;
      return sum + Math.sqrt((p * (1 - p)) / (Math.PI * n));
    }, 0);
  }

  /** How many of each kind D was asked about: on images those on the stage, as packs. */
  function examples() {
    const real = about.backdrop?.views.find((v) => v.panel === "stage" && v.type === "images");
    return real ? Math.floor(real.shapes.pixels[0] / about.config.pack) : N_POINTS;
  }

  function words() {
    const { config, step } = about;
    const best = expected();
    const part = seen.overlap / best;
    const tells = part >= CLOSE ? "D can hardly tell them apart." : part <= APART ? "D tells almost all of them apart." : "D tells some of them apart.";
    const overlap = `The histograms overlap by ${percent(seen.overlap, 0)}; two draws of the same data would by ${percent(best, 0)} (n\u00a0${int(examples())} each). ${tells}`;
    const right = about.seen.value("d_accuracy", step);
    const batch = `n\u00a0${int(config.batch / config.pack)}\u00a0+\u00a0${int(config.batch / config.pack)}`;
    const critic = undecided(config, family.labelled) == null;
    const lead = `On average data stand ${fixed(seen.means[0] - seen.means[1], 2)} above samples: a critic has no threshold, only differences count.`;
    if (right == null) return `${critic ? `${lead} ` : ""}${overlap}`;
    const accuracy = critic ? `Step ${int(step)}: the data's value was the higher one in ${percent(right, 0)} of the batch's pairs.` : `Step ${int(step)}: D was right on ${percent(right, 0)} of its batch, ${batch}.`;
    return `${overlap} ${critic ? `${lead} ` : ""}${accuracy}`;
  }

  return {
    update(next) {
      about = next;
      if (seen?.source !== next.frame) seen = { source: next.frame, ...measure(next.frame) };
      if (!seen.x) seen = null;
      const now = [next.config.dataset, next.config.objective, next.config.seed].join();
      if (now !== run) range.reset();
      run = now;
      if (seen) range.include([...seen.real, ...seen.fake]);
      find("h3").textContent = `What D says, step ${int(next.step)}`;
      find(".legend.dash").hidden = undecided(next.config, family.labelled) == null;
      find(".scene-words").textContent = seen ? words() : "Nothing to show yet: train first.";
      if (seen) Object.assign(container.dataset, { overlap: seen.overlap, real: seen.real.reduce((a, b) => a + b, 0), fake: seen.fake.reduce((a, b) => a + b, 0) });
      if (seen) spoken(`What D says of data and of samples, step ${int(next.step)}: overlap ${percent(seen.overlap, 0)}`);
      surface.schedule();
    },
  };
}
