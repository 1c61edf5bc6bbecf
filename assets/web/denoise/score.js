// The score field at the noise level of x_t: learned arrows over the exact ones, dashed, and how far they are apart as a tint. Drawn in
// the coordinates of x_t, so the data draw together at high noise, and every arrow points where a point at that place would go.
import { draw as drawField } from "../views/field.js";
import { draw as drawHeat } from "../views/heat.js";
import { draw as drawPoints } from "../views/points.js";
import { createPlaneView } from "./planeview.js";

const SHORTEST = 3; // px of an arrow
const FULL = 0.7; // of the data's scale: from this length on an arrow is as long as it gets

/** Error bytes as a tint from the ground towards the model's colour. */
const tint = (view) => ({ ...view, role: "model", contour: null, lo: view.hi, hi: -view.hi, arrays: { values: Uint8Array.from(view.arrays.values, (v) => 127 - (v >> 1)) } });

/**
 * @param {HTMLElement} container
 * @returns {{update: (next: {world: object|null, data: object|null, learned: object|null, exact: object|null, error: object|null, shrink: number,
 *   shift: number[], scale: number, layers: object, faded: boolean, words: string}) => void}} `shrink` is where data lie at that noise
 */
export function createScore(container) {
  const cache = new Map();
  let error = { of: null, view: null };

  function paint(ctx, where, data) {
    const { learned, exact, layers, shrink, shift } = data;
    const { colors } = where;
    if (layers.error && data.error) drawHeat(ctx, tinted(data.error), { ...where, cache });
    if (layers.data && data.data) {
      ctx.globalAlpha = 0.45;
      const { X, Y } = where;
      drawPoints(ctx, data.data, { ...where, X: (x) => X(shift[0] + shrink * (x - shift[0])), Y: (y) => Y(shift[1] + shrink * (y - shift[1])), options: { radius: 1.7 } });
      ctx.globalAlpha = 1;
    }
    const spacing = spacingOf(learned ?? exact, where.X);
    const options = { shortest: SHORTEST, longest: Math.max(9, 0.95 * spacing), smallest: 1e-4, thin: spacing < 9 ? 2 : 1 };
    options.pixelsPerUnit = (options.longest - SHORTEST) / (FULL * data.scale);
    if (exact && layers.exact) drawField(ctx, exact, { ...where, options: { ...options, color: colors.exact, width: 1, dash: [2, 1.5], alpha: 0.9 } });
    if (learned && layers.learned) drawField(ctx, learned, { ...where, options: { ...options, color: colors.accent, width: 1.5, alpha: 1 } });
  }

  /** px between two arrows. */
  function spacingOf(view, X) {
    if (!view) return 16;
    const { xy } = view.arrays;
    return Math.abs(X(xy[2]) - X(xy[0])) || 16;
  }

  function tinted(view) {
    if (error.of !== view) error = { of: view, view: tint(view) };
    return error.view;
  }

  return createPlaneView(container, "Score field", paint);
}
