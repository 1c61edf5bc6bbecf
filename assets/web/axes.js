// Axes: round ticks, and ranges that only widen. A range that follows every frame would hide that a value grows.
import { fixed, int, short } from "./format.js";
import { TICK } from "./views/text.js";

const TIDY = [1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8, 10]; // ends of axes
const USUAL = [1, 2, 5]; // distances of ticks
const ALSO = [1, 2, 2.5, 4, 5]; // with those that may meet a line

const HEADROOM = 1.2; // above the smoothed line, for raw values and names of lines

const power = (v) => 10 ** Math.floor(Math.log10(v));
const meets = (v, step) => Math.abs(v / step - Math.round(v / step)) < 1e-6;

/** The next tidy number at or above v > 0. */
export const tidy = (v) => power(v) * TIDY.find((m) => m * power(v) >= v * (1 - 1e-9));

/**
 * Two to five round values over [lo, hi], not closer than `room` px on an axis of `length` px; they meet the lines in `through` if they can.
 * @param {number} lo @param {number} hi @param {number} length @param {number} room @param {number[]} [through] @returns {number[]}
 */
export function ticks(lo, hi, length, room, through = []) {
  const least = ((hi - lo) * room) / Math.max(length, 1);
  if (!(least > 0)) return [lo];
  const from = (sizes) => [1, 10].flatMap((k) => sizes.map((m) => m * k * power(least))).filter((s) => s >= least * 0.999);
  const meeting = from(ALSO).find((s) => s < 2 * least && through.some((y) => meets(y, s)));
  const step = meeting ?? from(USUAL)[0];
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + 1e-9 * step; k++) out.push(k * step);
  return out;
}

/** A range that starts narrow and widens: linear ends in tidy numbers, logarithmic ones in powers of ten. */
export class Range {
  constructor() {
    this.reset();
  }

  reset() {
    this.lo = Infinity;
    this.hi = -Infinity;
  }

  /** Take in values; NaN and, on a log axis, what is not positive are passed over. @param {Iterable<number>} values @param {boolean} log */
  include(values, log = false) {
    let [lo, hi] = [Infinity, -Infinity];
    for (const v of values) {
      if (!Number.isFinite(v) || (log && v <= 0)) continue;
      if (v < lo) lo = v;
      if (v > hi) hi = v;
    }
    if (lo > hi) return;
    if (log) this.widenLog(lo, hi);
    else this.widen(lo, hi);
  }

  widenLog(lo, hi) {
    this.lo = Math.min(this.lo, 10 ** Math.floor(Math.log10(lo) + 1e-9));
    this.hi = Math.max(this.hi, 10 ** Math.ceil(Math.log10(hi) - 1e-9), this.lo * 10);
  }

  widen(lo, hi) {
    const size = Math.max(Math.abs(lo), Math.abs(hi), 1e-9);
    if (hi > this.hi) this.hi = hi > 0 ? tidy(hi * HEADROOM) : 0;
    if (lo < this.lo) this.lo = lo < 0 ? -tidy(-lo * HEADROOM) : 0;
    if (this.hi - this.lo < size * 1e-6) this.hi = this.lo + 1;
  }
}

/** Powers of ten within [lo, hi], at most `most` of them. */
export function decades(lo, hi, most = 5) {
  const [a, b] = [Math.round(Math.log10(lo)), Math.round(Math.log10(hi))];
  const every = Math.max(1, Math.ceil((b - a + 1) / most));
  const out = [];
  for (let k = a; k <= b; k += every) out.push(10 ** k);
  return out;
}

/** The position of a value between two ends, in px. */
export function scale(lo, hi, from, to, log = false) {
  const f = log ? Math.log10 : (v) => v;
  const [a, b] = [f(lo), f(hi)];
  const k = b > a ? (to - from) / (b - a) : 0;
  return (v) => from + (f(v) - a) * k;
}

/** Steps along the bottom; the last one says what they are. Words that would touch `taken` px are left out. */
export function stepAxis(ctx, { X, left, right, bottom, xMax }, colors, taken = null) {
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.fillStyle = colors.ink3;
  const steps = xMax > 0 ? ticks(0, xMax, right - left, 68) : [0];
  steps.forEach((step, i) => {
    const text = i && i === steps.length - 1 ? `step ${int(step)}` : int(step);
    const width = ctx.measureText(text).width;
    const x = Math.max(left, Math.min(X(step) - width / 2, right + 6 - width));
    if (!taken || x > taken[1] || x + width < taken[0]) ctx.fillText(text, x, bottom + 11);
  });
}

/** All values with as many decimals as the longest of them needs. */
function alike(values) {
  const texts = values.map((v) => (Math.abs(v) >= 9999.5 ? `${short(v / 1000)}k` : short(v)));
  if (texts.some((t) => t.endsWith("k"))) return texts;
  if (texts.some((t) => t.includes("e"))) return texts;
  const decimals = Math.max(...texts.map((t) => t.split(".")[1]?.length ?? 0));
  return values.map((v) => (v === 0 ? "0" : fixed(v, decimals)));
}

/** Hairlines with their values on the left. `write` turns all values into words. */
export function valueAxis(ctx, values, { Y, left, right }, colors, write = alike) {
  const texts = write(values);
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "right";
  ctx.strokeStyle = colors.line;
  ctx.fillStyle = colors.ink3;
  ctx.lineWidth = 1;
  ctx.beginPath();
  values.forEach((v, i) => {
    const y = Math.round(Y(v) - 0.5) + 0.5;
    ctx.moveTo(left, y);
    ctx.lineTo(right, y);
    ctx.fillText(texts[i], left - 6, y);
  });
  ctx.stroke();
}
