// What is to be seen of the plane: a square around the data, or around data and noise, or around a field of arrows.
import { boundsOf } from "../camera.js";

const NOISE = 2.1; // standard deviations of noise that are to be seen

const around = ([x0, x1, y0, y1], least = 0) => ({ centre: [(x0 + x1) / 2, (y0 + y1) / 2], reach: Math.max(x1 - x0, y1 - y0, least) / 2 });

/** @typedef {{centre: [number, number], reach: number}} World a square: its middle, and half its side */

/** Around the data. @returns {World|null} */
export function worldOfData(backdrop) {
  const bounds = boundsOf(backdrop, null);
  return bounds && around(bounds);
}

/** Around the data and most of the noise. @param {{scale: number}|null} units @returns {World|null} */
export function worldOfAll(backdrop, units) {
  const bounds = boundsOf(backdrop, null);
  return bounds && around(bounds, units ? 2 * NOISE * units.scale : 0);
}

/** Around the places of a field. @returns {World|null} */
export function worldOfField(view) {
  if (!view) return null;
  const { xy } = view.arrays;
  const side = Math.round(Math.sqrt(xy.length / 2));
  const room = (0.5 * (xy.at(-2) - xy[0])) / (side - 1); // so that no arrow is cut
  return around([xy[0] - room, xy.at(-2) + room, xy[1] - room, xy.at(-1) + room]);
}

/** From data units to pixels of a square in the middle of a canvas. */
export function planeOf(width, height, { centre, reach }) {
  const scale = Math.min(width, height) / 2 / reach;
  return { X: (x) => width / 2 + (x - centre[0]) * scale, Y: (y) => height / 2 - (y - centre[1]) * scale, scale };
}
