// Images: a grid of crisp pixels that fills its box, grey or RGB. If the labels go round in a circle, the columns follow them and carry
// the class on top. One image may be held up: enlarged, with its number and class.
import { LABEL, TICK, plate } from "./text.js";

const LENS = 120; // px of the enlarged image, at least
const FULL = 1.25; // times the size that a grid without an orphan in its last row is worth
const HEADING = 16; // px for the classes above the columns

/** How long the labels take to repeat: label[i] = i mod period; 0 if they do not. */
function periodOf(label) {
  if (!label?.length) return 0;
  const period = Math.max(...label) + 1;
  return period > 1 && label.length >= period && label.every((c, i) => c === i % period) ? period : 0;
}

/** Columns and scale that make n images of w x h largest in a box. A whole number of device pixels per pixel is worth a little size, a full
 *  last row more. */
function fit(n, w, h, width, height, gap, density, period, columns = 0) {
  let best = null;
  for (let cols = columns || 1; cols <= (columns || n); cols++) {
    const rows = Math.ceil(n / cols);
    const free = Math.min((width - (cols - 1) * gap) / (cols * w), (height - (rows - 1) * gap) / (rows * h));
    const whole = Math.floor(free * density) / density;
    const scale = whole >= 0.8 * free ? whole : free;
    const worth = scale * (period && cols % period === 0 ? 1.3 : 1) * (n % cols === 0 ? FULL : 1);
    if (scale > 0 && (!best || worth > best.worth)) best = { cols, rows, scale, worth };
  }
  return best;
}

/**
 * Where each image stands, left and top in its box.
 * @param {import("../decode.js").View} view
 * @param {{x?: number, y?: number, width: number, height: number, options?: {scale?: number, gap?: number, columns?: number}}} frame box in px; a given `scale`
 *   keeps the images at that size and shows as many as fit
 * @returns {{n: number, cols: number, rows: number, scale: number, gap: number, period: number, x: number, y: number, w: number, h: number, width: number, height: number}|null}
 */
export function layout(view, { x = 0, y = 0, width, height, options = {} }, density = globalThis.devicePixelRatio || 1) {
  const [count, , h, w] = view.shapes.pixels;
  const gap = options.gap ?? (width < 400 ? 2 : 3);
  const period = options.scale ? 0 : periodOf(view.arrays.label);
  const top = period ? HEADING : 0;
  const best = options.scale ? pack(count, w, h, width, height, gap, options.scale) : fit(count, w, h, width, height - top, gap, density, period, options.columns);
  if (!best) return null;
  const { cols, rows, scale } = best;
  const snap = (v, round = Math.round) => round(v * density + 1e-6) / density;
  const grid = { n: Math.min(count, cols * rows), cols, rows, scale, gap, w: snap(w * scale, Math.floor), h: snap(h * scale, Math.floor), x: snap(x), y: snap(y + top) };
  grid.period = period && cols % period === 0 ? period : 0;
  grid.width = cols * grid.w + (cols - 1) * gap;
  grid.height = rows * grid.h + (rows - 1) * gap;
  return grid;
}

/** Columns and rows of images of a given size that fit into a box. */
function pack(n, w, h, width, height, gap, scale) {
  const cols = Math.min(n, Math.floor((width + gap) / (w * scale + gap)));
  const rows = cols && Math.min(Math.ceil(n / cols), Math.floor((height + gap) / (h * scale + gap)));
  return cols && rows ? { cols, rows, scale } : null;
}

const place = (grid, i) => ({ x: grid.x + (i % grid.cols) * (grid.w + grid.gap), y: grid.y + Math.floor(i / grid.cols) * (grid.h + grid.gap) });

/** Which image is at (px, py): its index, or -1. @param {ReturnType<typeof layout>} grid */
export function hit(grid, px, py) {
  const col = Math.floor((px - grid.x) / (grid.w + grid.gap));
  const row = Math.floor((py - grid.y) / (grid.h + grid.gap));
  const i = row * grid.cols + col;
  return col >= 0 && col < grid.cols && row >= 0 && i < grid.n ? i : -1;
}

