// The receptive field of one pixel: how strongly its prediction depends on each pixel before it. What comes later is a plain ground.
import { mix, toHex } from "../colors.js";
import { createSurface, slowLabel } from "../surface.js";

const GAMMA = 0.5; // small gradients are to be seen
const PAD = 14; // px

/** @param {HTMLElement} container @returns {{canvas: HTMLCanvasElement, update: (data: {view: object, pixel: number, turn: Int32Array}|null) => void}} `pixel` counted row by row */
export function createField(container) {
  const surface = createSurface(container, draw, { label: "Receptive field" });
  const spoken = slowLabel(surface.canvas);
  let data = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const { view, pixel, turn } = data;
    const [rows, columns] = view.shapes.values;
    const d = ctx.getTransform().a;
    const size = Math.floor(d * Math.min((width - 2 * PAD) / columns, (height - 10) / rows)) / d;
    const [x, y] = [Math.floor((width - size * columns) / 2), 4];
    const bytes = view.arrays.values instanceof Uint8Array;
    for (let i = 0; i < rows * columns; i++) {
      const v = view.arrays.values[i];
      const share = bytes ? v / 255 : v / view.hi;
      ctx.fillStyle = turn[i] >= turn[pixel] ? colors.sunken : toHex(mix(colors.surface, colors.accent, share ** GAMMA));
      ctx.fillRect(x + (i % columns) * size, y + Math.floor(i / columns) * size, size, size);
    }
    ctx.strokeStyle = colors.lineStrong;
    ctx.lineWidth = 1;
    ctx.strokeRect(x - 0.5, y - 0.5, size * columns + 1, size * rows + 1);
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 2;
    ctx.strokeRect(x + (pixel % columns) * size, y + Math.floor(pixel / columns) * size, size, size);
  }

  return {
    canvas: surface.canvas,
    update(next) {
      data = next;
      if (next) spoken(`Receptive field of the place in row ${Math.floor(next.pixel / next.view.shapes.values[1]) + 1}, column ${(next.pixel % next.view.shapes.values[1]) + 1}`);
      surface.schedule();
    },
  };
}
