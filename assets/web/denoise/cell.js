// A small picture of samples: points over the data in grey, or a few images side by side.
import { boundsOf, fit, mapping } from "../camera.js";
import { rgba, roleColor } from "../colors.js";
import { createSurface } from "../surface.js";
import { draw as drawImages, layout } from "../views/images.js";

const DATA = 500; // points of the data that are drawn
const BIG = 200; // px: from here on dots have their halo
const CLOSE = 0.82; // of the stage's margin around the data

/** Dots of (n, 2) values, as many as `most`. */
function dots(ctx, xy, { X, Y }, radius, most = Infinity) {
  const every = Math.max(1, Math.ceil(xy.length / 2 / most));
  ctx.beginPath();
  for (let i = 0; i < xy.length; i += 2 * every) {
    const [x, y] = [X(xy[i]), Y(xy[i + 1])];
    ctx.moveTo(x + radius, y);
    ctx.arc(x, y, radius, 0, 2 * Math.PI);
  }
  ctx.fill();
}

/** The part of an image view with its first `count` images, without classes. */
const firstOf = (view, count) => ({ ...view, arrays: { pixels: view.arrays.pixels }, shapes: { pixels: [Math.min(count, view.shapes.pixels[0]), ...view.shapes.pixels.slice(1)] } });

/** The data of a backdrop, in 2-D. */
export const dataOf = (backdrop) => backdrop?.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data") ?? null;

/** Where values of the plane lie in a small picture; null of images or before there are data. `zoom` > 1 shows more around them. */
export function placeOf(backdrop, width, height, zoom = CLOSE) {
  const bounds = boundsOf(backdrop, null);
  if (!bounds) return null;
  const [x0, x1, y0, y1] = bounds;
  const grow = (a, b) => [(a + b) / 2 - ((b - a) / 2) * zoom, (a + b) / 2 + ((b - a) / 2) * zoom];
  return mapping(fit([...grow(x0, x1), ...grow(y0, y1)], width, height), width);
}

/** The data as faint dots. */
export function drawData(ctx, backdrop, place, width, colors) {
  const data = dataOf(backdrop);
  if (!data) return;
  ctx.fillStyle = rgba(colors.data, width < BIG ? 0.4 : 0.5);
  dots(ctx, data.arrays.xy, place, width < BIG ? 0.7 : 1.5, DATA);
}

/** Samples of the model (or noised data): dots with a halo where there is room. */
export function drawDots(ctx, view, place, width, colors) {
  const radius = Math.max(1, Math.min(2.8, width / 110));
  if (width >= BIG) (ctx.fillStyle = colors.surface), dots(ctx, view.arrays.xy, place, radius + 0.8);
  ctx.fillStyle = roleColor(colors, view.role);
  dots(ctx, view.arrays.xy, place, radius);
}

/**
 * @param {HTMLElement} container @param {string} label for screen readers
 * @param {{over?: (ctx: CanvasRenderingContext2D, place: object, width: number, height: number, colors: object, seen: object) => void}} [on] drawn last, in 2-D
 * @returns {{update: (seen: {view: object|null, backdrop: object|null, count?: number, zoom?: number, plain?: boolean, key?: unknown}) => void, canvas: HTMLCanvasElement}}
 *   `count` images; `plain`: without the data
 */
export function createCell(container, label, { over } = {}) {
  const surface = createSurface(container, draw, { label });
  const cache = new Map();
  let seen = { view: null, backdrop: null };

  function draw(ctx, width, height, colors) {
    const { view, backdrop, count = 6, zoom, plain } = seen;
    if (view?.type === "images") {
      const shown = seen.shown ??= firstOf(view, count);
      const grid = layout(shown, { width, height, options: { gap: width < BIG ? 2 : 3 } }, ctx.getTransform().a);
      if (!grid) return;
      Object.assign(grid, { x: Math.max(0, (width - grid.width) / 2), y: Math.max(0, (height - grid.height) / 2) });
      return drawImages(ctx, shown, { width, height, colors, cache, grid });
    }
    const place = placeOf(backdrop, width, height, zoom);
    if (!place) return undefined;
    if (!plain) drawData(ctx, backdrop, place, width, colors);
    if (view) drawDots(ctx, view, place, width, colors);
    return over?.(ctx, place, width, height, colors, seen);
  }

  return {
    canvas: surface.canvas,
    update(next) {
      if (next.view === seen.view && next.backdrop === seen.backdrop && next.key === seen.key && next.count === seen.count) return;
      seen = next;
      surface.schedule();
    },
  };
}
