// Small things that the scenes about distributions share: a grid of examples, a number beside its bar, words about the data.
import { createSurface } from "../../surface.js";
import { boundsOf, fit, mapping } from "../../camera.js";
import { draw as drawImages } from "../../views/images.js";
import { draw as drawPoints } from "../../views/points.js";

const GAP = 2; // px between two images

/**
 * Examples in a square: images in a grid that fills it, or points in the plane of the data.
 * @param {HTMLElement} container @param {string} label
 * @returns {{update: (view: object|null, options?: {n?: number, backdrop?: object|null}) => void}}
 */
export function createExamples(container, label) {
  const surface = createSurface(container, draw, { label });
  const cache = new Map();
  let [view, count, backdrop] = [null, 64, null];

  function draw(ctx, width, height, colors) {
    if (view?.type === "images") images(ctx, width, height, colors);
    if (view?.type === "points") points(ctx, width, height, colors);
  }

  function images(ctx, width, height, colors) {
    const [n, , h, w] = view.shapes.pixels;
    const shown = Math.min(n, count);
    const sizeOf = (cols) => Math.min((width - (cols - 1) * GAP) / (cols * w), (height - (Math.ceil(shown / cols) - 1) * GAP) / (Math.ceil(shown / cols) * h));
    const cols = Array.from({ length: shown }, (_, i) => i + 1).reduce((best, k) => (sizeOf(k) > sizeOf(best) ? k : best), 1);
    const [rows, scale] = [Math.ceil(shown / cols), sizeOf(cols)];
    const [iw, ih] = [w * scale, h * scale];
    const [x, y] = [(width - cols * iw - (cols - 1) * GAP) / 2, (height - rows * ih - (rows - 1) * GAP) / 2];
    drawImages(ctx, view, { colors, cache, grid: { n: shown, cols, rows, scale, gap: GAP, period: 0, x, y, w: iw, h: ih } });
  }

  function points(ctx, width, height, colors) {
    const bounds = boundsOf(backdrop, null);
    if (!bounds) return;
    drawPoints(ctx, view, { ...mapping(fit(bounds, width, height), width), width, height, colors, options: { radius: 2 } });
  }

  return {
    update(next, options = {}) {
      [view, count, backdrop] = [next, options.n ?? count, options.backdrop ?? null];
      surface.schedule();
    },
  };
}

/**
 * Decoded points of two-dimensional data, joined in their order, over the data.
 * @returns {{update: (view: object|null, backdrop: object|null) => void}}
 */
export function createPath(container, label) {
  const surface = createSurface(container, draw, { label });
  let [view, backdrop] = [null, null];

  function draw(ctx, width, height, colors) {
    const bounds = boundsOf(backdrop, null);
    const data = backdrop?.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data");
    if (view?.type !== "points" || !bounds || !data) return;
    const at = mapping(fit(bounds, width, height), width);
    ctx.globalAlpha = 0.5;
    drawPoints(ctx, { ...data, arrays: { xy: data.arrays.xy.subarray(0, 1200) } }, { ...at, width, height, colors, options: { radius: 1.6 } });
    ctx.globalAlpha = 1;
    const { xy } = view.arrays;
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    for (let i = 0; i < xy.length; i += 2) ctx.lineTo(at.X(xy[i]), at.Y(xy[i + 1]));
    ctx.stroke();
    drawPoints(ctx, view, { ...at, width, height, colors, options: { radius: 4.5 } });
  }

  return {
    update(next, ground) {
      if (next === view && ground === backdrop) return;
      [view, backdrop] = [next, ground];
      surface.schedule();
    },
  };
}

/** A number, its bar from zero to `most`, and a dashed tick at `line`. @returns {string} HTML */
export function gauge(words, value, { most, line = null }) {
  const at = (v) => `${Math.max(0, Math.min(100, (100 * v) / most)).toFixed(2)}%`;
  const bar = value == null ? "" : `<i style="width:${at(value)}"></i>`;
  return `<span class="gauge">${bar}${line == null ? "" : `<s style="left:${at(line)}"></s>`}</span><b>${words}</b>`;
}

/** What images are called: "digits", "images", "points". */
export const plural = (set) => (set.kind === "2d" ? "points" : ["mnist", "digits"].includes(set.key) ? "digits" : "images");

/** "soft" pixels are no draws of a Bernoulli: what is called a likelihood of them is none. */
export const caveat = ({ likelihood, binarisation }, set) =>
  set.kind !== "2d" && likelihood === "bernoulli" && binarisation === "soft" ? " Grey pixels under a Bernoulli: no true likelihood, so compare such nats only with each other." : "";
