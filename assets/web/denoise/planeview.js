// A view of the plane: the ground, what is painted on it once it is known what is to be seen, and a veil while it waits.
import { rgba } from "../colors.js";
import { createSurface, slowLabel } from "../surface.js";
import { planeOf } from "./plane.js";

/**
 * @param {HTMLElement} container @param {string} label
 * @param {(ctx: CanvasRenderingContext2D, where: object, data: object) => void} paint
 * @returns {{canvas: HTMLCanvasElement, update: (data: {world: object|null, faded: boolean, words: string}) => void}} with what else `paint` needs
 */
export function createPlaneView(container, label, paint) {
  const surface = createSurface(container, draw, { label, opaque: true });
  const spoken = slowLabel(surface.canvas);
  let data = null;

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    if (!data?.world) return;
    paint(ctx, { ...planeOf(width, height, data.world), width, height, colors }, data);
    if (!data.faded) return;
    ctx.fillStyle = rgba(colors.surface, 0.45);
    ctx.fillRect(0, 0, width, height);
  }

  return {
    canvas: surface.canvas,
    update(next) {
      data = next;
      spoken(next.words);
      surface.schedule();
    },
  };
}
