// What the encoder says of one image: for each latent its mean as a bar, μ ± σ as an interval, and the prior's ±1 as dashed lines.
import { Range, scale, ticks, valueAxis } from "../../axes.js";
import { rgba } from "../../colors.js";
import { createSurface } from "../../surface.js";
import { TICK } from "../../views/text.js";

const WIDEST = 44; // px of a bar

/** @param {HTMLElement} container @returns {{update: (data: {mu: Float32Array, sigma: Float32Array|null, hasPrior: boolean, d: number, run: string}) => void}} */
export function createUnits(container) {
  const surface = createSurface(container, draw, { label: "Mean and standard deviation of each latent" });
  const range = new Range();
  let data = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const reach = Math.max(2, range.hi, -range.lo);
    const d = data.d;
    const plot = { left: 34, right: width - 6, top: 18, bottom: height - 30 };
    Object.assign(plot, { X: scale(0.5, d + 0.5, plot.left, plot.right), Y: scale(-reach, reach, plot.bottom, plot.top) });
    valueAxis(ctx, ticks(-reach, reach, plot.bottom - plot.top, Math.max(26, height / 9)), plot, colors);
    ctx.textAlign = "left";
    ctx.fillStyle = colors.ink2;
    ctx.fillText(data.hasPrior ? "μ ± σ" : "z", 2, 7);
    ctx.textAlign = "right";
    if (data.hasPrior) ctx.fillText("dashed: prior ±1", plot.right, 7);
    latents(ctx, plot, d, colors);
    if (data.hasPrior) band(ctx, plot, colors);
    if (data.mu) bars(ctx, plot, d, colors);
  }

  function latents(ctx, { X, bottom, right }, d, colors) {
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink3;
    const every = [1, 2, 5, 10, 20].find((k) => k * (X(2) - X(1)) >= 18) ?? 20;
    for (let i = 1; i <= d; i++) if (i % every === 0) ctx.fillText(String(i), X(i), bottom + 10);
    ctx.fillStyle = colors.ink2;
    ctx.textAlign = "right";
    ctx.fillText("latent", right, bottom + 23);
  }

  /** One standard deviation of the prior. */
  function band(ctx, { left, right, Y }, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    ctx.setLineDash([4, 3]);
    for (const v of [1, -1]) {
      ctx.beginPath();
      ctx.moveTo(left, Y(v));
      ctx.lineTo(right, Y(v));
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  function bars(ctx, { X, Y }, d, colors) {
    const pitch = X(2) - X(1);
    const w = Math.min(WIDEST, pitch * 0.6);
    for (let i = 0; i < d; i++) {
      const x = X(i + 1);
      ctx.fillStyle = rgba(colors.accent, 0.28);
      ctx.fillRect(x - w / 2, Math.min(Y(0), Y(data.mu[i])), w, Math.max(1, Math.abs(Y(data.mu[i]) - Y(0))));
      ctx.strokeStyle = colors.accent;
      ctx.lineWidth = 2;
      ctx.beginPath();
      ctx.moveTo(x - w / 2, Y(data.mu[i]));
      ctx.lineTo(x + w / 2, Y(data.mu[i]));
      ctx.stroke();
      if (!data.sigma) continue;
      const cap = Math.min(5, w / 3);
      ctx.strokeStyle = colors.ink;
      ctx.lineWidth = Math.min(1.75, Math.max(1, w / 4));
      ctx.beginPath();
      for (const end of [1, -1]) {
        const v = Y(data.mu[i] + end * data.sigma[i]);
        ctx.moveTo(x, Y(data.mu[i]));
        ctx.lineTo(x, v);
        if (pitch > 9) ctx.moveTo(x - cap, v), ctx.lineTo(x + cap, v);
      }
      ctx.stroke();
    }
  }

  return {
    canvas: surface.canvas,
    update(next) {
      if (next.run !== data?.run) range.reset();
      data = next;
      if (next.mu) range.include([...next.mu].flatMap((m, i) => [m + (next.sigma?.[i] ?? 0), m - (next.sigma?.[i] ?? 0)]));
      surface.schedule();
    },
  };
}
