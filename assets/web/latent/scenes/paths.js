// −log p along a path: one line per way to get from one image to another, over the columns of their pictures, with the place t that is
// looked at.
import { scale, ticks, valueAxis } from "../../axes.js";
import { fixed } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, plate } from "../../views/text.js";

const GUTTER = 72; // px left of the first column from which the axis fits there
const LEAST = 34;

/** @typedef {{name: string, title: string, role: string, dash: number[], x: Float32Array, y: Float32Array}} Line */

/** @param {HTMLElement} container @param {{onPick: (t: number) => void}} on */
export function createPaths(container, { onPick }) {
  const surface = createSurface(container, draw, { label: "Bound on −log p of the pictures along each path" });
  const range = { lo: 0, hi: 1 };
  let data = null;
  let plot = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const cell = (width - data.left) / data.n;
    const [lo, hi] = data.lines.length ? [range.lo, range.hi] : [0, 1];
    const roomy = data.left >= GUTTER; // room for the axis beside the columns
    const left = roomy ? data.left : LEAST;
    plot = { left, right: width, top: roomy ? 5 : 19, bottom: height - 20, at: roomy ? [left + cell / 2, width - cell / 2] : [left + 6, width - 10] };
    Object.assign(plot, { X: scale(0, 1, ...plot.at), Y: scale(lo, hi, plot.bottom, plot.top) });
    const free = (v) => !roomy || plot.Y(v) > plot.top + 10;
    if (data.lines.length) valueAxis(ctx, ticks(lo, hi, plot.bottom - plot.top, Math.max(17, height / 10)).filter(free), plot, colors);
    words(ctx, width, colors);
    if (data.lines.length) here(ctx, colors);
    for (const line of data.lines) stroke(ctx, line, colors);
    if (data.lines.length) names(ctx, colors);
  }

  function words(ctx, width, colors) {
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillStyle = colors.ink2;
    if (data.lines.length) ctx.fillText("−log p, nats", 0, 7);
    ctx.fillStyle = colors.ink3;
    ctx.textAlign = "center";
    for (let i = 0; i <= 10 && data.lines.length; i += plot.right - plot.left < 420 ? 5 : 2) ctx.fillText(fixed(i / 10, 1).replace("0.0", "0").replace("1.0", "1"), plot.X(i / 10), plot.bottom + 10);
    ctx.fillStyle = colors.ink2;
    ctx.textAlign = "right";
    if (data.lines.length && plot.left >= GUTTER) ctx.fillText("t", width - 2, plot.bottom + 10);
  }

  function here(ctx, colors) {
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(Math.round(plot.X(data.t)) + 0.5, plot.top);
    ctx.lineTo(Math.round(plot.X(data.t)) + 0.5, plot.bottom);
    ctx.stroke();
  }

  function stroke(ctx, { role, dash, x, y }, colors) {
    ctx.strokeStyle = colors[role];
    ctx.lineWidth = 2;
    ctx.lineJoin = "round";
    ctx.setLineDash(dash);
    ctx.beginPath();
    x.forEach((t, i) => ctx.lineTo(plot.X(t), plot.Y(y[i])));
    ctx.stroke();
    ctx.setLineDash([]);
    const i = Math.round(data.t * (x.length - 1));
    ctx.beginPath();
    ctx.arc(plot.X(x[i]), plot.Y(y[i]), 4, 0, 2 * Math.PI);
    ctx.fillStyle = colors.surface;
    ctx.fill();
    ctx.stroke();
  }

  /** Each line named once, where it is farthest from the others. */
  function names(ctx, colors) {
    const taken = [];
    for (const line of data.lines) {
      const apart = Array.from(line.y, (v, i) => (i === 0 || i === line.y.length - 1 ? -1 : Math.min(...data.lines.filter((l) => l !== line).map((l) => Math.abs(l.y[i] - v))) - 1e6 * taken.filter((k) => Math.abs(k - i) < 2).length));
      const i = apart.indexOf(Math.max(...apart));
      taken.push(i);
      const above = data.lines.filter((l) => l.y[i] > line.y[i]).length < data.lines.length / 2;
      const y = plot.Y(line.y[i]) + (above ? -11 : 12);
      plate(ctx, line.title, plot.X(line.x[i]), Math.max(plot.top + 2, Math.min(plot.bottom - 6, y)), { colors, align: "center", color: colors[line.role], font: LABEL, alpha: 0.85 });
    }
  }

  const pick = (event) => data?.lines.length && onPick((surface.point(event).x - plot.at[0]) / (plot.at[1] - plot.at[0]));
  surface.canvas.addEventListener("pointerdown", pick);
  surface.canvas.addEventListener("pointermove", (event) => event.buttons && pick(event));
  surface.canvas.style.touchAction = "pan-y";

  return {
    /** @param {{lines: Line[], t: number, n: number, left: number}} next `left` px before the first of `n` columns */
    update(next) {
      if (next.lines !== data?.lines) {
        const all = next.lines.flatMap((l) => [...l.y]);
        const [lo, hi] = [Math.min(...all), Math.max(...all)];
        const room = Math.max(1, 0.12 * (hi - lo));
        Object.assign(range, all.length ? { lo: lo - room, hi: hi + room } : { lo: 0, hi: 1 });
      }
      data = next;
      surface.schedule();
    },
  };
}
