// A chart for scenes: lines, points with names, dashed levels, shaded gaps, on linear or logarithmic axes.
import { decades, scale, ticks } from "../../axes.js";
import { rgba } from "../../colors.js";
import { short } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, hairline, overlap, plate } from "../../views/text.js";

const MARGIN = { left: 44, right: 14, top: 24, bottom: 38 };
const ROOM = 0.07; // of the range, above and below
const NEAR = 14; // px

/**
 * @typedef {object} Line
 * @property {ArrayLike<number>} x @property {ArrayLike<number>} y @property {string} color a name in Colors
 * @property {number[]} [dash] @property {number} [width] @property {boolean} [dots] @property {string} [label] at its end
 */
/**
 * @param {HTMLElement} container @param {string} label @param {{onPick?: (key: string) => void}} [on]
 * @returns {{update: (data: {xName: string, yName: string, xLog?: boolean, yLog?: boolean, twice?: boolean, lines?: Line[], levels?: {y: number, label: string}[],
 *   points?: {x: number, y: number, half?: number, color: string, hollow?: boolean, label: string, key?: string, strong?: boolean}[], gap?: [number, number],
 *   xs?: [number, number], ys?: [number, number], uprights?: {x: number, label: string}[], right?: number, xMarks?: [number, string][]}|null) => void}}
 */
export function createChart(container, label, { onPick } = {}) {
  const surface = createSurface(container, draw, { label });
  let data = null;
  let places = [];
  if (onPick) {
    const near = (event) => {
      const { x, y } = surface.point(event);
      return places.filter((p) => p.key && Math.hypot(p.px - x, p.py - y) < NEAR)[0];
    };
    surface.canvas.addEventListener("pointermove", (event) => (surface.canvas.style.cursor = near(event) ? "pointer" : ""));
    surface.canvas.addEventListener("click", (event) => near(event) && onPick(near(event).key));
  }

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const plot = planeFor(data, width, height);
    if (!plot) return;
    axes(ctx, plot, data, colors);
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.left - 1, plot.top - 8, plot.right - plot.left + 9, plot.bottom - plot.top + 10);
    ctx.clip();
    if (data.gap) shade(ctx, plot, data.lines[data.gap[0]], data.lines[data.gap[1]], colors);
    for (const line of data.lines ?? []) stroke(ctx, plot, line, colors);
    ctx.restore();
    places = (data.points ?? []).map((p) => ({ ...p, px: plot.X(p.x), py: plot.Y(p.y) }));
    for (const level of data.levels ?? []) dashed(ctx, plot, level, colors);
    for (const mark of data.uprights ?? []) upright(ctx, plot, mark, colors);
    for (const p of places) mark(ctx, plot, p, colors);
    const room = { taken: [], marks: [...(data.lines ?? []).flatMap((line) => along(plot, line)), ...places.flatMap(({ px, py }) => [[px, py], [px - 6, py], [px + 6, py]])] };
    for (const p of places) if (p.label) name(ctx, plot, p, room, colors);
    for (const line of data.lines ?? []) if (line.label && line.y.length) ending(ctx, plot, line, room, colors);
    for (const level of data.levels ?? []) levelName(ctx, plot, level, room, colors);
  }

  return {
    update(next) {
      data = next;
      surface.schedule();
    },
  };
}

/** Places along a line in px, close enough that a word over it is noticed. */
function along({ X, Y }, { x, y }) {
  const out = [];
  for (let i = 0; i < x.length; i++) {
    const here = [X(x[i]), Y(y[i])];
    const from = i ? [X(x[i - 1]), Y(y[i - 1])] : here;
    const n = Math.max(1, Math.ceil(Math.abs(here[0] - from[0]) / 6));
    for (let k = 1; k <= n; k++) out.push([0, 1].map((j) => from[j] + ((here[j] - from[j]) * k) / n));
  }
  return out;
}

/** The first of the boxes that lies over nothing, else the one that lies over least. */
function freest(boxes, { taken, marks }) {
  const over = (b) => 100 * taken.filter((t) => overlap(t, b)).length + marks.filter(([x, y]) => x > b.x && x < b.x + b.width && y > b.y && y < b.y + b.height).length;
  let [best, least] = [boxes[0], Infinity];
  for (const box of boxes) {
    const cost = over(box);
    if (cost < least) [best, least] = [box, cost];
  }
  taken.push(best);
  return best;
}

const finite = (values) => values.filter((v) => Number.isFinite(v));

