// One metric over many runs: a dot for each, their mean with its interval, and the optimum dashed through all. An earlier set hangs
// below the line, lighter and dotted. Runs without a value stand beside the axis.
import { decades, scale, ticks } from "./axes.js";
import { rgba } from "./colors.js";
import { int, short } from "./format.js";
import { createSurface } from "./surface.js";
import { hairline, plate, TICK } from "./views/text.js";

const SIDE = 16; // px left and right of the axis
const ASIDE = 34; // px for runs without a value
const AXIS = 15; // px for the numbers at the bottom
const NEAR = 9; // px from a dot that count as on it
const RADIUS = { now: 3, ghost: 2.2 };

/**
 * @typedef {object} Mark
 * @property {number} seed
 * @property {number|null} value null stands beside the axis
 * @property {"full"|"part"|"lost"|"undefined"} kind full and part by shape: filled, hollow
 */
/** @typedef {{marks: Mark[], mean: number|null, lo: number|null, hi: number|null, text: string}} Lane lo and hi are the ends of the interval */

/**
 * @param {HTMLElement} box has its size from the style sheet
 * @param {{label: string, mark?: string, onHover: (seed: number|null) => void, onPick: (seed: number) => void}} on `mark` is the shape of the
 *   family's means: "triangle" or "square"
 * @returns {{update: (row: {lo: number, hi: number, log: boolean, whole: boolean, percent: boolean, line: number|null, band: [number, number]|null, now: Lane, ghost: Lane|null, held: number|null}) => void, canvas: HTMLCanvasElement, places: () => object[], destroy: () => void}}
 */
export function createDotRow(box, { label, mark = "triangle", onHover, onPick }) {
  const surface = createSurface(box, draw, { label });
  const { canvas } = surface;
  let row = null;
  let places = []; // of all dots as they were drawn last

  function draw(ctx, width, height, colors) {
    if (!row) return;
    const where = geometry(row, width, height);
    axis(ctx, row, where, colors);
    where.mark = mark;
    places = [...lane(ctx, row.now, where, colors, "now", row.held), ...(row.ghost ? lane(ctx, row.ghost, where, colors, "ghost", row.held) : [])];
    optimum(ctx, row, where, colors);
  }

  function under(event) {
    const { x, y } = surface.point(event);
    const near = places.map((p) => ({ ...p, distance: Math.hypot(p.x - x, p.y - y) })).sort((a, b) => a.distance - b.distance)[0];
    return near?.distance <= NEAR ? near : null;
  }

  canvas.addEventListener("pointermove", (event) => {
    const at = under(event);
    canvas.style.cursor = at?.set === "now" && at.kind !== "lost" ? "pointer" : "";
    onHover(at?.seed ?? null, at?.set);
  });
  canvas.addEventListener("pointerleave", () => onHover(null));
  canvas.addEventListener("click", (event) => {
    const at = under(event);
    if (at?.set === "now") onPick(at.seed);
  });

  return {
    update(next) {
      row = next;
      canvas.setAttribute("aria-label", `${label}: ${next.now.text}${next.ghost ? `; before: ${next.ghost.text}` : ""}`);
      surface.schedule();
    },
    canvas,
    places: () => places,
    destroy: surface.destroy,
  };
}

/** Where things stand. Dots are stacked on the line of the set, those of the earlier set hang from theirs. */
function geometry({ lo, hi, log, whole, now, ghost }, width, height) {
  const aside = [now, ghost].some((set) => set?.marks.some((m) => m.value == null)) ? ASIDE : 0;
  const [left, right, bottom] = [SIDE, width - SIDE - aside, height - AXIS];
  const middle = Math.round(0.5 * bottom);
  const line = { now: ghost ? middle : bottom - 9, ghost: middle + 14 };
  const unit = whole ? (right - left) / (hi - lo) : 0; // px of 1, where values are whole numbers
  return { left, right, bottom, line, unit, aside: aside ? width - aside / 2 - 2 : null, X: scale(lo, hi, left, right, log) };
}

function axis(ctx, { lo, hi, log, whole, percent, now, ghost }, { left, right, bottom, line, aside, X }, colors) {
  const values = log ? decades(lo, hi) : whole ? counts(lo, hi, right - left) : ticks(lo, hi, right - left, 52);
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "center";
  hairline(ctx, left, line.now, right, line.now, now.marks.length ? colors.line : rgba(colors.line, 0.7));
  if (ghost) hairline(ctx, left, line.ghost, right, line.ghost, colors.line);
  ctx.fillStyle = colors.ink3;
  values.forEach((v) => ctx.fillText(percent ? int(100 * v) : whole ? int(v) : short(v), X(v), bottom + 8));
  if (aside != null) ctx.fillText("none", aside, bottom + 8);
}

/** Whole numbers with the last one among them. */
function counts(lo, hi, length) {
  const step = [1, 2, 4, 5, 10].find((s) => (hi - lo) % s === 0 && (s / (hi - lo)) * length >= 30) ?? hi - lo;
  return Array.from({ length: Math.round((hi - lo) / step) + 1 }, (_, i) => lo + i * step);
}

