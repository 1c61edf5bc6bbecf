// Three estimators of one gradient as histograms over the same bins, with the exact value: what a single draw of each is worth.
import { Range } from "../../axes.js";
import { rgba } from "../../colors.js";
import { percent, short } from "../../format.js";
import { dashedAt, drawAxes, planeOf } from "../../plane.js";
import { createSurface } from "../../surface.js";

/** @typedef {{x: Float32Array, y: Float32Array, role: string, dash: number[], fill: number}} Histogram */

/** @param {HTMLElement} container @returns {{update: (data: {all: Histogram[], exact: number, word: string}|null) => void}} */
export function createBench(container) {
  const surface = createSurface(container, draw, { label: "Histograms of single-draw gradient estimates" });
  const range = new Range();
  let data = null;

  function draw(ctx, width, height, colors) {
    const xs = data ? [data.all[0].x[0], data.all[0].x.at(-1)] : [-1, 1];
    const half = data ? (data.all[0].x[1] - data.all[0].x[0]) / 2 : 0;
    const plot = planeOf(width, height, [xs[0] - half, xs[1] + half], [0, data ? Math.min(1, range.hi) : 1]);
    drawAxes(ctx, plot, { xName: "one estimate of ∂E f / ∂μ₁", yName: "share of estimates", write: (v) => percent(v, v > 0 && v < 0.0995 ? 1 : 0) }, colors);
    if (!data) return;
    for (const one of data.all) outline(ctx, one, half, plot, colors);
    dashedAt(ctx, plot, { x: data.exact, label: `${data.word} ${short(+data.exact.toPrecision(3))}` }, colors);
  }

  function outline(ctx, { x, y, role, dash, fill }, half, { X, Y, bottom }, colors) {
    const path = new Path2D();
    path.moveTo(X(x[0] - half), bottom);
    y.forEach((share, i) => {
      path.lineTo(X(x[i] - half), Y(share));
      path.lineTo(X(x[i] + half), Y(share));
    });
    path.lineTo(X(x.at(-1) + half), bottom);
    ctx.fillStyle = rgba(colors[role], fill);
    ctx.fill(path);
    ctx.strokeStyle = colors[role];
    ctx.lineWidth = 1.75;
    ctx.setLineDash(dash);
    ctx.stroke(path);
    ctx.setLineDash([]);
  }

  return {
    update(next) {
      data = next;
      range.reset();
      if (next) range.include(next.all.flatMap(({ y }) => [...y]));
      surface.schedule();
    },
  };
}
