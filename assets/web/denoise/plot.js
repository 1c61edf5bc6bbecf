// A plot of scenes: a few lines over one axis, linear or logarithmic, each named at its end, with dashed floors and a cursor.
import { decades, scale, ticks, valueAxis } from "../axes.js";
import { rgba, roleColor } from "../colors.js";
import { short } from "../format.js";
import { createSurface } from "../surface.js";
import { trace } from "../views/curve.js";
import { LABEL, TICK, plate } from "../views/text.js";

const MARGIN = { left: 44, right: 12, top: 22, bottom: 34 };
const LINE = 14; // px between two names at the ends of lines

/** Round values over a logarithmic axis: powers of ten, with twos and fives where it is short. */
function logTicks(lo, hi, short_ = 1.6) {
  const fine = Math.log10(hi / lo) < short_ ? [1, 2, 5] : [1];
  const all = decades(10 ** Math.floor(Math.log10(lo)), 10 ** Math.ceil(Math.log10(hi)), 12).flatMap((d) => fine.map((m) => m * d));
  return all.filter((v) => v >= lo * 0.999 && v <= hi * 1.001);
}

/** Ends of an axis over values: a given range, else from their least (0 on a linear axis, if none is below) to their most. */
function endsOf(values, { log, range, room = 0.06 }) {
  if (range) return range;
  const known = values.filter((v) => Number.isFinite(v) && (!log || v > 0));
  if (!known.length) return log ? [0.1, 1] : [0, 1];
  const [lo, hi] = [Math.min(...known), Math.max(...known)];
  if (log) return room ? [lo / 1.12, Math.max(hi * 1.12, lo * 2)] : [lo, Math.max(hi, lo * 2)];
  const from = Math.min(0, lo);
  return [from - (from < 0 ? (hi - lo) * room : 0), hi + ((hi - from) * room || 1)];
}

/**
 * @typedef {object} PlotLine
 * @property {string} name @property {ArrayLike<number>} x @property {ArrayLike<number>} y @property {string} color a role or a name in Colors
 * @property {number[]} [dash] @property {number} [width] @property {boolean} [dots] @property {boolean} [bare] without its name @property {number[][]} [spread] [x, low, high]
 */
/**
 * @param {HTMLElement} container @param {string} label
 * @param {{onPick?: (x: number) => void}} [on]
 * @returns {{update: (data: {lines: PlotLine[], x: {name: string, log?: boolean, range?: number[], marks?: [number, string][]}, y: {name: string, log?: boolean, range?: number[]},
 *   floors?: {y: number, label: string, band?: [number, number]}[], cursor?: number|null, room?: number}) => void, canvas: HTMLCanvasElement}} `room` px on the right for names
 */
