// A cloud over the data it should become: what the network takes the points of x_t for.
import { rgba } from "../colors.js";
import { createSurface, slowLabel } from "../surface.js";
import { draw as drawPoints } from "../views/points.js";
import { planeOf } from "./plane.js";

/** @param {HTMLElement} container @param {string} label */
export function createCloud(container, label) {
  const surface = createSurface(container, draw, { label, opaque: true });
  const spoken = slowLabel(surface.canvas);
  let data = null;

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    if (!data?.world) return;
    const where = { ...planeOf(width, height, data.world), width, height, colors };
    if (data.data && data.layers.data) {
      ctx.globalAlpha = 0.55;
      drawPoints(ctx, data.data, { ...where, options: { radius: 1.8 } });
      ctx.globalAlpha = 1;
    }
    if (data.cloud) drawPoints(ctx, data.cloud, { ...where, options: { radius: 2.6 } });
    if (!data.faded) return;
    ctx.fillStyle = rgba(colors.surface, 0.45);
    ctx.fillRect(0, 0, width, height);
  }

  return {
    canvas: surface.canvas,
    /** @param {{world: object|null, data: object|null, cloud: object|null, layers: object, faded: boolean, words: string}} next */
    update(next) {
      data = next;
      spoken(next.words);
      surface.schedule();
    },
  };
}