/** All images side by side, one canvas pixel per pixel: n x w wide. */
function film(view, canvas) {
  const [n, c, h, w] = view.shapes.pixels;
  const { pixels } = view.arrays;
  const floats = !(pixels instanceof Uint8Array);
  canvas.width = n * w;
  canvas.height = h;
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(n * w, h);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < h * w; k++) {
      const o = 4 * (Math.floor(k / w) * n * w + i * w + (k % w));
      for (let channel = 0; channel < 3; channel++) {
        const v = pixels[(i * c + (c === 3 ? channel : 0)) * h * w + k];
        image.data[o + channel] = floats ? (v + 1) * 127.5 : v;
      }
      image.data[o + 3] = 255;
    }
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view
 * @param {{x?: number, y?: number, width: number, height: number, colors: object, cache?: Map<string, object>, slot?: string, grid?: ReturnType<typeof layout>}} frame
 *   the box to fill, or a `grid` laid out before; `slot` under which it is kept, where two views have one role
 * @returns {ReturnType<typeof layout>} for `hit` and `enlarge`
 */
export function draw(ctx, view, frame) {
  const { colors, cache = new Map() } = frame;
  const grid = frame.grid ?? layout(view, frame, ctx.getTransform().a);
  if (!grid) return null;
  const slot = frame.slot ?? view.role;
  const kept = cache.get(slot) ?? { canvas: document.createElement("canvas") };
  if (kept.view !== view) film(view, kept.canvas);
  cache.set(slot, Object.assign(kept, { view }));
  const [, , h, w] = view.shapes.pixels;
  ctx.imageSmoothingEnabled = grid.scale * ctx.getTransform().a < 1;
  for (let i = 0; i < grid.n; i++) {
    const at = place(grid, i);
    ctx.drawImage(kept.canvas, i * w, 0, w, h, at.x, at.y, grid.w, grid.h);
  }
  if (grid.period) headings(ctx, grid, colors);
  return Object.assign(grid, { film: kept.canvas });
}

/** The class above each column. */
function headings(ctx, grid, colors) {
  ctx.font = grid.w < 18 ? TICK : LABEL;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink2;
  for (let col = 0; col < grid.cols; col++) ctx.fillText(String(col % grid.period), place(grid, col).x + grid.w / 2, grid.y - HEADING / 2);
}

/** Hold image i up: larger, beside its place, with number and class. Drawn last, within width x height. */
export function enlarge(ctx, view, grid, i, { width, height, colors }) {
  const [, , h, w] = view.shapes.pixels;
  const scale = Math.max(2, Math.ceil(LENS / Math.max(w, h)));
  const [bw, bh] = [w * scale, h * scale];
  const at = place(grid, i);
  const beside = at.x + grid.w + 8 + bw + 4 < width ? at.x + grid.w + 8 : at.x - 8 - bw;
  const x = Math.round(Math.max(4, Math.min(width - bw - 4, beside)));
  const y = Math.round(Math.max(4, Math.min(height - bh - 26, at.y + grid.h / 2 - bh / 2)));
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 2;
  ctx.strokeRect(at.x - 1, at.y - 1, grid.w + 2, grid.h + 2);
  ctx.fillStyle = colors.surface;
  ctx.beginPath();
  ctx.roundRect(x - 4, y - 4, bw + 8, bh + 28, 6);
  ctx.fill();
  ctx.strokeStyle = colors.lineStrong;
  ctx.lineWidth = 1;
  ctx.stroke();
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(grid.film, i * w, 0, w, h, x, y, bw, bh);
  const label = view.arrays.label;
  plate(ctx, `${i + 1} of ${grid.n}${label ? ` · class ${label[i]}` : ""}`, x + bw / 2, y + bh + 12, { colors, align: "center", alpha: 0, color: colors.ink2 });
}