export function createPlot(container, label, { onPick } = {}) {
  const surface = createSurface(container, draw, { label });
  let data = null;
  let plot = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const { lines, x, y, floors = [], cursor = null, room = 0 } = data;
    const box = { left: MARGIN.left, right: width - Math.max(MARGIN.right, width < 340 ? room * 0.8 : room), top: MARGIN.top, bottom: height - MARGIN.bottom };
    const xs = endsOf(lines.flatMap((l) => Array.from(l.x)), { room: 0, ...x });
    const ys = endsOf([...lines.flatMap((l) => [...Array.from(l.y), ...(l.spread ?? []).flatMap((s) => s.slice(1))]), ...floors.flatMap((f) => [f.y, ...(f.band ?? [])])], y);
    plot = { ...box, xs, X: scale(...xs, box.left, box.right, x.log), Y: scale(...ys, box.bottom, box.top, y.log) };
    axes(ctx, plot, ys, colors);
    ctx.save();
    ctx.beginPath();
    ctx.rect(box.left - 4, box.top - 5, box.right - box.left + 8, box.bottom - box.top + 10);
    ctx.clip();
    for (const line of lines) stroke(ctx, line, plot, colors);
    if (cursor != null) upright(ctx, plot, cursor, colors);
    ctx.restore();
    for (const { y: at, label: words, band } of floors) level(ctx, plot, { at, words, band }, colors);
    names(ctx, lines.filter((l) => !l.bare && l.x.length), plot, colors);
  }

  function axes(ctx, { left, right, top, bottom, X, Y, xs }, ys, colors) {
    const values = data.y.log ? logTicks(...ys) : ticks(...ys, bottom - top, 30);
    valueAxis(ctx, values, { Y, left, right }, colors, data.y.log ? (list) => list.map(short) : undefined);
    ctx.font = TICK;
    ctx.fillStyle = colors.ink3;
    ctx.textAlign = "center";
    const marks = data.x.marks ?? (data.x.log ? logTicks(...xs, 2.7) : ticks(...xs, right - left, 52)).map((v) => [v, short(v)]);
    let end = -Infinity;
    for (const [v, words] of marks) {
      const half = ctx.measureText(words).width / 2;
      if (X(v) - half < end + 6) continue;
      ctx.fillText(words, X(v), bottom + 11);
      end = X(v) + half;
    }
    ctx.fillStyle = colors.ink2;
    ctx.textAlign = "right";
    ctx.fillText(data.x.name, right, bottom + 25);
    ctx.textAlign = "left";
    ctx.fillText(data.y.name, 2, 9);
  }

  function stroke(ctx, line, { X, Y }, colors) {
    ctx.strokeStyle = ctx.fillStyle = roleColor(colors, line.color);
    for (const [x, low, high] of line.spread ?? []) {
      ctx.lineWidth = 3;
      ctx.globalAlpha = 0.35;
      ctx.beginPath();
      ctx.moveTo(X(x), Y(low));
      ctx.lineTo(X(x), Y(high));
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    ctx.lineWidth = line.width ?? 2;
    ctx.lineJoin = "round";
    ctx.setLineDash(line.dash ?? []);
    ctx.stroke(trace(line.x, line.y, { X, Y }));
    ctx.setLineDash([]);
    if (!line.dots) return;
    for (let i = 0; i < line.x.length; i++) {
      ctx.beginPath();
      ctx.arc(X(line.x[i]), Y(line.y[i]), 3, 0, 2 * Math.PI);
      ctx.fill();
    }
  }

  function upright(ctx, { X, top, bottom, Y }, at, colors) {
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(Math.round(X(at)) + 0.5, top - 4);
    ctx.lineTo(Math.round(X(at)) + 0.5, bottom);
    ctx.stroke();
    for (const line of data.lines) {
      const i = Array.from(line.x).reduce((best, v, k) => (Math.abs(v - at) < Math.abs(line.x[best] - at) ? k : best), 0);
      if (line.faint || !line.x.length) continue;
      ctx.beginPath();
      ctx.arc(X(at), Y(line.y[i]), 4, 0, 2 * Math.PI);
      ctx.fillStyle = colors.surface;
      ctx.fill();
      ctx.stroke();
    }
  }

  function level(ctx, { left, right, Y, top, bottom }, { at, words, band }, colors) {
    if (band) {
      const [low, high] = band.map((v) => Math.max(top, Math.min(bottom, Y(v))));
      ctx.fillStyle = rgba(colors.exact, 0.1);
      ctx.fillRect(left, high, right - left, Math.max(1.5, low - high));
    }
    if (!(Y(at) >= top - 2 && Y(at) <= bottom + 2)) return;
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(left, Y(at));
    ctx.lineTo(right, Y(at));
    ctx.stroke();
    ctx.setLineDash([]);
    if (words) plate(ctx, words, left + 6, Y(at) + (crowdBelow(at) ? -9 : 9), { colors });
  }

  /** Whether the lines run under a level where its name would stand, or the axis does. */
  function crowdBelow(at) {
    const { X, Y, left, right, bottom } = plot;
    if (bottom - Y(at) < 18) return true;
    if (Y(at) - plot.top < 14) return false;
    const near = data.lines.flatMap((l) => Array.from(l.y).filter((_, i) => X(l.x[i]) < left + (right - left) * 0.4));
    return near.filter((v) => v < at).length > near.length / 2;
  }

  /** Names at the ends of lines, moved apart where they would meet. */
  function names(ctx, lines, { X, Y, right, top, bottom }, colors) {
    const lowest = bottom - 2;
    const ends = lines.map((l) => ({ l, x: X(l.x[l.x.length - 1]), y: Math.max(top, Math.min(bottom, Y(l.y[l.y.length - 1]))) })).sort((a, b) => a.y - b.y);
    ends.forEach((e, i) => (e.at = i ? Math.max(e.y, ends[i - 1].at + LINE) : e.y));
    for (let i = ends.length - 1, limit = lowest; i >= 0; i--, limit -= LINE) ends[i].at = Math.min(ends[i].at, limit);
    ctx.font = LABEL;
    for (const { l, x, at } of ends) {
      const beside = data.room && x > right - 12;
      const before = Math.min(x, right) - 4 - ctx.measureText(l.name).width > 2; // whether it fits on the left of its end
      plate(ctx, l.name, beside ? right + 7 : before ? Math.min(x, right) - 4 : x + 6, beside ? at : at - 9, { colors, font: LABEL, height: 15, align: beside || !before ? "left" : "right", color: l.faint ? colors.ink3 : roleColor(colors, l.color) });
    }
  }

  if (onPick) {
    surface.canvas.style.cursor = "pointer";
    surface.canvas.addEventListener("click", (event) => {
      if (!plot) return;
      const at = (surface.point(event).x - plot.left) / (plot.right - plot.left);
      const [a, b] = data.x.log ? plot.xs.map(Math.log) : plot.xs;
      const v = a + Math.max(0, Math.min(1, at)) * (b - a);
      onPick(data.x.log ? Math.exp(v) : v);
    });
  }

  return {
    canvas: surface.canvas,
    update(next) {
      data = next;
      surface.schedule();
    },
  };
}
