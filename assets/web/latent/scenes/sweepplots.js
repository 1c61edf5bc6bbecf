// The two pictures of a sweep: the plane of reconstruction against KL with the path of the run on the stage, and bounds by number of latents.
import { rgba } from "../../colors.js";
import { short } from "../../format.js";
import { dot, drawAxes, fadingPath, planeOf } from "../../plane.js";
import { LABEL, TICK, overlap, plate } from "../../views/text.js";

const EARLY = 0.1; // of a run: what it was before then may lie above the plot, or nothing later could be read
const ROOM = 0.08; // of the range, around what must be seen
const RING = 5; // px

const range = (values, room = ROOM) => {
  const [lo, hi] = [Math.min(...values), Math.max(...values)];
  const by = Math.max((hi - lo) * room, 0.5);
  return [lo - by, hi + by];
};

/**
 * @param {CanvasRenderingContext2D} ctx @param {{width: number, height: number, colors: object}} frame
 * @param {{points: {step: number, kl: number, recon: number}[], now: object|null, others: object[], beta: number, runs: {value: number, m: object}[]}} data
 */
export function drawPlane(ctx, { width, height, colors }, { points, now, others, beta, runs }) {
  const frontier = runs.map(({ value, m }) => ({ value, kl: m.test_kl, recon: m.test_recon })).sort((a, b) => a.kl - b.kl);
  const late = points.filter((p) => p.step >= EARLY * (points.at(-1)?.step ?? 0));
  const seen = [...late, ...frontier, ...others, ...(now ? [now] : [])];
  if (!seen.length) return;
  const xs = [0, Math.max(1, range(seen.map((p) => p.kl))[1])];
  const plot = planeOf(width, height, xs, range(seen.map((p) => p.recon)));
  drawAxes(ctx, plot, { xName: "KL, nats", yName: "reconstruction, nats" }, colors);
  ctx.save();
  ctx.beginPath();
  ctx.rect(plot.left, plot.top - 6, plot.right - plot.left + 6, plot.bottom - plot.top + 6);
  ctx.clip();
  if (now) exchange(ctx, plot, now, beta, colors);
  fadingPath(ctx, points.map((p) => [plot.X(p.kl), plot.Y(p.recon)]), colors.accent, { width: 1.25, faintest: 0.15, strongest: 0.75 });
  curve(ctx, plot, frontier, colors);
  ctx.restore();
  const taken = [];
  if (now) {
    dot(ctx, plot.X(now.kl), plot.Y(now.recon), colors, 6.5);
    taken.push(plate(ctx, `this run, β ${short(beta)}`, plot.X(now.kl) + 12, plot.Y(now.recon) - 11, { colors, font: LABEL, height: 16, alpha: 0.9, align: plot.X(now.kl) > plot.right - 110 ? "right" : "left", color: colors.accent }));
  }
  for (const p of frontier) mark(ctx, plot, p, `β ${short(p.value)}`, taken, colors);
  for (const p of others) mark(ctx, plot, p, `${p.title}, β ${short(p.beta)}`, taken, colors, true);
}

/** All that is as good as the present place to a loss that weighs KL by β. */
function exchange(ctx, { left, right, X, Y, x0, x1 }, now, beta, colors) {
  const at = (kl) => now.recon - beta * (kl - now.kl);
  ctx.strokeStyle = colors.exact;
  ctx.lineWidth = 1.25;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(left, Y(at(x0)));
  ctx.lineTo(right, Y(at(x1)));
  ctx.stroke();
  ctx.setLineDash([]);
}

function curve(ctx, { X, Y }, frontier, colors) {
  ctx.strokeStyle = colors.ink3;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const p of frontier) ctx.lineTo(X(p.kl), Y(p.recon));
  ctx.stroke();
}

/** A ring, hollow for a run of the sweep, half filled for a fork, with its name where there is room. */
function mark(ctx, { X, Y, right }, p, words, taken, colors, fork = false) {
  const [x, y] = [X(p.kl), Y(p.recon)];
  ctx.beginPath();
  ctx.arc(x, y, RING, 0, 2 * Math.PI);
  ctx.fillStyle = fork ? rgba(colors.accent, 0.35) : colors.surface;
  ctx.strokeStyle = fork ? colors.accent : colors.ink2;
  ctx.lineWidth = 2;
  ctx.fill();
  ctx.setLineDash(fork ? [2, 2] : []);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.font = TICK;
  const w = ctx.measureText(words).width + 4;
  const places = [[x + 9, y + 12], [x + 9, y - 11], [x - 9 - w, y + 12], [x - 9 - w, y - 11], [x - w / 2, y + 17]];
  const free = places.find(([px, py]) => px + w < right + 8 && px > 0 && !taken.some((t) => overlap(t, { x: px, y: py - 8, width: w, height: 16 })));
  if (free) taken.push(plate(ctx, words, free[0] + 2, free[1], { colors, color: colors.ink2, alpha: 0.8 }));
}

/** @param {{runs: {value: number, m: object}[], values: number[], own: {latent: number, neg: number, iwae: number|null}|null}} data */
export function drawLatents(ctx, { width, height, colors }, { runs, values, own }) {
  const all = [...runs.flatMap(({ m }) => [m.test_neg_elbo, m.test_iwae]), own?.neg, own?.iwae].filter((v) => v != null);
  if (!all.length) return;
  const at = (latent) => Math.log2(latent);
  const plot = planeOf(width, height, [at(values[0]) - 0.25, Math.max(at(values.at(-1)), own ? at(own.latent) : 0) + 0.25], range(all));
  drawAxes(ctx, plot, { xName: "latents, log", yName: "nats, test", marks: values.map((v) => [at(v), String(v)]) }, colors);
  const series = [["test_neg_elbo", colors.accent, [], "−ELBO"], ["test_iwae", colors.ink2, [2, 3], "IWAE-50"]];
  for (const [metric, color, dash, words] of series) {
    const known = runs.filter((r) => r.m[metric] != null);
    ctx.strokeStyle = color;
    ctx.lineWidth = 2;
    ctx.setLineDash(dash);
    ctx.beginPath();
    for (const r of known) ctx.lineTo(plot.X(at(r.value)), plot.Y(r.m[metric]));
    ctx.stroke();
    ctx.setLineDash([]);
    for (const r of known) {
      ctx.beginPath();
      ctx.arc(plot.X(at(r.value)), plot.Y(r.m[metric]), 4, 0, 2 * Math.PI);
      ctx.fillStyle = dash.length ? colors.surface : color;
      ctx.fill();
      ctx.stroke();
    }
    const last = known.at(-1);
    if (last) plate(ctx, words, plot.X(at(last.value)) - 8, plot.Y(last.m[metric]) + (dash.length ? 14 : -13), { colors, color, align: "right", font: LABEL, height: 16 });
  }
  if (!own) return;
  dot(ctx, plot.X(at(own.latent)), plot.Y(own.neg), colors, 6);
  plate(ctx, "this run", plot.X(at(own.latent)) + 11, plot.Y(own.neg) - 10, { colors, color: colors.accent, font: LABEL, height: 16 });
}
