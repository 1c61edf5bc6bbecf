// One decoded example, large: an image with crisp pixels, or a place in the plane of two-dimensional data.
import { createSurface } from "../surface.js";
import { draw as drawImages, layout } from "../views/images.js";

/**
 * A canvas that shows images side by side as large as they fit.
 * @param {HTMLElement} container @param {string} label
 * @returns {{update: (view: object|null, options?: {faded?: boolean}) => void, canvas: HTMLCanvasElement}}
 */
export function createPicture(container, label) {
  const surface = createSurface(container, draw, { label });
  const cache = new Map();
  let view = null;
  let faded = false;

  function draw(ctx, width, height, colors) {
    if (!view) return;
    ctx.globalAlpha = faded ? 0.45 : 1;
    const grid = layout({ ...view, arrays: { pixels: view.arrays.pixels } }, { width, height }, ctx.getTransform().a);
    if (!grid) return;
    grid.x = Math.max(0, (width - grid.width) / 2);
    drawImages(ctx, { ...view, arrays: { pixels: view.arrays.pixels } }, { width, height, colors, cache, grid });
    ctx.globalAlpha = 1;
  }

  return {
    canvas: surface.canvas,
    update(next, options = {}) {
      if (next === view && faded === Boolean(options.faded)) return;
      [view, faded] = [next, Boolean(options.faded)];
      surface.schedule();
    },
  };
}
