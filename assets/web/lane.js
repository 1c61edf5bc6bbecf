// The picture of a timeline: the headline metric as an area, under it the track with its handle, flags for events, forks as dotted
// lines, and words where there is room. Drawing only; `timeline.js` listens.
import { scale } from "./axes.js";
import { rgba } from "./colors.js";
import { int } from "./format.js";
import { handle, stretch } from "./track.js";
import { TICK, hairline, overlap, plate } from "./views/text.js";

export const HEIGHT = 58; // px of the canvas
const SIDE = 8; // px left and right, half a handle
const BASE = 30; // y of the foot of the lane
const LANE = 22; // px
const TRACK = BASE + 3; // y of the middle of the track
const WORDS = BASE + 22; // y of the labels
const LABEL_ROOM = 90; // px between labels
const RANK = { diverged: 0, collapse: 1, fork: 2, knob: 3 };

/** Pixels of a step and back, for a width. */
export function stepScale(total, width) {
  const X = scale(0, Math.max(total, 1), SIDE, width - SIDE);
  return { X, step: (px) => ((px - SIDE) / (width - 2 * SIDE)) * Math.max(total, 1) };
}

/** Events by step, those at one step together; the gravest kind wins. */
function grouped(events) {
  const byStep = new Map();
  for (const event of events) {
    const there = byStep.get(event.step);
    if (!there) byStep.set(event.step, { ...event });
    else if (!there.title.split(" · ").includes(event.title)) there.title += ` · ${event.title}`;
  }
  return [...byStep.values()];
}

/** The event whose flag is under a place, or null. */
export function eventAt(data, width, { x, y }) {
  if (y > WORDS - 8) return null;
  const { X } = stepScale(data.total, width);
  const near = grouped(data.events).filter((e) => Math.abs(X(e.step) + 2 - x) < 8);
  return near.sort((a, b) => Math.abs(X(a.step) - x) - Math.abs(X(b.step) - x))[0] ?? null;
}

const forkY = (i) => TRACK + 9 + 4 * Math.min(i, 1);

/** The fork whose line is under a place, or null. */
export function forkAt(data, width, { x, y }) {
  const { X } = stepScale(data.total, width);
  return data.forks.find((f, i) => Math.abs(forkY(i) - y) < 5 && x > X(f.from) + 6 && x < X(f.to) + 6) ?? null;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {object} data what `timeline.update` was given
 * @param {{width: number, colors: object, pointer: {x: number, y: number}|null}} frame
 */
export function drawLane(ctx, data, { width, colors, pointer }) {
  const { X } = stepScale(data.total, width);
  const [left, right] = [X(0), X(Math.max(data.total, 1))];
  ctx.fillStyle = colors.sunken;
  ctx.fillRect(left, BASE - LANE, right - left, LANE);
  drawArea(ctx, data, X, colors);
  drawTrack(ctx, data, X, colors);
  data.forks.forEach((fork, i) => drawFork(ctx, fork, X, forkY(i), colors));
  drawEvents(ctx, data, { X, left, right, width, pointer }, colors);
  if (pointer && pointer.y < TRACK + 8) hoverStep(ctx, data, { width, pointer, X }, colors);
  handle(ctx, X(Math.min(data.cursor, data.total)), TRACK, colors);
}

/** The metric so far, paler behind the cursor. */
function drawArea(ctx, { values, max, cursor, last, total }, X, colors) {
  if (!values.length || !(max > 0)) return;
  const height = (v) => (LANE - 1) * Math.max(0, Math.min(1, v / max));
  const path = new Path2D();
  path.moveTo(X(values[0][0]), BASE);
  let before = 0;
  let [column, tallest] = [NaN, 0];
  for (const [step, value] of values) {
    const px = Math.round(X(step));
    const h = height(value);
    if (px === column && h <= tallest) continue;
    path.lineTo(px, BASE - before);
    path.lineTo(px, BASE - h);
    [column, tallest, before] = [px, h, h];
  }
  path.lineTo(X(Math.max(last, values.at(-1)[0])), BASE - before);
  path.lineTo(X(Math.max(last, values.at(-1)[0])), BASE);
  const fill = (from, to, alpha) => {
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, BASE - LANE, Math.max(0, to - from), LANE);
    ctx.clip();
    ctx.fillStyle = rgba(colors.accent, alpha);
    ctx.fill(path);
    ctx.restore();
  };
  const cut = X(cursor);
  fill(X(0), cut, 0.3);
  fill(cut, X(total), 0.14);
}

