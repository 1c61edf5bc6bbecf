// Where one word of a caption was looked up: a map of attention over the image that was drawn.
import { rgb } from "../../colors.js";
import { paint } from "../../latent/scenes/pixels.js";

const INK = 0.3; // from which a pixel belongs to what was drawn
const FULL = 2; // times the mean of all cells: the full colour

/** Brightness of a byte or float pixel in [0, 1], and how much ink it holds: what is bright in grey images, what is not white in colour. */
function inkOf(image) {
  const [, channels, h, w] = image.shapes.pixels;
  const { pixels } = image.arrays;
  const light = pixels instanceof Uint8Array ? (i) => pixels[i] / 255 : (i) => (pixels[i] + 1) / 2;
  return channels === 3 ? (i) => 1 - Math.min(light(i), light(i + h * w), light(i + 2 * h * w)) : light;
}

const unitOf = (heat) => (heat.arrays.values instanceof Uint8Array ? (heat.hi - heat.lo) / 255 : 1); // maps travel as bytes, their lo is 0

/**
 * The image's ink faint, the map in the accent, nothing where a cell gave less than half the mean.
 * @param {HTMLCanvasElement} canvas @param {object|null} image its first picture @param {object|null} heat @param {import("../../colors.js").Colors} colors
 */
export function overlay(canvas, image, heat, colors) {
  if (!image || !heat) return paint(canvas, null);
  const [, , h, w] = image.shapes.pixels;
  const [rows, cols] = heat.shapes.values;
  const [inked, unit] = [inkOf(image), unitOf(heat)];
  const [ground, ink, accent] = [colors.surface, colors.ink, colors.accent].map(rgb);
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const out = new ImageData(w, h);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const i = y * w + x;
      // row 0 of a map is its lowest
      const value = unit * between(heat.arrays.values, rows, cols, rows - 1 - ((y + 0.5) * rows) / h + 0.5, ((x + 0.5) * cols) / w - 0.5);
      const tint = 0.75 * Math.max(0, Math.min(1, (value - 0.5) / (FULL - 0.5)));
      for (let c = 0; c < 3; c++) {
        const base = ground[c] + (accent[c] - ground[c]) * tint;
        out.data[4 * i + c] = base + (ink[c] - base) * 0.55 * inked(i);
      }
      out.data[4 * i + 3] = 255;
    }
  }
  return canvas.getContext("2d").putImageData(out, 0, 0);
}

/** The box around the ink of the first picture, {top, left, bottom, right} as parts of the sides, and its area; null without ink. */
export function boxOf(image) {
  const [, , h, w] = image.shapes.pixels;
  const inked = inkOf(image);
  let [top, left, bottom, right] = [h, w, 0, 0];
  for (let i = 0; i < h * w; i++) {
    if (inked(i) <= INK) continue;
    const [y, x] = [Math.floor(i / w), i % w];
    [top, left, bottom, right] = [Math.min(top, y), Math.min(left, x), Math.max(bottom, y + 1), Math.max(right, x + 1)];
  }
  if (bottom <= top) return null;
  return { top: top / h, left: left / w, bottom: bottom / h, right: right / w, area: ((bottom - top) * (right - left)) / (h * w) };
}

/** The part of a map that lies in a box, cells cut by its edge counted for the part inside. */
export function shareIn(heat, box) {
  const [rows, cols] = heat.shapes.values;
  const over = (i, n, from, to) => Math.max(0, Math.min((i + 1) / n, to) - Math.max(i / n, from)) * n;
  let [inside, all] = [0, 0];
  for (let i = 0; i < rows * cols; i++) {
    const [r, c] = [rows - 1 - Math.floor(i / cols), i % cols]; // row 0 of a map is its lowest
    const value = heat.arrays.values[i];
    all += value;
    inside += value * over(r, rows, box.top, box.bottom) * over(c, cols, box.left, box.right);
  }
  return all ? inside / all : 0;
}

/** Bilinear. */
function between(values, rows, cols, r, c) {
  const [y, x] = [Math.max(0, Math.min(rows - 1, r)), Math.max(0, Math.min(cols - 1, c))];
  const [y0, x0] = [Math.min(rows - 2, Math.floor(y)), Math.min(cols - 2, Math.floor(x))];
  const at = (i, j) => values[i * cols + j];
  const [fy, fx] = [y - y0, x - x0];
  return (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x0 + 1)) + fy * ((1 - fx) * at(y0 + 1, x0) + fx * at(y0 + 1, x0 + 1));
}
