// The run's images of the step on the timeline, or the data they should look like.
import { createSurface, slowLabel } from "../surface.js";
import { draw as drawImages, enlarge, hit } from "../views/images.js";

const PAD = 14; // px

/** @param {HTMLElement} container @returns {{update: (view: object|null, faded: boolean) => void, canvas: HTMLCanvasElement}} */
export function createSamples(container) {
  const surface = createSurface(container, draw, { label: "Images" });
  const spoken = slowLabel(surface.canvas);
  const cache = new Map();
  let [view, faded, grid, held] = [null, false, null, -1];

  function draw(ctx, width, height, colors) {
    if (!view) return;
    ctx.globalAlpha = faded ? 0.55 : 1;
    grid = drawImages(ctx, view, { x: PAD, y: 4, width: width - 2 * PAD, height: height - 12, colors, cache });
    ctx.globalAlpha = 1;
    if (held >= 0 && held < grid.n) enlarge(ctx, view, grid, held, { width, height, colors });
  }

  const hold = (i) => i !== held && ((held = i), surface.schedule());
  surface.canvas.addEventListener("pointermove", (event) => {
    const { x, y } = surface.point(event);
    hold(grid ? hit(grid, x, y) : -1);
  });
  surface.canvas.addEventListener("pointerleave", () => hold(-1));

  return {
    canvas: surface.canvas,
    update(next, pale) {
      if (next === view && pale === faded) return;
      [view, faded] = [next, pale];
      if (view) spoken(`${view.shapes.pixels[0]} images, ${view.role === "data" ? "data" : "drawn by the model"}`);
      surface.schedule();
    },
  };
}
