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

/** A path through (x, y), each in its own units, as px. Per pixel column at most first, lowest, highest and last. */
export function trace(x, y, { X, Y }, { step = false, thin = true } = {}) {
  const path = new Path2D();
  const n = Math.min(x.length, y.length);
  const columns = n ? Math.abs(X(x[n - 1]) - X(x[0])) : 0;
  const each = thin && n > 2 * columns && columns > 0 ? thinned : plain;
  let last = NaN; // the y to walk along before a step
  each(x, y, n, X, Y, (px, py) => {
    if (py !== py) last = NaN;
    else if (last !== last) path.moveTo(px, (last = py));
    else {
      if (step) path.lineTo(px, last);
      path.lineTo(px, (last = py));
    }
  });
  return path;
}

function plain(x, y, n, X, Y, visit) {
  for (let i = 0; i < n; i++) visit(X(x[i]), y[i] === y[i] && y[i] !== null ? Y(y[i]) : NaN);
}

function thinned(x, y, n, X, Y, visit) {
  for (let i = 0; i < n; ) {
    const px = Math.round(X(x[i]));
    let [low, high, end] = [i, i, i];
    for (; end < n && Math.round(X(x[end])) === px; end++) {
      if (y[end] < y[low] || y[low] !== y[low]) low = end;
      if (y[end] > y[high] || y[high] !== y[high]) high = end;
    }
    const picked = [i, Math.min(low, high), Math.max(low, high), end - 1];
    picked.forEach((k, j) => (j === 0 || k !== picked[j - 1]) && visit(px, y[k] === y[k] && y[k] !== null ? Y(y[k]) : NaN));
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
