// Holes of the aggregate posterior: places that the prior visits and that no example is encoded to. q(z) is the mean of the shown
// examples' posteriors; a place is a hole where q(z) is less than a tenth of p(z), within two standard deviations of N(0, I).
import { rgba } from "../colors.js";

const CELLS = 72; // on a side of [-2.2, 2.2]²
const REACH = 2.2; // units of z
const WITHIN = 2; // σ of the prior
const EMPTY = 0.1; // q / p below which a place is a hole
const FAR = 4; // σ of a posterior beyond which it counts for nothing

const kept = new WeakMap(); // view -> {holes, share}

/** q(z) on the cells of the square, by row from below. @param {object} view posteriors as ellipses along z₁ and z₂ */
function aggregate({ arrays: { xy, axes: sigma } }) {
  const q = new Float64Array(CELLS * CELLS);
  const step = (2 * REACH) / CELLS;
  const n = xy.length / 2;
  for (let i = 0; i < n; i++) {
    const [mx, my, sx, sy] = [xy[2 * i], xy[2 * i + 1], Math.max(sigma[2 * i], step / 2), Math.max(sigma[2 * i + 1], step / 2)];
    const [c0, c1] = [mx - FAR * sx, mx + FAR * sx].map((v) => Math.max(0, Math.min(CELLS, Math.round((v + REACH) / step))));
    const [r0, r1] = [my - FAR * sy, my + FAR * sy].map((v) => Math.max(0, Math.min(CELLS, Math.round((v + REACH) / step))));
    for (let row = r0; row < r1; row++) {
      const dy = (-REACH + (row + 0.5) * step - my) / sy;
      const fy = Math.exp(-0.5 * dy * dy) / (2 * Math.PI * sx * sy * n);
      for (let col = c0; col < c1; col++) {
        const dx = (-REACH + (col + 0.5) * step - mx) / sx;
        q[row * CELLS + col] += fy * Math.exp(-0.5 * dx * dx);
      }
    }
  }
  return q;
}

/**
 * Which cells are holes, and what share of the prior's mass within two σ they hold.
 * @param {object} view posteriors as ellipses along z₁ and z₂
 * @returns {{holes: Uint8Array, share: number, cells: number, reach: number}}
 */
export function holesOf(view) {
  const known = kept.get(view);
  if (known) return known;
  const q = aggregate(view);
  const holes = new Uint8Array(CELLS * CELLS);
  const step = (2 * REACH) / CELLS;
  let [mass, empty] = [0, 0];
  for (let k = 0; k < holes.length; k++) {
    const [x, y] = [-REACH + ((k % CELLS) + 0.5) * step, -REACH + (Math.floor(k / CELLS) + 0.5) * step];
    if (x * x + y * y > WITHIN * WITHIN) continue;
    const p = Math.exp(-0.5 * (x * x + y * y)) / (2 * Math.PI);
    mass += p;
    if (q[k] >= EMPTY * p) continue;
    holes[k] = 1;
    empty += p;
  }
  const found = { holes, share: empty / mass, cells: CELLS, reach: REACH };
  kept.set(view, found);
  return found;
}

/** The holes as a hatched ground. */
export function drawHoles(ctx, view, { X, Y }, colors) {
  const { holes } = holesOf(view);
  const step = (2 * REACH) / CELLS;
  ctx.save();
  ctx.beginPath();
  for (let k = 0; k < holes.length; k++) {
    if (!holes[k]) continue;
    const [x, y] = [X(-REACH + (k % CELLS) * step), Y(-REACH + (Math.floor(k / CELLS) + 1) * step)];
    ctx.rect(x, y, X(step) - X(0) + 0.5, Y(0) - Y(step) + 0.5);
  }
  ctx.fillStyle = rgba(colors.ink, 0.08);
  ctx.fill();
  ctx.clip();
  ctx.strokeStyle = rgba(colors.ink, 0.45);
  ctx.lineWidth = 1;
  ctx.beginPath();
  const [left, right, top, bottom] = [X(-REACH), X(REACH), Y(REACH), Y(-REACH)];
  for (let d = left - (bottom - top); d < right; d += 7) {
    ctx.moveTo(d, bottom);
    ctx.lineTo(d + (bottom - top), top);
  }
  ctx.stroke();
  ctx.restore();
}