function planeFor(data, width, height) {
  const { lines = [], points = [], levels = [], xLog, yLog } = data;
  const xs = finite([...lines.flatMap((l) => [...l.x]), ...points.map((p) => p.x)]);
  const ys = finite([...lines.flatMap((l) => [...l.y]), ...points.flatMap((p) => [p.y - (p.half ?? 0), p.y + (p.half ?? 0)]), ...levels.map((l) => l.y)]);
  if (!(xs.length || data.xs) || !(ys.length || data.ys)) return null;
  const [x0, x1] = data.xs ?? ends(xs, xLog, lines.length && !points.length ? 0 : ROOM);
  const [y0, y1] = data.ys ?? ends(ys, yLog, ROOM);
  const box = { left: MARGIN.left, right: width - (data.right ?? MARGIN.right), top: MARGIN.top, bottom: height - MARGIN.bottom };
  return { ...box, x0, x1, y0, y1, X: scale(x0, x1, box.left, box.right, xLog), Y: scale(y0, y1, box.bottom, box.top, yLog) };
}

function ends(values, log, room) {
  const f = log ? Math.log10 : (v) => v;
  const back = log ? (v) => 10 ** v : (v) => v;
  const [lo, hi] = [Math.min(...values), Math.max(...values)].map(f);
  const by = (hi - lo || 1) * room || (hi > lo ? 0 : 0.5);
  return [back(lo - by), back(hi + by)];
}

/** Round places on a logarithmic axis: powers of ten; where there are few of them 1, 2 and 5 of each, or powers of two. */
function logTicks(lo, hi, twice) {
  const tens = decades(10 ** Math.ceil(Math.log10(lo) - 1e-9), 10 ** Math.floor(Math.log10(hi) + 1e-9));
  if (tens.length > 2) return tens;
  if (!twice) return [...Array(20).keys()].flatMap((k) => [1, 2, 5].map((m) => m * 10 ** (k - 4))).filter((v) => v >= lo && v <= hi);
  const twos = [];
  for (let k = Math.ceil(Math.log2(lo) - 1e-9); k <= Math.log2(hi) + 1e-9; k++) twos.push(2 ** k);
  return twos.length > 8 ? twos.filter((_, i) => i % 2 === 0) : twos;
}

/** Large numbers in few signs: 12k, 3.4M, 175B, beyond as powers of ten. */
export function large(v) {
  if (v >= 1e15) return `1e${Math.round(Math.log10(v))}`;
  for (const [size, sign] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]]) if (v >= size) return `${short(v / size)}${sign}`;
  return short(v);
}

function axes(ctx, { left, right, top, bottom, x0, x1, y0, y1, X, Y }, { xName, yName, xLog, yLog, xMarks, twice }, colors) {
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  const values = yLog ? logTicks(y0, y1, false) : ticks(y0, y1, bottom - top, 30);
  for (const v of values) {
    hairline(ctx, left, Y(v), right, Y(v), colors.line);
    ctx.fillStyle = colors.ink3;
    ctx.fillText(large(v), left - 6, Y(v));
  }
  ctx.textAlign = "center";
  ctx.fillStyle = colors.ink3;
  const below = xMarks ?? (xLog ? logTicks(x0, x1, twice) : ticks(x0, x1, right - left, 56)).map((v) => [v, large(v)]);
  for (const [v, words] of below) ctx.fillText(words, X(v), bottom + 11);
  ctx.fillStyle = colors.ink2;
  ctx.textAlign = "right";
  ctx.fillText(xName, right, bottom + 27);
  ctx.textAlign = "left";
  ctx.fillText(yName, 2, 9);
}

function path(ctx, { X, Y }, { x, y }) {
  ctx.beginPath();
  let drawing = false;
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(y[i])) drawing = false;
    else if (drawing) ctx.lineTo(X(x[i]), Y(y[i]));
    else ctx.moveTo(X(x[i]), Y(y[i])), (drawing = true);
  }
}

function stroke(ctx, plot, line, colors) {
  ctx.strokeStyle = ctx.fillStyle = colors[line.color];
  ctx.lineWidth = line.width ?? 2;
  ctx.lineJoin = "round";
  if (line.width === 0) return; // only the edge of a shade
  ctx.setLineDash(line.dash ?? []);
  path(ctx, plot, line);
  ctx.stroke();
  ctx.setLineDash([]);
  if (!line.dots) return;
  for (let i = 0; i < line.x.length; i++) {
    ctx.beginPath();
    ctx.arc(plot.X(line.x[i]), plot.Y(line.y[i]), 3.2, 0, 2 * Math.PI);
    ctx.fill();
  }
}

