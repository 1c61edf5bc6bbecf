// Bars: one per category. A bar that holds too little is drawn hollow; the dashed line says what each should hold.
import { roleColor } from "../colors.js";
import { TICK } from "./text.js";

const GAP = 0.28; // of a bar's place
const LEAST = 3; // px: even nothing leaves a mark

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view with `labels`, `fair`, `low`
 * @param {{Y: (v: number) => number, left: number, width: number, bottom: number, colors: object}} frame
 *   the bars stand side by side from `left` over `width` px; `bottom` is the y of zero
 * @returns {number[]} the middle of each bar in px
 */
export function draw(ctx, view, frame) {
  const { Y, left, width, bottom, colors } = frame;
  const { values } = view.arrays;
  const color = roleColor(colors, view.role);
  const place = width / values.length;
  const gap = place < 12 ? 0.15 : GAP;
  const middles = Array.from(values, (_, i) => left + (i + 0.5) * place);
  ctx.fillStyle = ctx.strokeStyle = color;
  ctx.lineWidth = 1.5;
  values.forEach((value, i) => {
    const x = left + i * place + (place * gap) / 2;
    const w = place * (1 - gap);
    const top = Math.min(Y(value), bottom - LEAST);
    if (view.low != null && value < view.low) ctx.strokeRect(x + 0.75, top + 0.75, w - 1.5, bottom - top - 1.5);
    else if (value > 0) ctx.fillRect(x, Y(value), w, bottom - Y(value));
  });
  if (view.labels) names(ctx, view, middles, place, bottom, colors);
  return middles;
}

/** The names under the bars; every second or fifth where they are many. */
function names(ctx, view, middles, place, bottom, colors) {
  ctx.font = TICK;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const widest = Math.max(...view.labels.map((l) => ctx.measureText(l).width)) + 4;
  const every = [1, 2, 5, 10].find((k) => k * place >= widest) ?? 20;
  view.labels.forEach((label, i) => {
    const low = view.low != null && view.arrays.values[i] < view.low;
    ctx.fillStyle = low ? colors.ink : colors.ink3;
    if (i % every === 0) ctx.fillText(label, middles[i], bottom + 10);
  });
}
