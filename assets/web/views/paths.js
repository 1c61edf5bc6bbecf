// Paths: ways through the plane, a line each. What lies ahead of a place on them is fainter than what lies behind.
import { rgba, roleColor } from "../colors.js";

const AHEAD = 0.14; // opacity of what is still to come
const BEHIND = 0.5;

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view arrays xy (n, length, 2)
 * @param {{place: (x: number, y: number, k: number) => [number, number], colors: object, options?: {position?: number, most?: number,
 *   width?: number, ahead?: number, behind?: number}}} frame `place` says where a path's k-th place is in px; `position` where it has got to
 */
export function draw(ctx, view, { place, colors, options = {} }) {
  const [n, length] = view.shapes.xy;
  const { position = length - 1, most = n, width = 1, ahead = AHEAD, behind = BEHIND } = options;
  const color = roleColor(colors, view.role);
  const cut = Math.min(length - 1, position);
  ctx.lineJoin = "round";
  ctx.setLineDash(view.role === "exact" ? [4, 3] : []);
  for (const [from, to, alpha] of [[cut, length - 1, ahead], [0, cut, behind]]) {
    if (to - from < 1e-6 || !alpha) continue;
    ctx.strokeStyle = rgba(color, alpha);
    ctx.lineWidth = width;
    ctx.beginPath();
    for (let i = 0; i < Math.min(n, most); i++) trace(ctx, view.arrays.xy, i * length, from, to, place);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

/** One path from a place to a place on it, both maybe between two of its points. */
function trace(ctx, xy, first, from, to, place) {
  const point = (k) => place(xy[2 * (first + k)], xy[2 * (first + k) + 1], k);
  const at = (p) => {
    const [k, part] = [Math.floor(p), p - Math.floor(p)];
    if (!part) return point(k);
    const [a, b] = [point(k), point(k + 1)];
    return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
  };
  ctx.moveTo(...at(from));
  for (let k = Math.floor(from) + 1; k < to; k++) ctx.lineTo(...point(k));
  ctx.lineTo(...at(to));
}
