// Charts: lines against the step, bars and sparklines. They sit on the page without a frame, with hairlines only, and every
// equilibrium, floor or ceiling is a dashed line with its name on it.
import { Range, decades, scale, stepAxis, ticks, valueAxis } from "./axes.js";
import { cursorLine, dashedLines, endLabels, eventMarks, evidenceRings, namedLines, readout, stepWord } from "./overlays.js";
import { roleColor } from "./colors.js";
import { percent, short } from "./format.js";
import { createSurface, slowLabel } from "./surface.js";
import { draw as drawBars } from "./views/bars.js";
import { average, indexAt, trace } from "./views/curve.js";
import { marker } from "./views/text.js";

const MARGIN = { left: 36, right: 8, top: 8, bottom: 20 };

/**
 * @typedef {object} Series
 * @property {string} id
 * @property {number[][]|{x: ArrayLike<number>, y: ArrayLike<number>}} points [[step, value], ...] or columns; null and NaN are gaps
 * @property {string} color a role ("model", "data", "reference", "exact") or a name in Colors ("accent")
 * @property {number} [smooth] weight of the past in the average drawn on top of the faint raw line; 0 or absent: the line itself
 * @property {number[]} [dash] @property {boolean} [step] a count: drawn as steps @property {number} [width]
 * @property {string} [label] name at the end of the line, with its value there
 */

/** Columns of numbers, null as NaN. */
function columns(points) {
  if (!Array.isArray(points)) return points ?? { x: [], y: [] };
  const x = new Float64Array(points.length);
  const y = new Float64Array(points.length);
  points.forEach((p, i) => {
    x[i] = p[0];
    y[i] = p[1] ?? NaN;
  });
  return { x, y };
}

const prepare = (s) => {
  const { x, y } = columns(s.points);
  return { ...s, x, y, line: s.smooth ? average(y, s.smooth) : y };
};

/**
 * A line chart against the step.
 * @param {HTMLElement} container
 * @param {{label?: string, height?: number, names?: number, onHover?: (step: number|null) => void, onPick?: (step: number) => void}} [options]
 *   `names`: px on the right for the names of the dashed lines, which else stand on them
 * @returns {{update: (data: {series?: Series[], xMax?: number, lines?: {y: number, label?: string, below?: boolean, band?: [number, number]}[],
 *   marks?: {x: number, label?: string}[], evidence?: {number: number, step: number}[], cursor?: number|null, hover?: number|null,
 *   log?: boolean, yRange?: [number, number], run?: unknown}) => void, canvas: HTMLCanvasElement, range: () => [number, number],
 *   resize: () => void, setLabel: (text: string) => void, destroy: () => void}}
 *   `band` is where most real data lie around a line; `update` merges; a changed `run` (or an empty chart) lets the axis start afresh
 */
