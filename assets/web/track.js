// The track that a player's handle runs along: round stretches of it, and the handle.

const WIDE = 4; // px
const HANDLE = 6; // px, radius

/** A stretch of the track between two places at height y, in one colour. */
export function stretch(ctx, y, from, to, color) {
  if (to < from) return;
  ctx.lineWidth = WIDE;
  ctx.lineCap = "round";
  ctx.strokeStyle = color;
  ctx.beginPath();
  ctx.moveTo(from + WIDE / 2, y);
  ctx.lineTo(Math.max(from + WIDE / 2, to - WIDE / 2), y);
  ctx.stroke();
  ctx.lineCap = "butt";
}

export function handle(ctx, x, y, colors) {
  ctx.fillStyle = colors.surface;
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.arc(x, y, HANDLE, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
}
