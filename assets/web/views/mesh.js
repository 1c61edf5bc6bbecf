// Mesh: a grid that G has moved. Cells are tinted by what lies on them per unit of area, on a log scale, so that a collapse shows as
// folded, dense cells and a bridge between modes as wide, empty ones.
import { rgba } from "../colors.js";

const DENSE = 3; // powers of ten over an even spread at which the tint is full
const TINT = { light: 0.4, dark: 0.5 };
const LINES = 0.75; // opacity of the lines

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view xy (rows, cols, 2) in data units, density (rows − 1, cols − 1)
 * @param {{X: Function, Y: Function, colors: object, bounds: number[]}} frame `bounds` [x0, x1, y0, y1]: the area over which an even
 *   spread has no tint
 */
export function draw(ctx, view, { X, Y, colors, bounds: [x0, x1, y0, y1] }) {
  const [rows, cols] = view.shapes.xy;
  const { xy, density } = view.arrays;
  const at = (r, c) => [X(xy[2 * (r * cols + c)]), Y(xy[2 * (r * cols + c) + 1])];
  const even = 1 / ((x1 - x0) * (y1 - y0));
  const most = TINT[colors.dark ? "dark" : "light"];
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < cols; c++) {
      const powers = Math.log10(density[r * (cols - 1) + c] / even) / DENSE;
      if (!(powers > 0)) continue;
      ctx.fillStyle = rgba(colors.accent, most * Math.min(1, powers));
      ctx.fill(line([at(r, c), at(r, c + 1), at(r + 1, c + 1), at(r + 1, c)]));
    }
  }
  ctx.strokeStyle = rgba(colors.accent, LINES);
  ctx.lineWidth = 1;
  const upTo = (n) => Array.from({ length: n }, (_, i) => i);
  for (const r of upTo(rows)) ctx.stroke(line(upTo(cols).map((c) => at(r, c))));
  for (const c of upTo(cols)) ctx.stroke(line(upTo(rows).map((r) => at(r, c))));
}

function line(points) {
  const path = new Path2D();
  points.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  return path;
}