function drawTrack(ctx, { cursor, last, total, checkpoints }, X, colors) {
  stretch(ctx, TRACK, X(0), X(Math.max(total, 1)), colors.track);
  if (last > 0) stretch(ctx, TRACK, X(0), X(Math.min(last, total)), rgba(colors.accent, 0.35));
  if (cursor > 0) stretch(ctx, TRACK, X(0), X(Math.min(cursor, total)), colors.accent);
  ctx.fillStyle = colors.surface;
  for (const step of checkpoints ?? []) ctx.fillRect(Math.round(X(step)) - 0.5, TRACK - 2, 1, 4);
}

/** Leaves the track in a bend and runs on beneath it. */
function drawFork(ctx, { from, to, active }, X, y, colors) {
  ctx.strokeStyle = colors.accent;
  ctx.lineWidth = 1.5;
  ctx.setLineDash(active ? [] : [2, 3]);
  const bend = Math.min(16, Math.max(4, X(to) - X(from)));
  ctx.beginPath();
  ctx.moveTo(X(from), TRACK);
  ctx.quadraticCurveTo(X(from) + bend * 0.4, y, X(from) + bend, y);
  ctx.lineTo(Math.max(X(from) + bend, X(to)), y);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Flags, and as many of their titles as fit 90 px apart; the one under the pointer always. */
function drawEvents(ctx, data, { X, left, right, width, pointer }, colors) {
  const events = grouped(data.events);
  for (const { step, kind } of events) drawFlag(ctx, X(step), kind === "diverged" ? colors.bad : colors.ink);
  ctx.font = TICK;
  const word = (text, x, align, color) => {
    const w = ctx.measureText(text).width;
    const box = { x: align === "right" ? x - w : x, y: WORDS - 7, width: w, height: 14 };
    return { text, box, color };
  };
  const held = pointer ? eventAt(data, width, pointer) : null;
  const ends = [word("0", left - 4, "left", colors.ink3), word(int(data.total), right + 4, "right", colors.ink3)];
  const placed = [];
  const ranked = [...events].sort((a, b) => (RANK[a.kind] ?? 4) - (RANK[b.kind] ?? 4) || a.step - b.step);
  for (const event of held ? [held, ...ranked] : ranked) {
    const far = placed.every((p) => Math.abs(p.at - X(event.step)) >= LABEL_ROOM);
    const [forward, back] = [word(event.title, X(event.step), "left", colors.ink2), word(event.title, X(event.step) + 1, "right", colors.ink2)];
    const free = (w) => w.box.x >= left - 4 && w.box.x + w.box.width <= right + 4 && [...placed, ends[1]].every((p) => !overlap(grown(p.box), w.box));
    const choice = event === held ? inside(forward, width) : far && [forward, back].find(free);
    if (choice) placed.push({ ...choice, at: X(event.step), held: event === held });
  }
  for (const w of [...ends.filter((e) => placed.every((p) => !overlap(grown(p.box), e.box))), ...placed]) {
    plate(ctx, w.text, w.box.x, WORDS, { colors, color: w.held ? colors.ink : w.color, alpha: w.held ? 1 : 0 });
  }
}

const grown = (box) => ({ ...box, x: box.x - 6, width: box.width + 12 });

/** The same word, moved so that all of it can be read. */
const inside = (word, width) => ({ ...word, box: { ...word.box, x: Math.max(2, Math.min(word.box.x, width - 2 - word.box.width)) } });

function drawFlag(ctx, x, color) {
  hairline(ctx, x, BASE - 24, x, TRACK + 2, color);
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.moveTo(x, BASE - 27);
  ctx.lineTo(x + 7, BASE - 23.5);
  ctx.lineTo(x, BASE - 20);
  ctx.fill();
}

/** Which step a press would go to. */
function hoverStep(ctx, data, { width, pointer, X }, colors) {
  const { step } = stepScale(data.total, width);
  const at = eventAt(data, width, pointer)?.step ?? Math.max(0, Math.min(data.last, step(pointer.x)));
  hairline(ctx, X(at), BASE - LANE, X(at), TRACK, colors.ink3);
  const text = int(at);
  ctx.font = TICK;
  const half = ctx.measureText(text).width / 2 + 3;
  plate(ctx, text, Math.max(half, Math.min(width - half, X(at))), BASE - LANE + 8, { colors, align: "center", alpha: 0.92, pad: 3 });
}
