// A plot of one value against another: both axes with ticks and a name, and the marks that such plots share.
import { scale, ticks, valueAxis } from "./axes.js";
import { rgba } from "./colors.js";
import { short } from "./format.js";
import { TICK, plate } from "./views/text.js";

const MARGIN = { left: 40, right: 12, top: 22, bottom: 38 };
const SHADES = 12; // steps in which a trail fades

/**
 * Where values lie on a canvas of width x height.
 * @param {[number, number]} xs ends of the axis below @param {[number, number]} ys ends of the one on the left
 */
export function planeOf(width, height, [x0, x1], [y0, y1]) {
  const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom, x0, x1, y0, y1 };
  return { ...box, X: scale(x0, x1, box.left, box.right), Y: scale(y0, y1, box.bottom, box.top) };
}

/** Hairlines, ticks, and the names of the axes at their ends. `write` turns a value on the left into words; `marks`, pairs of a value
 *  and its words, take the place of the ticks below. */
export function drawAxes(ctx, plot, { xName, yName, write, marks }, colors) {
  const { left, right, top, bottom, x0, x1, y0, y1, X } = plot;
  valueAxis(ctx, ticks(y0, y1, bottom - top, 32), plot, colors, write && ((values) => values.map(write)));
  ctx.fillStyle = colors.ink3;
  ctx.textAlign = "center";
  for (const [v, words] of marks ?? ticks(x0, x1, right - left, 56).map((v) => [v, short(v)])) ctx.fillText(words, X(v), bottom + 11);
  ctx.fillStyle = colors.ink2;
  ctx.textAlign = "right";
  ctx.fillText(xName, right, bottom + 27);
  ctx.textAlign = "left";
  ctx.fillText(yName, 2, 9);
}

/** A path through places in px, older parts fainter. @param {[number, number][]} places */
export function fadingPath(ctx, places, color, { width = 1.5, faintest = 0.1, strongest = 0.8 } = {}) {
  const parts = Math.min(SHADES, places.length - 1);
  ctx.lineWidth = width;
  ctx.lineJoin = "round";
  for (let k = 0; k < parts; k++) {
    const [from, to] = [k, k + 1].map((j) => Math.round((j * (places.length - 1)) / parts));
    ctx.strokeStyle = rgba(color, faintest + ((strongest - faintest) * (k + 1)) / parts);
    ctx.beginPath();
    for (let i = from; i <= to; i++) ctx.lineTo(...places[i]);
    ctx.stroke();
  }
}

/** Where the model is now: a dot with a halo. */
export function dot(ctx, x, y, colors, radius = 5) {
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = colors.accent;
  ctx.strokeStyle = colors.surface;
  ctx.lineWidth = 1.5;
  ctx.fill();
  ctx.stroke();
}

/** A dashed line through the plot, upright at x or level at y, with its name. */
export function dashedAt(ctx, plot, { x = null, y = null, label = "" }, colors) {
  const { left, right, top, bottom, X, Y } = plot;
  ctx.strokeStyle = colors.exact;
  ctx.lineWidth = 1.25;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  if (x != null) ctx.moveTo(X(x), top), ctx.lineTo(X(x), bottom);
  if (y != null) ctx.moveTo(left, Y(y)), ctx.lineTo(right, Y(y));
  ctx.stroke();
  ctx.setLineDash([]);
  if (!label) return;
  ctx.font = TICK;
  const room = ctx.measureText(label).width + 10;
  if (x != null) plate(ctx, label, X(x) + (X(x) + room < right ? 6 : -6), top + 7, { colors, align: X(x) + room < right ? "left" : "right" });
  else plate(ctx, label, right - 2, Y(y) - 9, { colors, align: "right" });
}