export function createChart(container, { label = "chart", height = 130, names = 0, onHover, onPick } = {}) {
  let data = { series: [], xMax: 0, lines: [], marks: [], evidence: [], cursor: null, hover: null };
  let own = null; // the step under the pointer in this chart
  let plot = null; // the mapping of the last draw
  const range = new Range();
  const surface = createSurface(container, draw, { label, height });
  const { canvas } = surface;
  canvas.style.touchAction = "pan-y";

  function update(changes) {
    const before = data;
    data = { ...data, ...changes };
    if (changes.series) data.series = changes.series.map(prepare);
    if (data.run !== before.run || data.log !== before.log || !data.series.some((s) => s.x.length)) range.reset();
    for (const s of data.series) range.include(s.line, data.log);
    range.include(data.lines.flatMap((l) => [l.y, ...(l.band ?? [])]), data.log);
    surface.schedule();
  }

  /** Where steps and values lie for this size. */
  function mapping(width, height) {
    const [lo, hi] = data.yRange ?? (range.lo < range.hi ? [range.lo, range.hi] : data.log ? [0.1, 1] : [0, 1]);
    const box = { left: MARGIN.left, right: width - (data.lines.length && names ? names : MARGIN.right), top: MARGIN.top, bottom: height - MARGIN.bottom, xMax: data.xMax, lo, hi, width, height };
    return { ...box, X: scale(0, Math.max(data.xMax, 1), box.left, box.right), Y: scale(lo, hi, box.bottom, box.top, data.log) };
  }

  function draw(ctx, width, height, colors) {
    plot = mapping(width, height);
    const hover = own ?? data.hover;
    drawAxes(ctx, plot, data, colors, hover == null ? null : stepWord(ctx, hover, plot).taken);
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.left, plot.top - 4, plot.right - plot.left + 1, plot.bottom - plot.top + 6);
    ctx.clip();
    for (const s of data.series) drawSeries(ctx, s, plot, colors);
    ctx.restore();
    if (names) namedLines(ctx, data.lines, plot, colors);
    else dashedLines(ctx, data.lines, plot, colors);
    eventMarks(ctx, data.marks, plot, colors);
    if (data.cursor != null) cursorLine(ctx, data.series, data.cursor, plot, colors, { strong: true });
    if (hover != null && hover !== data.cursor) cursorLine(ctx, data.series, hover, plot, colors, {});
    evidenceRings(ctx, data.evidence, data.series, plot, colors);
    if (hover == null || hover === data.cursor) endLabels(ctx, data.series, data.cursor, plot, colors);
    if (hover != null) readout(ctx, data.series, hover, plot, colors);
  }

  /** The step nearest to the pointer that has a value. */
  function stepUnder(event) {
    if (!plot) return null;
    const { x } = surface.point(event);
    const step = ((x - plot.left) / (plot.right - plot.left)) * Math.max(data.xMax, 1);
    const longest = data.series.reduce((a, b) => (b.x.length > a.length ? b.x : a), []);
    if (!longest.length) return null;
    const i = Math.max(0, indexAt(longest, step));
    return i + 1 < longest.length && longest[i + 1] - step < step - longest[i] ? longest[i + 1] : longest[i];
  }

  function hoverTo(step) {
    if (step === own) return;
    own = step;
    surface.schedule();
    onHover?.(step);
  }

  canvas.addEventListener("pointermove", (event) => hoverTo(stepUnder(event)));
  canvas.addEventListener("pointerleave", () => hoverTo(null));
  canvas.addEventListener("click", (event) => {
    const step = stepUnder(event);
    if (step != null) onPick?.(step);
  });
  const ends = () => data.yRange ?? [range.lo, range.hi];
  return { update, canvas, range: ends, resize: surface.resize, setLabel: slowLabel(canvas), destroy: surface.destroy };
}

/** Hairlines and ticks; a dashed line without a name gets its value on the axis. */
function drawAxes(ctx, plot, { log, lines }, colors, taken) {
  const { lo, hi, top, bottom, Y } = plot;
  const named = lines.filter((l) => !l.label && l.y >= lo && l.y <= hi).map((l) => l.y);
  const regular = log ? decades(lo, hi, Math.max(2, Math.floor((bottom - top) / 24))) : ticks(lo, hi, bottom - top, Math.min(24, (bottom - top) / 4), lines.map((l) => l.y));
  const values = regular.filter((v) => named.every((y) => v === y || Math.abs(Y(v) - Y(y)) > 13));
  valueAxis(ctx, [...new Set([...values, ...named])], plot, colors, log ? (list) => list.map(short) : undefined);
  stepAxis(ctx, plot, colors, taken);
}

function drawSeries(ctx, s, plot, colors) {
  ctx.strokeStyle = roleColor(colors, s.color);
  ctx.lineJoin = "round";
  ctx.setLineDash(s.dash ?? []);
  if (s.smooth) {
    ctx.globalAlpha = 0.28;
    ctx.lineWidth = 1;
    ctx.stroke(trace(s.x, s.y, plot));
    ctx.globalAlpha = 1;
  }
  ctx.lineWidth = s.width ?? 2;
  ctx.stroke(trace(s.x, s.line, plot, { step: s.step, calm: Boolean(s.smooth) }));
  ctx.setLineDash([]);
}

const USUAL = 2.56; // times its fair share: the axis, until a bar holds more

/**
 * One bar per category, with the share each should have. The scale is fixed by that share, and goes to 100 % while a bar holds far
 * more: a collapse is drawn whole.
 * @param {HTMLElement} container
 * @param {{label?: string, height?: number}} [options]
 * @returns {{update: (data: {values: ArrayLike<number>, labels?: string[], fair?: number|null, low?: number|null, role?: string,
 *   marks?: {index: number, number: number}[]}) => void, canvas: HTMLCanvasElement, resize: () => void, setLabel: (text: string) => void, destroy: () => void}}
 */
