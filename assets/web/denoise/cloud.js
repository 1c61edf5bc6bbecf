// A cloud over the data it should become: what the network takes the points of x_t for.
import { draw as drawPoints } from "../views/points.js";
import { createPlaneView } from "./planeview.js";

/**
 * @param {HTMLElement} container @param {string} label
 * @returns {{update: (next: {world: object|null, data: object|null, cloud: object|null, layers: object, faded: boolean, words: string}) => void}}
 */
export const createCloud = (container, label) =>
  createPlaneView(container, label, (ctx, where, { data, cloud, layers }) => {
    if (data && layers.data) {
      ctx.globalAlpha = 0.55;
      drawPoints(ctx, data, { ...where, options: { radius: 1.8 } });
      ctx.globalAlpha = 1;
    }
    if (cloud) drawPoints(ctx, cloud, { ...where, options: { radius: 2.6 } });
  });
