// q(z | x) = N(μ, σ²) as a density, the noise ε as a distance in units of σ, and z = μ + σ ε where it lies.
import { rgba } from "../../colors.js";
import { dot, drawAxes, planeOf } from "../../plane.js";
import { createSurface } from "../../surface.js";
import { LABEL, plate } from "../../views/text.js";

const SPAN = [-6, 6]; // of z
const POINTS = 241;
const TARGET = 2; // where f is least

const normal = (z, mu, sigma) => Math.exp(-0.5 * ((z - mu) / sigma) ** 2) / (sigma * Math.sqrt(2 * Math.PI));

/** Ends of the axis of densities, so that it does not follow every move of σ. */
const heightOf = (sigma) => [0.3, 0.6, 1, 2.5, 5, 10].find((h) => h >= 1.12 * normal(0, 0, sigma)) ?? 10;

/** @param {HTMLElement} container @returns {{update: (at: {mu: number, sigma: number, eps: number}) => void}} */
export function createDensity(container) {
  const surface = createSurface(container, draw, { label: "Density of z with its mean, its standard deviation and the place of z" });
  let at = null;

  function draw(ctx, width, height, colors) {
    if (!at) return;
    const { mu, sigma, eps } = at;
    const z = mu + sigma * eps;
    const reach = Math.max(SPAN[1], Math.ceil(Math.abs(z) + 1));
    const plot = planeOf(width, height, [-reach, reach], [0, heightOf(sigma)]);
    drawAxes(ctx, plot, { xName: "z", yName: "density", write: (v) => String(+v.toFixed(2)) }, colors);
    const { X, Y, bottom } = plot;
    const places = Array.from({ length: POINTS }, (_, i) => -reach + (2 * reach * i) / (POINTS - 1));
    area(ctx, places.filter((v) => Math.abs(v - mu) <= sigma), plot, mu, sigma, colors);
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 2;
    ctx.beginPath();
    for (const v of places) ctx.lineTo(X(v), Y(normal(v, mu, sigma)));
    ctx.stroke();
    dashed(ctx, X(TARGET), plot, "f least at 2", colors);
    upright(ctx, X(mu), Y(normal(mu, mu, sigma)), bottom, colors.ink);
    arrow(ctx, X(mu), X(z), bottom - 12, colors);
    upright(ctx, X(z), Y(normal(z, mu, sigma)), bottom, colors.accent);
    dot(ctx, X(z), bottom, colors, 6);
    names(ctx, plot, { mu, z, sigma }, colors);
  }

  /** One σ to each side. */
  function area(ctx, places, { X, Y, bottom }, mu, sigma, colors) {
    const all = [mu - sigma, ...places, mu + sigma];
    ctx.fillStyle = rgba(colors.accent, 0.14);
    ctx.beginPath();
    ctx.moveTo(X(all[0]), bottom);
    for (const v of all) ctx.lineTo(X(v), Y(normal(v, mu, sigma)));
    ctx.lineTo(X(all.at(-1)), bottom);
    ctx.fill();
  }

  function upright(ctx, x, top, bottom, color) {
    ctx.strokeStyle = color;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
  }

  function dashed(ctx, x, { top, bottom }, words, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
    plate(ctx, words, x + 6, top + 6, { colors, align: "left" });
  }

  /** σ ε: from the mean to z. */
  function arrow(ctx, from, to, y, colors) {
    if (Math.abs(to - from) < 4) return;
    const side = Math.sign(to - from);
    ctx.strokeStyle = ctx.fillStyle = colors.ink;
    ctx.lineWidth = 1.75;
    ctx.beginPath();
    ctx.moveTo(from, y);
    ctx.lineTo(to - side * 5, y);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(to, y);
    ctx.lineTo(to - side * 7, y - 4);
    ctx.lineTo(to - side * 7, y + 4);
    ctx.fill();
  }

  function names(ctx, { X, Y, bottom, left, right }, { mu, z, sigma }, colors) {
    const style = { colors, align: "center", font: LABEL, alpha: 0.9 };
    plate(ctx, "μ", X(mu), Y(normal(mu, mu, sigma)) - 9, style);
    if (Math.abs(X(z) - X(mu)) > 24) plate(ctx, "σ ε", (X(mu) + X(z)) / 2, bottom - 24, style);
    const side = z >= mu ? 1 : -1;
    const x = Math.max(left + 12, Math.min(right - 12, X(z) + side * 14));
    plate(ctx, "z", x, bottom - 10, { ...style, color: colors.accent });
  }

  return {
    update(next) {
      at = next;
      surface.schedule();
    },
  };
}
