// The picture of the denoising player: how much of the prediction's whole change is done, the sampler's steps as ticks, their noise
// levels, and a handle. Drawing only; `player.js` listens.
import { scale } from "../axes.js";
import { rgba } from "../colors.js";
import { fmt } from "../format.js";
import { handle, stretch } from "../track.js";
import { TICK, hairline, plate } from "../views/text.js";
import { valueBetween } from "./walk.js";

export const HEIGHT = 50; // px of the canvas
const SIDE = 8; // px left and right, half a handle
const LANE = 20; // px, from the top
const TRACK = LANE + 5; // y of the middle of the track
const WORDS = LANE + 22; // y of the labels
const ROOM = 84; // px between two labels
const CROWDED = 4; // px between ticks, below which every second one goes

/** Pixels of a position 0..last and back. */
export function positionScale(last, width) {
  const X = scale(0, Math.max(last, 1), SIDE, width - SIDE);
  return { X, position: (px) => Math.max(0, Math.min(last, ((px - SIDE) / (width - 2 * SIDE)) * Math.max(last, 1))) };
}

/** @param {CanvasRenderingContext2D} ctx @param {{walk: import("./walk.js").Walk|null, position: number}} data */
export function drawLane(ctx, { walk, position }, { width, colors }) {
  const last = walk ? walk.x.length - 1 : 0;
  const { X } = positionScale(last, width);
  const [left, right] = [X(0), width - SIDE];
  ctx.fillStyle = colors.sunken;
  ctx.fillRect(left, 0, right - left, LANE);
  if (walk?.share) area(ctx, walk.share, position, X, colors);
  stretch(ctx, TRACK, left, right, colors.track);
  if (last && position) stretch(ctx, TRACK, left, X(position), colors.accent);
  if (!walk || !last) return;
  ticks(ctx, last, X, colors);
  labels(ctx, walk.sigmas, X, colors);
  if (walk.share) half(ctx, walk.share, X, right, colors);
  handle(ctx, X(position), TRACK, colors);
}

/** The share that is done, paler behind the handle's place. */
function area(ctx, share, position, X, colors) {
  const Y = (v) => LANE - v * (LANE - 1);
  const under = (from, to, alpha) => {
    ctx.beginPath();
    ctx.moveTo(X(from), LANE);
    ctx.lineTo(X(from), Y(valueBetween(share, from)));
    for (let k = Math.floor(from) + 1; k < to; k++) ctx.lineTo(X(k), Y(share[k]));
    ctx.lineTo(X(to), Y(valueBetween(share, to)));
    ctx.lineTo(X(to), LANE);
    ctx.fillStyle = rgba(colors.accent, alpha);
    ctx.fill();
  };
  under(0, position, 0.32);
  under(position, share.length - 1, 0.13);
}

function ticks(ctx, last, X, colors) {
  const every = Math.max(1, Math.ceil(CROWDED / Math.max(0.1, X(1) - X(0))));
  for (let k = 0; k <= last; k += every) hairline(ctx, X(k), TRACK + 5, X(k), TRACK + 8, colors.ink3);
}

/** Noise levels at both ends and, where there is room, between. */
function labels(ctx, sigmas, X, colors) {
  const last = sigmas.length - 1;
  const every = Math.max(1, Math.ceil(ROOM / Math.max(0.1, X(1) - X(0))));
  ctx.font = TICK;
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink3;
  const end = X(last) - ROOM * 0.7;
  for (let k = 0; k < last; k += every) {
    if (k && X(k) > end) break;
    ctx.textAlign = k ? "center" : "left";
    ctx.fillText(`σ ${fmt(sigmas[k], sigmas[k] < 0.1 ? 2 : 3)}`, k ? X(k) : X(0) - 4, WORDS);
  }
  ctx.textAlign = "right";
  ctx.fillText(`σ ${fmt(sigmas[last], 2)}`, X(last) + 4, WORDS);
}

/** Where half of the prediction's change is done. */
function half(ctx, share, X, right, colors) {
  const k = share.findIndex((v) => v >= 0.5);
  if (k < 1) return;
  const x = X(k - 1 + (0.5 - share[k - 1]) / (share[k] - share[k - 1]));
  hairline(ctx, x, 0, x, TRACK, colors.ink);
  ctx.fillStyle = colors.ink;
  ctx.beginPath();
  ctx.moveTo(x, 0);
  ctx.lineTo(x + 7, 3.5);
  ctx.lineTo(x, 7);
  ctx.fill();
  ctx.font = TICK;
  const words = "half of x₀’s change is done";
  const room = ctx.measureText(words).width + 16;
  const fits = x + room < right;
  if (fits || x - room > 0) plate(ctx, words, x + (fits ? 12 : -6), 9, { colors, align: fits ? "left" : "right", alpha: 0.6 });
}
