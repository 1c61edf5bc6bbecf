// What lies over the lines of a chart: dashed optima with their names, events, the cursor with its rings, values under the pointer.
import { rgba, roleColor } from "./colors.js";
import { fmt, int, short } from "./format.js";
import { indexAt } from "./views/curve.js";
import { TICK, hairline, marker, overlap, plate } from "./views/text.js";

const LABEL_ROOM = 90; // px between labels of events, at least
const NAME_ROOM = 15; // px between two names at the ends of lines, at least
const NEAR = 0.05; // of the axis: a line that ended further back has no value at the cursor

/** Equilibria, floors and ceilings, dashed, their names at the right end. Names do not cover each other. */
export function dashedLines(ctx, lines, { Y, left, right, lo, hi, bottom = Infinity }, colors, width = 1.25) {
  for (const { band } of lines) if (band) shade(ctx, band.map((v) => Y(Math.max(lo, Math.min(hi, v)))), left, right, colors);
  ctx.setLineDash([4, 3]);
  ctx.strokeStyle = colors.exact;
  ctx.lineWidth = width;
  ctx.beginPath();
  const seen = lines.filter((l) => l.y >= lo && l.y <= hi);
  for (const { y } of seen) {
    ctx.moveTo(left, Math.round(Y(y) * 2) / 2);
    ctx.lineTo(right, Math.round(Y(y) * 2) / 2);
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = TICK;
  const named = []; // boxes of the names so far
  let end = right - 2; // names that find no room under their line stand in a row over the others
  for (const { y, label, below } of seen) {
    if (!label) continue;
    const under = below && Y(y) + 16 < bottom;
    const at = under ? Y(y) + 9 : Math.min(...seen.map((l) => Y(l.y)).filter((other) => Math.abs(other - Y(y)) < 16)) - 8;
    const width = ctx.measureText(label).width;
    const box = { x: (under ? right - 2 : end) - width, y: at - 8, width, height: 16 };
    for (const other of named) if (overlap(other, box)) box.x = other.x - width - 12;
    named.push(box);
    plate(ctx, label, box.x + width, at, { colors, align: "right", ground: colors.bg });
    if (!under) end = Math.min(end, box.x - 12);
  }
}

/** Where real data lie, from one height in px to another. */
function shade(ctx, [from, to], left, right, colors) {
  ctx.fillStyle = rgba(colors.exact, 0.1);
  ctx.fillRect(left, Math.min(from, to), right - left, Math.max(1.5, Math.abs(to - from)));
}

/** The same with their names beside the plot, moved apart where the lines lie close. */
export function namedLines(ctx, lines, plot, colors) {
  dashedLines(ctx, lines.map(({ y }) => ({ y })), plot, colors, 1);
  const seen = lines.filter((l) => l.y >= plot.lo && l.y <= plot.hi).sort((a, b) => b.y - a.y);
  const at = seen.map((l) => plot.Y(l.y));
  const apart = Math.min(13, (plot.bottom - plot.top + 12) / Math.max(1, seen.length));
  for (let i = 1; i < at.length; i++) at[i] = Math.max(at[i], at[i - 1] + apart);
  let most = plot.bottom + 4;
  for (let i = at.length - 1; i >= 0; i--) [at[i], most] = [Math.min(at[i], most), Math.min(at[i], most) - apart];
  ctx.font = TICK;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink2;
  seen.forEach((l, i) => ctx.fillText(l.label, plot.right + 12, at[i]));
}

/** Events: dotted lines from top to bottom, their titles at the top, no two closer than 90 px. */
export function eventMarks(ctx, marks, { X, left, right, top, bottom }, colors) {
  ctx.setLineDash([1, 2]);
  for (const { x } of marks) hairline(ctx, X(x), top - 2, X(x), bottom, colors.ink3);
  ctx.setLineDash([]);
  ctx.font = TICK;
  let last = -Infinity;
  for (const { x, label } of [...marks].sort((a, b) => a.x - b.x)) {
    if (!label || X(x) - last < LABEL_ROOM) continue;
    last = X(x);
    const room = X(x) - 8 - ctx.measureText(label).width > left;
    const fits = X(x) + 8 + ctx.measureText(label).width < right;
    if (room || fits) plate(ctx, label, X(x) + (room ? -4 : 4), top + 3, { colors, align: room ? "right" : "left", color: colors.ink2, ground: colors.bg });
  }
}

/** Names of lines with their values where the cursor is, over a line that lies above another and under the lower one. */
export function endLabels(ctx, series, cursor, plot, colors) {
  const named = series
    .filter((s) => s.label)
    .map((s) => ({ s, at: valueAt(s, cursor ?? plot.xMax, plot) }))
    .filter(({ at }) => at && at.y > plot.top - 4 && at.y < plot.bottom + 4)
    .sort((a, b) => a.at.y - b.at.y);
  const heights = named.map(({ at }, k) => at.y + (k > 0 && k === named.length - 1 && at.y + 24 < plot.bottom ? 12 : at.y - 20 < plot.top ? 12 : -11));
  for (let k = heights.length - 2; k >= 0; k--) heights[k] = Math.min(heights[k], heights[k + 1] - NAME_ROOM);
  named.forEach(({ s, at }, k) => {
    const text = `${s.label} ${fmt(at.value, 3)}`;
    ctx.font = TICK;
    const left = at.x - ctx.measureText(text).width - 12 > plot.left;
    plate(ctx, text, at.x + (left ? -9 : 9), heights[k], { colors, align: left ? "right" : "left", ground: colors.bg });
  });
}

/** The value of a series at a step: {x, y} in px, or null. */
function valueAt(series, step, { X, Y, xMax }) {
  const i = indexAt(series.x, step);
  if (i < 0 || !Number.isFinite(series.line[i]) || step - series.x[i] > NEAR * xMax) return null;
  return { x: X(step), y: Y(series.line[i]), value: series.line[i] };
}

/** A line through the chart at a step with a ring on every series: the timeline's step (strong), or where the pointer is. */
export function cursorLine(ctx, series, step, plot, colors, { strong = false }) {
  hairline(ctx, plot.X(step), plot.top - 4, plot.X(step), plot.bottom, strong ? colors.ink : colors.ink3);
  for (const s of series) {
    const at = valueAt(s, step, plot);
    if (!at) continue;
    ctx.fillStyle = colors.surface;
    ctx.strokeStyle = roleColor(colors, s.color);
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(at.x, at.y, 3.2, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
}

/** The numbers at the pointer's step, beside their rings, and the step on the axis. */
export function readout(ctx, series, step, plot, colors) {
  const right = plot.X(step) < (plot.left + plot.right) * 0.6;
  const taken = [];
  for (const s of series) {
    const at = valueAt(s, step, plot);
    if (!at) continue;
    let y = Math.max(plot.top + 2, Math.min(plot.bottom - 7, at.y));
    const box = () => ({ x: 0, y: y - 8, width: 1, height: 16 });
    for (let tries = 0; taken.some((b) => overlap(b, box())) && tries < 6; tries++) y += y + 20 < plot.bottom ? 16 : -32;
    taken.push(box());
    plate(ctx, s.step ? short(at.value) : fmt(at.value, 3), at.x + (right ? 9 : -9), y, { colors, align: right ? "left" : "right", color: roleColor(colors, s.color), ground: colors.bg, alpha: 0.92, pad: 3 });
  }
  const { text, middle } = stepWord(ctx, step, plot);
  plate(ctx, text, middle, plot.bottom + 11, { colors, align: "center", alpha: 0 });
}

/** The words for a step under the axis, where their middle is, and the px they take. */
export function stepWord(ctx, step, { X, left, right }) {
  const text = `step ${int(step)}`;
  ctx.font = TICK;
  const half = ctx.measureText(text).width / 2;
  const middle = Math.max(left + half, Math.min(right + 6 - half, X(step)));
  return { text, middle, taken: [middle - half - 8, middle + half + 8] };
}

/** Numbered rings where a sentence has its evidence, beside the line of the first series that has a value there. */
export function evidenceRings(ctx, evidence, series, plot, colors) {
  for (const { step, number } of evidence) {
    const at = series.map((s) => valueAt(s, step, plot)).findLast(Boolean);
    if (!at) continue;
    const below = at.y + 22 < plot.bottom;
    marker(ctx, at.x, at.y + (below ? 14 : -14), number, colors);
  }
}
