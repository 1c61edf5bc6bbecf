// Two-dimensional data under a VAE: the data, what it makes of them, samples of the prior, and the place that the cursor decodes to.
import { boundsOf, fit, mapping } from "../camera.js";
import { dot } from "../plane.js";
import { createSurface } from "../surface.js";
import { rgba } from "../colors.js";
import { draw as drawPoints } from "../views/points.js";

/** @param {HTMLElement} container @returns {{update: (data: object|null) => void, bounds: () => number[]|null}} */
export function createPlane(container) {
  const surface = createSurface(container, draw, { label: "Data space: data, reconstructions and samples" });
  surface.canvas.classList.add("plane");
  let data = null;

  const views = (frame) => frame?.views.filter((v) => v.panel === "stage" && v.type === "points") ?? [];

  function draw(ctx, width, height, colors) {
    const bounds = data && boundsOf(data.backdrop, data.frame);
    if (!bounds) return;
    const where = { ...mapping(fit(bounds, width, height), width), width, height, colors };
    for (const v of [...views(data.backdrop), ...views(data.frame)]) if (v.name !== "modes") drawPoints(ctx, v, where);
    const at = data.at?.arrays.xy;
    if (at) dot(ctx, where.X(at[0]), where.Y(at[1]), { ...colors, accent: colors.ink }, 6);
    if (!data.faded) return;
    ctx.fillStyle = rgba(colors.surface, 0.45);
    ctx.fillRect(0, 0, width, height);
  }

  return {
    bounds: () => (data ? boundsOf(data.backdrop, data.frame) : null),
    update(next) {
      if (!next && !data) return;
      data = next;
      surface.canvas.hidden = !next;
      surface.schedule();
    },
  };
}
