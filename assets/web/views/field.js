// Field: arrows. The length grows with the vector and is capped, so that a strong pull stays readable; a vector too small to act
// leaves no arrow at all, which is how a vanishing gradient looks.
import { rgba } from "../colors.js";

const SHORTEST = 6; // px
const LONGEST = 30; // px
const HEAD = 3; // px from the middle of the head to its tip

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view
 * @param {{X: Function, Y: Function, width: number, height: number, colors: object, options?: {pixelsPerUnit?: number, smallest?: number,
 *   shortest?: number, longest?: number, color?: string, alpha?: number, width?: number, dash?: number[], thin?: number}}} frame
 *   px of length per unit of the vector, the length of a vector below which nothing is drawn, px of arrows, `thin` n draws every n-th
 */
export function draw(ctx, view, frame) {
  const { X, Y, width, height, colors, options = {} } = frame;
  const { pixelsPerUnit = 9, smallest = 0.02, shortest = SHORTEST, longest = LONGEST, color = colors.ink, alpha = 0.75, dash = [] } = options;
  const { xy, uv } = view.arrays;
  const shafts = new Path2D();
  const heads = new Path2D();
  const every = options.thin ?? (width < 480 ? 2 : 1); // a phone has no room for all
  for (let i = 0; i < xy.length; i += 2 * every) {
    const size = Math.hypot(uv[i], uv[i + 1]);
    const x = X(xy[i]);
    const y = Y(xy[i + 1]);
    if (!(size >= smallest) || x < 0 || y < 0 || x > width || y > height) continue;
    const length = Math.min(longest, shortest + size * pixelsPerUnit);
    arrow(shafts, heads, x, y, length, Math.atan2(-uv[i + 1], uv[i]));
  }
  ctx.lineWidth = options.width ?? 1;
  ctx.strokeStyle = ctx.fillStyle = rgba(color, alpha);
  ctx.setLineDash(dash);
  ctx.stroke(shafts);
  ctx.setLineDash([]);
  if (!dash.length) ctx.fill(heads);
}

function arrow(shafts, heads, x, y, length, angle) {
  const endX = x + length * Math.cos(angle);
  const endY = y + length * Math.sin(angle);
  shafts.moveTo(x, y);
  shafts.lineTo(endX, endY);
  heads.moveTo(endX + HEAD * Math.cos(angle), endY + HEAD * Math.sin(angle));
  heads.lineTo(endX + HEAD * Math.cos(angle + 2.2), endY + HEAD * Math.sin(angle + 2.2));
  heads.lineTo(endX + HEAD * Math.cos(angle - 2.2), endY + HEAD * Math.sin(angle - 2.2));
  heads.closePath();
}
