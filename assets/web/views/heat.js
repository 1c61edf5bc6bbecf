// Heat: a scalar on a grid as two tints that fade into the ground at the middle of the range, low towards the model's colour and high
// towards the data's. The map is continued to the edges of the stage; a thin line marks the contour. Light enough to carry points.
import { mix, rgb, rgba } from "../colors.js";
import { contours } from "./contour.js";

const LOW = { light: 0.17, dark: 0.22 }; // how much of the model's colour at the bottom of the range
const HIGH = { light: 0.42, dark: 0.5 }; // how much of the data's colour at the top
const MAX_PAD = 256; // cells by which a map is continued at most

/** The colour of level t in 0..1 (0 generated, 1 real), [r, g, b]. */
export function ramp(colors) {
  const theme = colors.dark ? "dark" : "light";
  const ground = rgb(colors.surface);
  const low = mix(colors.surface, colors.accent, LOW[theme]);
  const high = mix(colors.surface, colors.data, HIGH[theme]);
  return (t) => {
    const end = t < 0.5 ? low : high;
    const amount = Math.min(1, 2 * Math.abs(t - 0.5));
    return ground.map((v, i) => v + (end[i] - v) * amount);
  };
}

/** 256 colours as pixels. */
function table(colors) {
  const color = ramp(colors);
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let level = 0; level < 256; level++) bytes.set([...color(level / 255), 255], 4 * level);
  return new Uint32Array(bytes.buffer);
}

/** Values as levels 0..255: bytes as they travel, or floats scaled over [lo, hi]. */
function levels({ arrays: { values }, lo, hi }) {
  if (values instanceof Uint8Array) return values;
  const scale = hi > lo ? 255 / (hi - lo) : 0;
  return Uint8ClampedArray.from(values, (v) => (v - lo) * scale);
}

/** Cells to add on each side so that the map reaches the edges: [left, right, bottom, top]. */
function padding(view, { X, Y, width, height }) {
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const dx = (X(x1) - X(x0)) / (cols - 1);
  const dy = (Y(y0) - Y(y1)) / (rows - 1);
  const need = (gap, size) => Math.max(1, Math.min(MAX_PAD, Math.ceil(gap / size)));
  return [need(X(x0), dx), need(width - X(x1), dx), need(height - Y(y0), dy), need(Y(y1), dy)];
}

/** Means of a border: mean(i, d) over the cells i − d .. i + d that there are. */
function border(level, start, stride, n) {
  const sums = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) sums[i + 1] = sums[i] + level[start + i * stride];
  return (i, d) => {
    const [from, to] = [Math.max(0, i - d), Math.min(n, i + d + 1)];
    return (sums[to] - sums[from]) / (to - from);
  };
}

/** The level at any cell, also outside: there the border goes on, ever smoother, since nothing was measured. */
function continued(level, rows, cols) {
  const [west, east] = [border(level, 0, cols, rows), border(level, cols - 1, cols, rows)];
  const [south, north] = [border(level, 0, 1, cols), border(level, (rows - 1) * cols, 1, cols)];
  const clamp = (v, n) => (v < 0 ? 0 : v >= n ? n - 1 : v);
  return (row, col) => {
    const [r, c] = [clamp(row, rows), clamp(col, cols)];
    const away = Math.abs(row - r) + Math.abs(col - c);
    if (away === 0) return level[r * cols + c];
    if (c !== col) return (col < 0 ? west : east)(r, away);
    return (row < 0 ? south : north)(c, away);
  };
}

const FAR = [-0.0703125, -0.0234375]; // Catmull and Rom's cubic (1974) a quarter of a cell from a cell's middle: the tap before the
const NEAR = [0.8671875, 0.2265625]; // cell and the one two further on, the cell itself and its neighbour

/**
 * Twice as many values along lines of n cells, at the quarters between cells. The browser's bilinear scaling alone shows the cells as
 * diamonds, and its own cubic costs three times as much. Cell k of line l is at l * line + k * cell; the result starts each line at
 * l * outLine and has the same distance between cells.
 */
