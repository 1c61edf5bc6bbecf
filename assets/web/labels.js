// Words on the stage: the share of each mode at the outer side of its centre, numbered marks, the scale of the map, what the pointer is on.
import { rgba, toHex } from "./colors.js";
import { fixed, fmt } from "./format.js";
import { mapName } from "./maps.js";
import { ramp } from "./views/heat.js";
import { LABEL, TICK, marker, overlap, plate } from "./views/text.js";

const FEW = 12; // so many modes are all labelled; of more, only those that lack samples
const HEIGHT = 18;

/** Centres and shares of the modes in one list: [{index, x, y, share, low, number}], pixels. Marked and thin modes first. */
function modes(centres, bars, marks, { X, Y }) {
  const { xy } = centres.arrays;
  const { values } = bars.arrays;
  const list = Array.from(values, (share, index) => ({
    index,
    x: X(xy[2 * index]),
    y: Y(xy[2 * index + 1]),
    share,
    low: bars.low != null && share < bars.low,
    number: marks.find((m) => m.mode === index)?.number,
  }));
  const weight = (m) => (m.number != null ? 2 : 0) + (m.low ? 1 : 0);
  return list.sort((a, b) => weight(b) - weight(a));
}

/**
 * "3 · 12 %" beside each mode; outlined where the share is too low. Labels that would cover others are left out.
 * @param {CanvasRenderingContext2D} ctx
 */
export function modeLabels(ctx, centres, bars, marks, frame) {
  const { width, height, colors } = frame;
  const list = modes(centres, bars, marks, frame);
  const ring = list.length <= FEW;
  const [cx, cy] = ["x", "y"].map((k) => list.reduce((sum, m) => sum + m[k], 0) / list.length);
  const reach = Math.max(12, Math.min(24, Math.min(width, height) / 22));
  const taken = [];
  ctx.font = LABEL;
  for (const mode of list) {
    if (!ring && !mode.low && mode.number == null) continue;
    const text = `${bars.labels[mode.index]} · ${fixed(100 * mode.share, 0)} %`;
    const half = ctx.measureText(text).width / 2 + 5;
    const at = ring ? outside(mode, cx, cy, half, reach) : { x: mode.x, y: mode.y + reach };
    const room = half + (mode.number == null ? 3 : 28);
    const x = Math.max(half + 3, Math.min(width - room, at.x));
    const y = Math.max(HEIGHT / 2 + 3, Math.min(height - HEIGHT / 2 - 3, at.y));
    const box = { x: x - half, y: y - HEIGHT / 2, width: 2 * half, height: HEIGHT };
    if (taken.some((b) => overlap(b, box))) continue;
    taken.push(box);
    plate(ctx, text, x, y, { colors, align: "center", font: LABEL, height: HEIGHT, pad: 5, radius: 4, alpha: mode.low ? 0.92 : 0.82, outline: mode.low ? colors.ink : undefined });
    if (mode.number != null) marker(ctx, x + half + 14, y, mode.number, colors);
  }
}

/** The middle of a plate whose near edge is `reach` px from the mode, away from the middle of all modes. */
function outside({ x, y }, cx, cy, half, reach) {
  const away = Math.hypot(x - cx, y - cy);
  const [ux, uy] = away > 1 ? [(x - cx) / away, (y - cy) / away] : [0, 1];
  const support = Math.abs(ux) * half + (Math.abs(uy) * HEIGHT) / 2;
  return { x: x + ux * (reach + support), y: y + uy * (reach + support) };
}

/** Numbered rings at places in data units. */
export function placeMarks(ctx, marks, { X, Y, colors }) {
  for (const { xy, number } of marks) if (xy) marker(ctx, X(xy[0]) + 12, Y(xy[1]) - 12, number, colors);
}

/** Which marks are whose, where a fork shows both futures. @param {CanvasRenderingContext2D} ctx @param {string} title of the other branch */
export function rivalLegend(ctx, title, { width, colors }) {
  const names = [["this branch", false], [`other branch: ${title}`, true]];
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const across = Math.max(...names.map(([words]) => ctx.measureText(words).width)) + 30;
  const left = width - across - 10;
  ctx.fillStyle = rgba(colors.surface, 0.9);
  ctx.beginPath();
  ctx.roundRect(left, 8, across, 40, 5);
  ctx.fill();
  names.forEach(([words, hollow], i) => {
    const y = 18 + 20 * i;
    ctx.beginPath();
    ctx.arc(left + 12, y, 4, 0, 2 * Math.PI);
    ctx.fillStyle = ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 1.25;
    if (hollow) ctx.stroke();
    else ctx.fill();
    ctx.fillStyle = colors.ink2;
    ctx.fillText(words, left + 24, y);
  });
}

/** What the tints of the map mean, bottom left. */
export function heatLegend(ctx, view, { height, colors }) {
  const name = mapName(view);
  const [lo, hi] = name === "critic" ? [fmt(view.lo, 2), fmt(view.hi, 2)] : ["0", "1"];
  const text = `${name.replace(" exact", "")}: generated … real`;
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  const [wl, wh] = [ctx.measureText(lo).width, ctx.measureText(hi).width];
  const [bar, left, top] = [121, 14, height - 36];
  const width = wl + bar + wh + 20;
  ctx.fillStyle = rgba(colors.surface, 0.88);
  ctx.beginPath();
  ctx.roundRect(left - 6, top - 8, width, 36, 5);
  ctx.fill();
  const x = left + wl + 4;
  const gradient = ctx.createLinearGradient(x, 0, x + bar, 0);
  const color = ramp(colors);
  for (let k = 0; k <= 8; k++) gradient.addColorStop(k / 8, toHex(color(k / 8)));
  ctx.fillStyle = gradient;
  ctx.fillRect(x, top - 2, bar, 8);
  ctx.strokeStyle = colors.lineStrong;
  ctx.lineWidth = 0.5;
  ctx.strokeRect(x, top - 2, bar, 8);
  ctx.fillStyle = colors.ink2;
  ctx.fillText(lo, left, top + 2.5);
  ctx.fillText(hi, x + bar + 4, top + 2.5);
  ctx.textAlign = "center";
  ctx.fillText(text, left - 6 + width / 2, top + 18);
}

/** A small cross and the coordinates at a place under the pointer. */
export function pointerLabel(ctx, { px, py, x, y, value, heat }, { width, height, colors }) {
  const digits = [fmt(x, 2), fmt(y, 2)].join(", ");
  const text = value == null ? `(${digits})` : `(${digits}) · ${mapName(heat).replace("(x)", "").replace(" exact", "")} ${fmt(value, 2)}`;
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(px - 5, py);
  ctx.lineTo(px + 5, py);
  ctx.moveTo(px, py - 5);
  ctx.lineTo(px, py + 5);
  ctx.stroke();
  const right = px < width - 170;
  plate(ctx, text, px + (right ? 12 : -12), Math.min(height - 12, py + 18), { colors, align: right ? "left" : "right", alpha: 0.92, height: 18, pad: 5, radius: 4 });
}

/** A heading over a grid of images: a swatch in the colour of its role, and words. */
export function caption(ctx, text, x, y, color, colors) {
  ctx.font = LABEL;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.arc(x + 4, y, 4, 0, 2 * Math.PI);
  ctx.fill();
  ctx.fillStyle = colors.ink2;
  ctx.fillText(text, x + 14, y + 0.5);
}