/** Between two lines over the same places. */
function shade(ctx, { X, Y }, low, high, colors) {
  if (!low?.x.length || !high?.x.length) return;
  ctx.fillStyle = rgba(colors.accent, colors.dark ? 0.3 : 0.16);
  ctx.beginPath();
  for (let i = 0; i < high.x.length; i++) ctx.lineTo(X(high.x[i]), Y(high.y[i]));
  for (let i = low.x.length - 1; i >= 0; i--) ctx.lineTo(X(low.x[i]), Y(low.y[i]));
  ctx.closePath();
  ctx.fill();
}

const visible = ({ top, bottom, Y }, y) => Y(y) >= top - 6 && Y(y) <= bottom + 1;

function dashed(ctx, plot, { y }, colors) {
  if (!visible(plot, y)) return;
  ctx.strokeStyle = colors.exact;
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(plot.left, Math.round(plot.Y(y)) + 0.5);
  ctx.lineTo(plot.right, Math.round(plot.Y(y)) + 0.5);
  ctx.stroke();
  ctx.setLineDash([]);
}

function levelName(ctx, plot, { y, label }, room, colors) {
  if (!visible(plot, y)) return;
  const { left, right, Y } = plot;
  ctx.font = TICK;
  const w = ctx.measureText(label).width + 6;
  const xs = [right - w, left + 4, left + 0.3 * (right - left), left + 0.6 * (right - left)];
  const box = freest(xs.flatMap((x) => [Y(y) - 15, Y(y) + 2].map((top) => ({ x, y: top, width: w, height: 13 }))), room);
  plate(ctx, label, box.x + 2, box.y + 6.5, { colors, height: 13 });
}

function ending(ctx, { X, Y, left, right, top, bottom }, line, room, colors) {
  ctx.font = LABEL;
  const w = ctx.measureText(line.label).width + 6;
  const boxes = [1, 0.8, 0.6, 0.4].flatMap((share) => {
    const i = Math.round(share * (line.y.length - 1));
    const x = Math.max(left, Math.min(X(line.x[i]), right) - w);
    return [-20, 6, -34, 20].map((by) => ({ x, y: Math.max(top - 10, Math.min(bottom - 16, Y(line.y[i]) + by)), width: w, height: 15 }));
  });
  const box = freest(boxes, room);
  plate(ctx, line.label, box.x + 2, box.y + 7.5, { colors, color: colors[line.color], font: LABEL, height: 16 });
}

function upright(ctx, { X, top, bottom, left, right }, { x, label }, colors) {
  const px = Math.max(left, Math.min(right, X(x)));
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(px, top);
  ctx.lineTo(px, bottom);
  ctx.stroke();
  if (!label) return;
  ctx.font = TICK;
  const before = px + ctx.measureText(label).width + 12 > right;
  plate(ctx, label, px + (before ? -6 : 6), top + 7, { colors, align: before ? "right" : "left" });
}

/** A dot with a halo, a ring if hollow; with its interval. */
function mark(ctx, { Y }, { px, py, y, half, color, hollow, strong }, colors) {
  if (half) {
    ctx.strokeStyle = colors[color];
    ctx.lineWidth = 3;
    ctx.beginPath();
    ctx.moveTo(px, Y(y - half));
    ctx.lineTo(px, Y(y + half));
    ctx.stroke();
  }
  ctx.beginPath();
  ctx.arc(px, py, strong ? 7 : 5.5, 0, 2 * Math.PI);
  ctx.fillStyle = hollow ? colors.surface : colors[color];
  ctx.strokeStyle = hollow ? colors[color] : colors.surface;
  ctx.lineWidth = hollow ? 2 : 1.5;
  ctx.fill();
  ctx.stroke();
  if (!strong) return;
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.arc(px, py, 9.5, 0, 2 * Math.PI);
  ctx.stroke();
}

function name(ctx, { right, left, top }, { px, py, label, strong }, room, colors) {
  ctx.font = LABEL;
  const w = ctx.measureText(label).width + 4;
  const around = [[px + 11, py - 8], [px - 11 - w, py - 8], [px - w / 2, py - 26], [px - w / 2, py + 11], [px + 9, py + 6], [px + 9, py - 23], [px - 9 - w, py - 23], [px - 9 - w, py + 6], [px - w, py - 40], [px - w, py + 25]];
  const boxes = around.filter(([x, y]) => x + w < right + 12 && x > left - 4 && y > top - 22).map(([x, y]) => ({ x, y, width: w, height: 16 }));
  const box = freest(boxes.length ? boxes : [{ x: Math.max(left, px - w - 11), y: py - 8, width: w, height: 16 }], room);
  plate(ctx, label, box.x + 2, box.y + 8, { colors, color: strong ? colors.ink : colors.ink2, font: LABEL, height: 16 });
}
