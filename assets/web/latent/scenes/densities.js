// A density on a grid as one tint that grows from the ground, and the lines that enclose given shares of its mass.
import { rgb } from "../../colors.js";
import { contours } from "../../views/contour.js";

const DEEPEST = { light: 0.72, dark: 0.75 }; // of the colour, where the density is highest
const ROOT = 0.6; // power by which densities are tinted, so that tails are seen

/** Values in 0..1 of the largest, as floats. */
function shares({ arrays: { values }, lo, hi }) {
  const bytes = values instanceof Uint8Array;
  return Float32Array.from(values, (v) => (bytes ? v / 255 : (v - lo) / (hi - lo || 1)));
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {object} view heat
 * @param {{X: Function, Y: Function, colors: object, color: string, cache: {view?: object, key?: string, canvas?: HTMLCanvasElement}}} frame
 */
export function paint(ctx, view, { X, Y, colors, color, cache }) {
  const [rows, cols] = view.shapes.values;
  const key = `${color}${colors.surface}`;
  if (cache.view !== view || cache.key !== key) {
    const canvas = Object.assign(cache.canvas ?? document.createElement("canvas"), { width: cols, height: rows });
    const image = new ImageData(cols, rows);
    const [r, g, b] = rgb(color);
    const most = 255 * DEEPEST[colors.dark ? "dark" : "light"];
    shares(view).forEach((v, i) => {
      const at = 4 * ((rows - 1 - Math.floor(i / cols)) * cols + (i % cols));
      image.data.set([r, g, b, most * Math.max(0, v) ** ROOT], at);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
    Object.assign(cache, { view, key, canvas });
  }
  const [x0, x1, y0, y1] = view.extent;
  const [dx, dy] = [(X(x1) - X(x0)) / (cols - 1), (Y(y0) - Y(y1)) / (rows - 1)];
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(cache.canvas, X(x0) - dx / 2, Y(y1) - dy / 2, cols * dx, rows * dy);
}

/** The levels (0..1 of the largest) above which the given shares of the mass lie. @param {number[]} wanted */
export function levelsOf(view, wanted) {
  const sorted = shares(view).sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0) || 1;
  return wanted.map((share) => {
    let mass = 0;
    return sorted.find((v) => (mass += v) >= share * total) ?? 0;
  });
}

/** Lines around the given shares of the mass. */
export function enclose(ctx, view, wanted, { X, Y, color, width = 1.5, dash = [4, 3] }) {
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const px = (u) => X(x0 + ((x1 - x0) * u) / (cols - 1));
  const py = (v) => Y(y0 + ((y1 - y0) * v) / (rows - 1));
  const values = shares(view);
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  for (const level of levelsOf(view, wanted)) {
    ctx.beginPath();
    for (const line of contours(values, rows, cols, level)) {
      ctx.moveTo(px(line[0]), py(line[1]));
      for (let k = 2; k < line.length; k += 2) ctx.lineTo(px(line[k]), py(line[k + 1]));
    }
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

/** The value at the cell nearest to a place; null outside. */
export function cellAt(view, x, y) {
  const [rows, cols] = view.shapes.values;
  const [x0, x1, y0, y1] = view.extent;
  const [col, row] = [Math.round(((x - x0) / (x1 - x0)) * (cols - 1)), Math.round(((y - y0) / (y1 - y0)) * (rows - 1))];
  if (col < 0 || row < 0 || col >= cols || row >= rows) return null;
  const v = view.arrays.values[row * cols + col];
  return view.arrays.values instanceof Uint8Array ? view.lo + ((view.hi - view.lo) * v) / 255 : v;
}