function doubled(values, lines, n, line, cell, outLine) {
  const out = new Float32Array(2 * lines * n);
  for (let l = 0; l < lines; l++) {
    const at = (k) => values[l * line + (k < 0 ? 0 : k >= n ? n - 1 : k) * cell];
    let [a, b, c, d] = [at(-2), at(-1), at(0), at(1)];
    for (let k = 0, o = l * outLine; k < n; k++, o += 2 * cell) {
      const e = at(k + 2);
      out[o] = FAR[1] * a + NEAR[1] * b + NEAR[0] * c + FAR[0] * d;
      out[o + cell] = FAR[0] * b + NEAR[0] * c + NEAR[1] * d + FAR[1] * e;
      [a, b, c, d] = [b, c, d, e];
    }
  }
  return out;
}

/** The map with two pixels per cell in each direction, row 0 at the bottom, continued by `pad` cells. */
function bitmap(view, pad, colors, canvas) {
  const [rows, cols] = view.shapes.values;
  const [left, right, bottom, top] = pad;
  const [height, width] = [top + rows + bottom, left + cols + right];
  const at = continued(levels(view), rows, cols);
  const coarse = Float32Array.from({ length: height * width }, (_, i) => at(rows - 1 + top - Math.floor(i / width), (i % width) - left));
  const fine = doubled(doubled(coarse, height, width, width, 1, 2 * width), 2 * width, height, 1, 2 * width, 1);
  const bytes = table(colors);
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < fine.length; i++) pixels[i] = bytes[Math.max(0, Math.min(255, Math.round(fine[i])))];
  ctx.putImageData(image, 0, 0);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view
 * @param {{X: Function, Y: Function, width: number, height: number, colors: object, cache?: Map<string, object>}} frame
 *   `cache` keeps the picture between draws of the same view
 */
export function draw(ctx, view, frame) {
  const { X, Y, colors, cache = new Map() } = frame;
  const pad = padding(view, frame);
  const key = `${colors.key}${pad}`;
  const kept = cache.get(`heat ${view.role}`) ?? { canvas: document.createElement("canvas") };
  if (kept.view !== view || kept.key !== key) {
    bitmap(view, pad, colors, kept.canvas);
    cache.set(`heat ${view.role}`, Object.assign(kept, { view, key }));
  }
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const dx = (X(x1) - X(x0)) / (cols - 1);
  const dy = (Y(y0) - Y(y1)) / (rows - 1);
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = "low"; // bilinear: the values are smooth already
  ctx.drawImage(kept.canvas, X(x0) - (pad[0] + 0.5) * dx, Y(y1) - (pad[3] + 0.5) * dy, (kept.canvas.width * dx) / 2, (kept.canvas.height * dy) / 2);
  if (view.contour != null) contour(ctx, view, frame);
}

/** The line at `view.contour`; dashed for what is exact. */
function contour(ctx, view, { X, Y, colors }) {
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const cut = (255 * (view.contour - view.lo)) / (view.hi - view.lo || 1);
  const px = (u) => X(x0 + ((x1 - x0) * u) / (cols - 1));
  const py = (v) => Y(y0 + ((y1 - y0) * v) / (rows - 1));
  const exact = view.role === "exact";
  ctx.strokeStyle = rgba(colors.ink, exact ? 0.7 : 0.45);
  ctx.lineWidth = 1;
  ctx.setLineDash(exact ? [4, 3] : []);
  ctx.beginPath();
  for (const line of contours(levels(view), rows, cols, cut)) {
    ctx.moveTo(px(line[0]), py(line[1]));
    for (let k = 2; k < line.length; k += 2) ctx.lineTo(px(line[k]), py(line[k + 1]));
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The value at a place in data units, bilinear; null outside the map. */
export function valueAt(view, x, y) {
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const u = ((x - x0) / (x1 - x0)) * (cols - 1);
  const v = ((y - y0) / (y1 - y0)) * (rows - 1);
  if (!(u >= 0 && v >= 0 && u <= cols - 1 && v <= rows - 1)) return null;
  const [i, j] = [Math.min(cols - 2, Math.floor(u)), Math.min(rows - 2, Math.floor(v))];
  const [s, t] = [u - i, v - j];
  const level = levels(view);
  const at = (row, col) => level[row * cols + col];
  const mean = (at(j, i) * (1 - s) + at(j, i + 1) * s) * (1 - t) + (at(j + 1, i) * (1 - s) + at(j + 1, i + 1) * s) * t;
  return view.lo + ((view.hi - view.lo) * mean) / 255;
}
