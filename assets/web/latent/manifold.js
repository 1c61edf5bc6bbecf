// The manifold: what the decoder makes of a square grid over the latent plane, the cell under the cursor marked; or, where the latents have
// more than two dimensions, samples of the prior. A press on a cell of the plane moves the cursor there.
import { createSurface } from "../surface.js";
import { draw as drawImages, enlarge, hit, layout } from "../views/images.js";

const INSET = 6; // px around the grid

/** Quantiles that the grid covers, and their places on the normal axis. */
export const ENDS = [0.03, 0.97];

/** Φ of the standard normal, to 2e-7: Abramowitz & Stegun, 7.1.26. */
export function phi(x) {
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2);
  const erf = 1 - t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp((-x * x) / 2);
  return x < 0 ? (1 - erf) / 2 : (1 + erf) / 2;
}

/** The place on the normal axis below which a share p lies, by bisection. */
export function quantile(p) {
  let [lo, hi] = [-8, 8];
  for (let i = 0; i < 60; i++) {
    const middle = (lo + hi) / 2;
    if (phi(middle) < p) lo = middle;
    else hi = middle;
  }
  return (lo + hi) / 2;
}

const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));

/** Row from above and column of the cell nearest to a place. */
export function cellOf([x, y], side) {
  const index = (v) => clamp(Math.round(((phi(v) - ENDS[0]) / (ENDS[1] - ENDS[0])) * (side - 1)), 0, side - 1);
  return { col: index(x), row: side - 1 - index(y) };
}

/** The place at the middle of a cell. */
export function placeOfCell({ col, row }, side) {
  const at = (k) => quantile(ENDS[0] + ((ENDS[1] - ENDS[0]) * k) / (side - 1));
  return [at(col), at(side - 1 - row)];
}

/**
 * @param {HTMLElement} container
 * @param {{onPick: (place: [number, number]) => void}} on
 * @returns {{update: (data: {view: object|null, cursor: [number, number]|null, plane: boolean, faded: boolean}) => void}} `plane`: the cells
 *   are places of the latent plane
 */
export function createManifold(container, { onPick }) {
  const surface = createSurface(container, draw, { label: "What the decoder makes of a grid of latents" });
  const { canvas } = surface;
  const cache = new Map();
  let data = null;
  let grid = null;
  let over = -1;

  function draw(ctx, width, height, colors) {
    grid = null;
    if (!data?.view) return;
    const bare = { ...data.view, arrays: { pixels: data.view.arrays.pixels } };
    const box = { x: INSET, y: INSET, width: width - 2 * INSET, height: height - 2 * INSET, options: { gap: data.plane ? 0 : 2 } };
    grid = data.plane ? square(bare, box) : layout(bare, box, ctx.getTransform().a);
    if (!grid) return;
    grid.x = Math.round((width - grid.width) / 2);
    grid.y = Math.round((height - grid.height) / 2);
    ctx.globalAlpha = data.faded ? 0.45 : 1;
    drawImages(ctx, bare, { width, height, colors, cache, grid });
    ctx.globalAlpha = 1;
    if (data.plane && data.cursor) mark(ctx, cellOf(data.cursor, grid.cols), colors);
    if (over >= 0 && over < grid.n) enlarge(ctx, bare, grid, over, { width, height, colors });
  }

  /** As many columns as rows, touching each other. */
  function square(view, { width, height }) {
    const [n, , h, w] = view.shapes.pixels;
    const side = Math.round(Math.sqrt(n));
    const scale = Math.min(width / (side * w), height / (side * h));
    const [cw, ch] = [w * scale, h * scale];
    return { n, cols: side, rows: side, scale, gap: 0, w: cw, h: ch, x: 0, y: 0, period: 0, width: side * cw, height: side * ch };
  }

  /** A double outline, seen on black and on white. */
  function mark(ctx, { col, row }, colors) {
    const box = [grid.x + col * grid.w, grid.y + row * grid.h, grid.w, grid.h];
    for (const [color, width] of [[colors.surface, 3.5], [colors.accent, 1.5]]) {
      ctx.strokeStyle = color;
      ctx.lineWidth = width;
      ctx.strokeRect(...box);
    }
  }

  const at = (event) => {
    const { x, y } = surface.point(event);
    return grid ? hit(grid, x, y) : -1;
  };
  canvas.addEventListener("pointermove", (event) => {
    const now = at(event);
    if (now === over) return;
    over = data?.plane ? -1 : now;
    surface.schedule();
    if (data?.plane && event.buttons && now >= 0) onPick(placeOfCell({ col: now % grid.cols, row: Math.floor(now / grid.cols) }, grid.cols));
  });
  canvas.addEventListener("pointerleave", () => ((over = -1), surface.schedule()));
  canvas.addEventListener("pointerdown", (event) => {
    const now = at(event);
    if (data?.plane && now >= 0) onPick(placeOfCell({ col: now % grid.cols, row: Math.floor(now / grid.cols) }, grid.cols));
  });

  return {
    canvas,
    update(next) {
      data = next;
      canvas.style.cursor = next.plane ? "pointer" : "default";
      surface.schedule();
    },
  };
}
