// Curve: one line. Thinned to the pixels there are, so that a thousand points cost no more than the width of the chart; gaps stay gaps.
import { roleColor } from "../colors.js";

/** Exponential average that starts at the first value: s = keep s + (1 − keep) y. Gaps are skipped. */
export function average(y, keep) {
  const out = new Float64Array(y.length);
  let mean = NaN;
  for (let i = 0; i < y.length; i++) {
    const v = y[i];
    if (v === v) mean = mean === mean ? keep * mean + (1 - keep) * v : v;
    out[i] = v === v ? mean : NaN;
  }
  return out;
}

/** Index of the last x at or before a step, -1 if there is none. */
export function indexAt(x, step) {
  let [lo, hi] = [0, x.length];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (x[mid] <= step) lo = mid + 1;
    else hi = mid;
  }
  return lo - 1;
}

/**
 * A path through (x, y), each in its own units, as px. Where points are denser than pixels, each column of pixels keeps its lowest and
 * highest value; a `calm` line (an average) keeps only its last.
 * @param {ArrayLike<number>} x @param {ArrayLike<number>} y NaN is a gap @param {{X: Function, Y: Function}} frame @param {{step?: boolean, calm?: boolean}} [options]
 */
export function trace(x, y, { X, Y }, { step = false, calm = false } = {}) {
  const path = new Path2D();
  const n = Math.min(x.length, y.length);
  const columns = n ? Math.abs(X(x[n - 1]) - X(x[0])) : 0;
  let last = NaN; // the y to walk along before a step
  const visit = (px, value) => {
    const py = value === value && value !== null ? Y(value) : NaN;
    if (py !== py) last = NaN;
    else if (last !== last) path.moveTo(px, (last = py));
    else {
      if (step) path.lineTo(px, last);
      path.lineTo(px, (last = py));
    }
  };
  if (n > columns && columns > 0) thinned(x, y, n, X, visit, calm);
  else for (let i = 0; i < n; i++) visit(X(x[i]), y[i]);
  return path;
}

function thinned(x, y, n, X, visit, calm) {
  for (let i = 0; i < n; ) {
    const px = Math.round(X(x[i]));
    let [low, high, end] = [i, i, i];
    for (; end < n && Math.round(X(x[end])) === px; end++) {
      if (y[end] < y[low] || y[low] !== y[low]) low = end;
      if (y[end] > y[high] || y[high] !== y[high]) high = end;
    }
    if (!calm && low !== high) {
      visit(px, y[Math.min(low, high)]);
      visit(px, y[Math.max(low, high)]);
    }
    if (calm || Math.max(low, high) !== end - 1 || low === high) visit(px, y[end - 1]);
    i = end;
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view
 * @param {{X: Function, Y: Function, colors: object, options?: {width?: number, dash?: number[]}}} frame
 */
export function draw(ctx, view, frame) {
  const { colors, options = {} } = frame;
  ctx.strokeStyle = roleColor(colors, view.role);
  ctx.lineWidth = options.width ?? (view.role === "exact" ? 1.25 : 2);
  ctx.lineJoin = "round";
  ctx.setLineDash(options.dash ?? (view.role === "exact" ? [4, 3] : []));
  ctx.stroke(trace(view.arrays.x, view.arrays.y, frame));
  ctx.setLineDash([]);
}
