// One image as it is drawn, pixel by pixel in the order of the model: what is there so far, the pixel that is next, the one under the pointer.
import { createSurface, slowLabel } from "../surface.js";

const PAD = 14; // px
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

/**
 * @typedef {object} Drawn an image with what was expected of each pixel
 * @property {number} rows @property {number} columns @property {number} levels
 * @property {Int32Array} place which pixel is k-th, counted row by row @property {Int32Array} turn the other way round
 * @property {Uint16Array} level of the k-th pixel @property {Float32Array} p of each level, `levels` numbers for each k
 */

/** @param {HTMLElement} container @param {{onPick: (k: number) => void, onHover: (k: number|null) => void}} on */
export function createGrowing(container, { onPick, onHover }) {
  const surface = createSurface(container, draw, { label: "An image as it is drawn", focusable: true });
  const { canvas } = surface;
  const spoken = slowLabel(canvas);
  let data = null; // {drawn, k, hover, changed: Set of k, unit: of what it is made}
  let at = null;

  function draw(ctx, width, height, colors) {
    if (!data?.drawn) return;
    const { drawn, k, hover, changed } = data;
    const { rows, columns, levels, place, level } = drawn;
    const d = ctx.getTransform().a;
    const size = Math.floor(d * Math.min((width - 2 * PAD) / columns, (height - 10) / rows)) / d;
    at = { size, x: Math.floor((width - size * columns) / 2), y: 4 };
    ctx.fillStyle = colors.sunken;
    ctx.fillRect(at.x, at.y, size * columns, size * rows);
    for (let i = 0; i < Math.min(k, place.length); i++) {
      const grey = Math.round((255 * level[i]) / (levels - 1));
      ctx.fillStyle = `rgb(${grey},${grey},${grey})`;
      ctx.fillRect(at.x + (place[i] % columns) * size, at.y + Math.floor(place[i] / columns) * size, size, size);
    }
    const box = (i, color, wide) => {
      ctx.strokeStyle = color;
      ctx.lineWidth = wide;
      ctx.strokeRect(at.x + (place[i] % columns) * size - wide / 2, at.y + Math.floor(place[i] / columns) * size - wide / 2, size + wide, size + wide);
    };
    for (const i of changed) if (i < k) box(i, colors.ref, 1.5);
    if (k < place.length) box(k, colors.accent, 2.5);
    if (hover != null && hover !== k) box(hover, colors.ink3, 1.5);
  }

  function under(event) {
    if (!at || !data?.drawn) return null;
    const { x, y } = surface.point(event);
    const { rows, columns, turn } = data.drawn;
    const [i, j] = [Math.floor((y - at.y) / at.size), Math.floor((x - at.x) / at.size)];
    return i >= 0 && i < rows && j >= 0 && j < columns ? turn[i * columns + j] : null;
  }

  canvas.addEventListener("pointermove", (event) => onHover(under(event)));
  canvas.addEventListener("pointerleave", () => onHover(null));
  canvas.addEventListener("click", (event) => {
    const k = under(event);
    if (k != null) onPick(k);
  });
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || !data?.drawn) return;
    event.preventDefault();
    event.stopPropagation();
    const { rows, columns, place, turn } = data.drawn;
    const here = place[Math.min(data.k, place.length - 1)];
    const [i, j] = [Math.floor(here / columns) + move[0], (here % columns) + move[1]];
    if (i >= 0 && i < rows && j >= 0 && j < columns) onPick(turn[i * columns + j]);
  });

  return {
    canvas,
    update(next) {
      data = next;
      if (next.drawn) spoken(`What is drawn, ${next.k} of ${next.drawn.place.length} ${next.unit}s: the arrow keys move to another ${next.unit}`);
      surface.schedule();
    },
  };
}

/** An answer to the question "draw". @param {import("../decode.js").Frame|null} frame @returns {Drawn|null} */
export function drawnOf(frame) {
  const [image, order, next] = ["image", "order", "next"].map((panel) => frame?.views.find((v) => v.panel === panel));
  if (!image || !order || !next) return null;
  const [, , rows, columns] = image.shapes.pixels;
  const place = Int32Array.from(order.arrays.x);
  const turn = new Int32Array(place.length);
  place.forEach((pixel, k) => (turn[pixel] = k));
  return { rows, columns, levels: frame.metrics.levels, place, turn, level: Uint16Array.from(order.arrays.y), p: next.arrays.y };
}

/** Probabilities of the k-th pixel. @param {Drawn} drawn */
export const expected = ({ p, levels }, k) => p.subarray(k * levels, (k + 1) * levels);

/** −Σ p log₂ p. @param {ArrayLike<number>} p */
export const bitsOf = (p) => Array.from(p).reduce((sum, v) => (v > 0 ? sum - v * Math.log2(v) : sum), 0);