export function createBars(container, { label = "bars", height = 104 } = {}) {
  let data = { values: [], labels: [] };
  const range = new Range();
  const surface = createSurface(container, draw, { label, height });

  function update(changes) {
    if (changes.labels && changes.labels.length !== data.labels.length) range.reset();
    data = { ...data, ...changes };
    range.include(data.values);
    surface.schedule();
  }

  function draw(ctx, width, height, colors) {
    if (!data.values.length) return;
    const usual = USUAL * (data.fair ?? 0);
    const hi = !data.fair ? Math.max(range.hi, 1e-9) : Math.max(...data.values) > usual ? 1 : usual;
    const plot = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top + 8, bottom: height - MARGIN.bottom };
    const Y = scale(0, hi, plot.bottom, plot.top);
    valueAxis(ctx, ticks(0, hi, plot.bottom - plot.top, 32), { ...plot, Y }, colors, shares);
    const view = { role: data.role ?? "model", labels: data.labels, low: data.low, arrays: { values: data.values } };
    const middles = drawBars(ctx, view, { Y, left: plot.left, width: plot.right - plot.left, bottom: plot.bottom, colors });
    if (data.fair) dashedLines(ctx, [{ y: data.fair }], { ...plot, Y, lo: 0, hi }, colors);
    for (const { index, number } of data.marks ?? []) {
      if (middles[index] != null) marker(ctx, middles[index], Math.max(8, Math.min(Y(data.values[index]), Y(data.fair ?? 0) + 12) - 12), number, colors);
    }
  }

  return { update, canvas: surface.canvas, resize: surface.resize, setLabel: slowLabel(surface.canvas), destroy: surface.destroy };
}

const shares = (values) => values.map((v) => (v === 0 ? "0" : percent(v, Math.abs(100 * v - Math.round(100 * v)) < 1e-6 ? 0 : 1)));

/**
 * A small line without axes, with its optimum dashed and its newest value as a dot. Fills its container.
 * @param {HTMLElement} container
 * @returns {{update: (data: {points?: number[][], values?: number[], step?: boolean, line?: number|null, band?: [number, number]|null, lo?: number, hi?: number, color?: string}) => void,
 *   canvas: HTMLCanvasElement, resize: () => void, destroy: () => void}}
 */
export function createSpark(container) {
  let data = {};
  const surface = createSurface(container, draw);

  function draw(ctx, width, height, colors) {
    const { x, y } = data.columns ?? { x: [], y: [] };
    const seen = Array.from(y).filter(Number.isFinite);
    const all = [...seen, ...(data.line == null ? [] : [data.line]), ...(data.band ?? [])];
    if (!all.length) return;
    const lo = data.lo ?? Math.min(...all);
    const hi = data.hi ?? Math.max(...all, lo + 1e-9);
    const X = scale(x[0] ?? 0, Math.max(x.at(-1) ?? 1, (x[0] ?? 0) + 1), 3, width - 4);
    const Y = scale(Math.min(lo, ...all), hi, height - 3, 3);
    if (data.line != null) dashedLines(ctx, [{ y: data.line, band: data.band }], { Y, lo, hi, left: 0, right: width }, colors, 1);
    ctx.strokeStyle = ctx.fillStyle = roleColor(colors, data.color ?? "model");
    ctx.lineWidth = 1.5;
    ctx.lineJoin = "round";
    ctx.stroke(trace(x, y, { X, Y }, { step: data.step }));
    const last = y.length - 1;
    if (!(y[last] === y[last]) || last < 0) return;
    ctx.beginPath();
    ctx.arc(X(x[last]), Y(y[last]), 2.2, 0, 2 * Math.PI);
    ctx.fill();
  }

  function update(changes) {
    data = { ...data, ...changes };
    data.columns = columns(data.points ?? (data.values ?? []).map((v, i) => [i, v]));
    surface.schedule();
  }

  return { update, canvas: surface.canvas, resize: surface.resize, destroy: surface.destroy };
}