/** Dashed, in the band of real draws where there is one. */
function optimum(ctx, { line: value, band, lo, hi }, { bottom, X }, colors) {
  if (value == null) return;
  if (band) {
    const [from, to] = band.map((v) => X(Math.max(lo, Math.min(hi, v))));
    ctx.fillStyle = rgba(colors.ink, 0.1);
    ctx.fillRect(from, 0, Math.max(1.5, to - from), bottom);
  }
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(Math.round(X(value)) + 0.5, 0);
  ctx.lineTo(Math.round(X(value)) + 0.5, bottom);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** One set: dots, interval, mean. @returns {object[]} where its dots stand */
function lane(ctx, set, where, colors, name, held) {
  const [r, base] = [RADIUS[name], where.line[name]];
  const away = name === "now" ? -1 : 1;
  const from = base + away * (6 + r);
  const room = Math.max(r, name === "now" ? from - r - 2 : where.bottom - r - from);
  const valued = set.marks.filter((m) => m.value != null).map((m) => ({ ...m, x: where.X(m.value) }));
  const without = set.marks.filter((m) => m.value == null).map((m) => ({ ...m, x: where.aside }));
  const how = { from, away, room, r };
  const spots = [...stacked(valued, { ...how, aside: where.unit * 0.42 }), ...stacked(without, { ...how, aside: ASIDE / 3 })].map((p) => ({ ...p, set: name }));
  for (const p of spots) if (p.seed !== held) dot(ctx, p, r, colors, name);
  interval(ctx, set, where, base, colors, name);
  for (const p of spots) if (p.seed === held) ring(ctx, p, r, colors, name);
  return spots;
}

/**
 * Dots that would lie over each other go up. Their place along the axis stays true: only where a value is a whole number may they stand
 * aside, by less than half of it. Where no room is left they overlap as little as they can.
 */
function stacked(marks, { from, away, room, r, aside }) {
  const size = 2 * r + 0.5;
  const shifts = Array.from({ length: 1 + 2 * Math.floor(aside / size) }, (_, i) => (i % 2 ? 1 : -1) * Math.ceil(i / 2) * size);
  const levels = (step) => Array.from({ length: 1 + Math.floor(room / step) }, (_, k) => k * step);
  const spots = [];
  const clear = (at) => Math.min(size, ...spots.map((p) => Math.hypot(p.x - at.x, p.y - at.y)));
  const places = (x, step) => shifts.flatMap((shift) => levels(step).map((up) => ({ x: x + shift, y: from + away * up })));
  const free = (x) => places(x, size).find((at) => clear(at) > size - 0.01) ?? places(x, 1).reduce((best, at) => (clear(at) > clear(best) + 0.01 ? at : best));
  for (const mark of [...marks].sort((a, b) => a.x - b.x || a.seed - b.seed)) spots.push({ ...mark, ...free(mark.x) });
  return spots;
}

/** Filled: everything reached. Hollow: less. A lost run is a hollow square with a cross, in the colour of stopped runs. */
function dot(ctx, { x, y, kind }, r, colors, name) {
  const color = kind === "lost" ? colors.bad : kind === "undefined" ? colors.ink3 : name === "ghost" ? rgba(colors.accent, 0.55) : colors.accent;
  ctx.fillStyle = kind === "full" ? color : colors.surface;
  ctx.strokeStyle = kind === "full" && name === "now" ? colors.surface : color;
  ctx.lineWidth = kind === "full" ? 0.8 : name === "now" ? 1.5 : 1.1;
  ctx.beginPath();
  if (kind === "lost") ctx.rect(x - r, y - r, 2 * r, 2 * r);
  else ctx.arc(x, y, kind === "full" ? r : r - 0.6, 0, 2 * Math.PI);
  if (kind === "lost") {
    ctx.moveTo(x - r, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.moveTo(x + r, y - r);
    ctx.lineTo(x - r, y + r);
  }
  ctx.fill();
  ctx.stroke();
}

/** The dot that is pointed at, wherever it is drawn: itself in a ring of ink. */
function ring(ctx, spot, r, colors, name) {
  dot(ctx, spot, r, colors, name);
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.arc(spot.x, spot.y, r + 2.5, 0, 2 * Math.PI);
  ctx.stroke();
}

/** A bar of 3 px, dotted for the earlier set, and the mean as the family's mark. */
function interval(ctx, { mean, lo, hi, text }, { X, left, right, mark }, y, colors, name) {
  if (mean == null) return;
  const clamp = (v) => Math.max(left - SIDE, Math.min(right + SIDE, v));
  const x = X(mean);
  ctx.strokeStyle = name === "now" ? colors.accent : rgba(colors.accent, 0.6);
  if (lo != null) {
    const ends = [lo, hi].map((v) => clamp(Number.isFinite(X(v)) ? X(v) : left)); // a log axis has no place for 0 or less
    ctx.lineWidth = 3;
    ctx.setLineDash(name === "now" ? [] : [2, 2]);
    ctx.beginPath();
    ctx.moveTo(ends[0], y);
    ctx.lineTo(ends[1], y);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  meanMark(ctx, mark, x, y, name === "now" ? 5.5 : 4.5, colors, name === "now");
  if (name === "now") return;
  const before = x > (left + right) / 2;
  plate(ctx, text, x + (before ? -12 : 12), y, { colors, align: before ? "right" : "left", color: colors.ink3, alpha: 0.9 });
}

function meanMark(ctx, shape, x, y, r, colors, filled) {
  ctx.beginPath();
  if (shape === "square") ctx.rect(x - 0.8 * r, y - 0.8 * r, 1.6 * r, 1.6 * r);
  else {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + 0.8 * r);
    ctx.lineTo(x - r, y + 0.8 * r);
    ctx.closePath();
  }
  ctx.fillStyle = filled ? colors.accent : colors.surface;
  ctx.strokeStyle = filled ? colors.surface : rgba(colors.accent, 0.8);
  ctx.lineWidth = filled ? 1 : 1.3;
  ctx.fill();
  ctx.stroke();
}
