// A grid of images, x_t or what the network takes it for, with the classes that were asked for over the columns. The image under the
// pointer is held up in both grids.
import { createSurface, slowLabel } from "../surface.js";
import { draw as drawImages, enlarge, hit, layout } from "../views/images.js";

const PAD = 10; // px around the grid

/** @param {HTMLElement} container @param {{onHover: (index: number) => void}} on −1 for none */
export function createGrid(container, { onHover }) {
  const surface = createSurface(container, draw, { label: "Images", opaque: true });
  const { canvas } = surface;
  const spoken = slowLabel(canvas);
  const cache = new Map();
  let data = { view: null, held: -1, faded: false };
  let grid = null;

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    grid = null;
    if (!data.view) return;
    grid = layout(data.view, { x: PAD, y: PAD / 2, width: width - 2 * PAD, height: height - 1.5 * PAD }, ctx.getTransform().a);
    if (!grid) return;
    const left = Math.round((width - grid.width) / 2);
    const top = Math.round((height - grid.height) / 2);
    Object.assign(grid, { x: left, y: Math.max(grid.y, top) });
    ctx.globalAlpha = data.faded ? 0.45 : 1;
    drawImages(ctx, data.view, { width, height, colors, cache, grid });
    ctx.globalAlpha = 1;
    if (data.held >= 0 && data.held < grid.n) enlarge(ctx, data.view, grid, data.held, { width, height, colors });
  }

  canvas.addEventListener("pointermove", (event) => {
    const { x, y } = surface.point(event);
    onHover(grid ? hit(grid, x, y) : -1);
  });
  canvas.addEventListener("pointerleave", () => onHover(-1));

  return {
    canvas,
    /** @param {{view: object|null, held: number, faded: boolean, words: string}} next */
    update(next) {
      spoken(next.words);
      if (next.view === data.view && next.held === data.held && next.faded === data.faded) return;
      data = next;
      surface.schedule();
    },
  };
}
