// One decoded example, large: an image with crisp pixels, or a place in the plane of two-dimensional data.
import { createSurface } from "../surface.js";
import { draw as drawImages, layout } from "../views/images.js";

/**
 * A canvas that shows images side by side as large as they fit.
 * @param {HTMLElement} container @param {string} label @param {{columns?: number}} [options] `columns`: how many, always
 * @returns {{update: (view: object|null, options?: {faded?: boolean}) => void, canvas: HTMLCanvasElement}}
 */
export function createPicture(container, label, options = {}) {
  const surface = createSurface(container, draw, { label });
  const cache = new Map();
  let view = null;
  let faded = false;

  function draw(ctx, width, height, colors) {
    if (!view) return;
    ctx.globalAlpha = faded ? 0.45 : 1;
    const grid = layout({ ...view, arrays: { pixels: view.arrays.pixels } }, { width, height, options }, ctx.getTransform().a);
    if (!grid) return;
    grid.x = Math.max(0, (width - grid.width) / 2);
    drawImages(ctx, { ...view, arrays: { pixels: view.arrays.pixels } }, { width, height, colors, cache, grid });
    ctx.globalAlpha = 1;
  }

  return {
    canvas: surface.canvas,
    update(next, { faded: fades = false } = {}) {
      if (next === view && faded === Boolean(fades)) return;
      [view, faded] = [next, Boolean(fades)];
      surface.schedule();
    },
  };
}
