// Which part of the noise becomes which mode: each place of the pad belongs to the noise point nearest to it, and that to the mode its
// sample lies nearest to. Borders between modes are drawn; a continuous G has to cross them somewhere.
import { mix, rgb } from "./colors.js";

const SIDE = 150; // cells of the map in each direction
const TINT = { least: 0.04, most: 0.34 };
const GOLDEN = 0.618; // neighbours in a list get shades far apart

/** Index of the centre nearest to (x, y), and how far it is. @param {Float32Array} centres (k, 2) */
export function nearest(centres, x, y) {
  let [best, at] = [Infinity, -1];
  for (let k = 0; k < centres.length / 2; k++) {
    const d = (centres[2 * k] - x) ** 2 + (centres[2 * k + 1] - y) ** 2;
    if (d < best) [best, at] = [d, k];
  }
  return { index: at, distance: Math.sqrt(best) };
}

/** The point nearest to each cell of the pad [-1, 1]², row 0 at the top. @param {Float32Array} points (n, 2) on the pad */
export function owners(points) {
  const out = new Uint16Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++) {
    for (let col = 0; col < SIDE; col++) out[row * SIDE + col] = nearest(points, ((col + 0.5) / SIDE) * 2 - 1, 1 - ((row + 0.5) / SIDE) * 2).index;
  }
  return out;
}

/**
 * The map as a picture of SIDE x SIDE pixels: a shade of the model's colour for each mode, a line where two meet.
 * @param {Uint16Array} own from `owners` @param {ArrayLike<number>} modes of each point @param {HTMLCanvasElement} canvas is painted
 */
export function paint(own, modes, colors, canvas) {
  canvas.width = canvas.height = SIDE;
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(SIDE, SIDE);
  const border = mix(colors.surface, colors.ink, 0.55);
  const shades = Array.from({ length: Math.max(...modes, 0) + 1 }, (_, k) => mix(colors.surface, colors.accent, TINT.least + (TINT.most - TINT.least) * ((GOLDEN * (k + 1)) % 1)));
  for (let i = 0; i < own.length; i++) {
    const mode = modes[own[i]];
    const right = (i + 1) % SIDE ? modes[own[i + 1]] : mode;
    const below = i + SIDE < own.length ? modes[own[i + SIDE]] : mode;
    image.data.set(mode !== right || mode !== below ? border : (shades[mode] ?? rgb(colors.surface)), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}

/** For each mode the point furthest inside: where its number can stand. @returns {Map<number, number>} mode -> index of a point */
export function insides(points, modes) {
  const room = new Map(); // mode -> [distance², index]
  for (let i = 0; i < modes.length; i++) {
    const [x, y] = [points[2 * i], points[2 * i + 1]];
    let least = Math.min(1 - Math.abs(x), 1 - Math.abs(y)) ** 2;
    for (let j = 0; j < modes.length; j++) {
      if (modes[j] !== modes[i]) least = Math.min(least, (points[2 * j] - x) ** 2 + (points[2 * j + 1] - y) ** 2);
    }
    if (!room.has(modes[i]) || least > room.get(modes[i])[0]) room.set(modes[i], [least, i]);
  }
  return new Map([...room].map(([mode, [, i]]) => [mode, i]));
}
