// The score at a noise level: what the network says, what is true, and where they differ; and how well they agree at every level.
import { mix, rgba, toHex } from "../../colors.js";
import { fixed, int, short } from "../../format.js";
import { createSurface } from "../../surface.js";
import { newest } from "../../ask/question.js";
import { drawData, placeOf } from "../cell.js";
import { createPlot } from "../plot.js";
import { createAskingScene, curve, layOut, panels, slider } from "./frame.js";

export const title = "Score field";
export const kinds = ["2d"];

const SIGMAS = [0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.8, 1.2, 2, 3, 5];
const ROWS = 22;
const LONGEST = 13; // px
const PARTS = [["learned", "Learned"], ["exact", "Exact"], ["error", "Error"]];

export function create(container, tools) {
  const find = layOut(container, {
    bar: slider("σ", { max: SIGMAS.length - 1, value: 6 }),
    body: `<div class="parts score-parts">${PARTS.map(([key, words]) => `<section data-part="${key}"><h3>${words} <small></small></h3><div class="cell"></div></section>`).join("")}<section><h3>Cosine to the exact score <small>against σ</small></h3><div class="plot"></div></section></div>`,
  });
  const surfaces = PARTS.map(([key, words]) => createSurface(find(`[data-part=${key}] .cell`), (ctx, w, h, colors) => draw(key, ctx, w, h, colors), { label: `${words} score` }));
  const plot = createPlot(find(".plot"), "Mean cosine to the exact score against the noise level", { onPick: (v) => move(SIGMAS.reduce((best, s, i) => (Math.abs(Math.log(s / v)) < Math.abs(Math.log(SIGMAS[best] / v)) ? i : best), 0)) });
  let at = 6;
  let frame = null;
  const scene = createAskingScene(container, tools, {
    questions: () => [ask()],
    show,
    nothing: "Nothing trained yet. Train, and the learned score stands here beside the exact one.",
  });

  const ask = (i = at) => ["score_field", { sigma: SIGMAS[i], rows: ROWS }];

  function move(i) {
    at = i;
    find("input").value = at;
    scene.ask();
  }

  function draw(part, ctx, width, height, colors) {
    const backdrop = tools.store.backdrop();
    const place = placeOf(backdrop, width, height, 1);
    if (!place || !frame) return;
    if (part === "error") heat(ctx, place, panels(frame, "error")[0], colors);
    drawData(ctx, backdrop, place, width, colors);
    if (part !== "error") arrows(ctx, place, panels(frame, part)[0], part === "exact" ? colors.ink : colors.accent, part === "exact");
  }

  /** Arrows whose longest is LONGEST px in both fields alike. */
  function arrows(ctx, place, view, color, dashed) {
    const { xy, uv } = view.arrays;
    const most = longest();
    ctx.strokeStyle = ctx.fillStyle = rgba(color, 0.85);
    ctx.lineWidth = 1.1;
    ctx.setLineDash(dashed ? [3, 1.5] : []);
    for (let i = 0; i < xy.length; i += 2) {
      const size = Math.hypot(uv[i], uv[i + 1]);
      const length = LONGEST * Math.sqrt(size / most); // by the root, or only the far ones could be seen
      const [x, y, angle] = [place.X(xy[i]), place.Y(xy[i + 1]), Math.atan2(-uv[i + 1], uv[i])];
      if (length < 1.5) continue;
      const [ex, ey] = [x + length * Math.cos(angle), y + length * Math.sin(angle)];
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(ex, ey);
      ctx.stroke();
      ctx.beginPath();
      ctx.moveTo(ex + 2 * Math.cos(angle), ey + 2 * Math.sin(angle));
      ctx.lineTo(ex + 3 * Math.cos(angle + 2.3), ey + 3 * Math.sin(angle + 2.3));
      ctx.lineTo(ex + 3 * Math.cos(angle - 2.3), ey + 3 * Math.sin(angle - 2.3));
      ctx.fill();
    }
    ctx.setLineDash([]);
  }

  const longest = () => Math.max(...["learned", "exact"].flatMap((name) => lengths(panels(frame, name)[0])), 1e-9);
  const lengths = (view) => Array.from({ length: view.arrays.uv.length / 2 }, (_, i) => Math.hypot(view.arrays.uv[2 * i], view.arrays.uv[2 * i + 1]));

  /** Squares whose tint is the length of the difference over the longest arrow. */
  function heat(ctx, place, view, colors) {
    const [rows, cols] = view.shapes.values;
    const [x0, x1, y0, y1] = view.extent;
    const [dx, dy] = [(x1 - x0) / (cols - 1), (y1 - y0) / (rows - 1)];
    const bytes = view.arrays.values instanceof Uint8Array;
    const [w, h] = [place.X(x0 + dx) - place.X(x0) + 0.6, place.Y(y0) - place.Y(y0 + dy) + 0.6];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < cols; c++) {
        const raw = view.arrays.values[r * cols + c];
        const share = (bytes ? raw / 255 : (raw - view.lo) / (view.hi - view.lo || 1)) ** 0.5;
        ctx.fillStyle = toHex(mix(colors.surface, colors.accent, 0.75 * share));
        ctx.fillRect(place.X(x0 + c * dx) - w / 2, place.Y(y0 + r * dy) - h / 2, w, h);
      }
    }
  }

  function show() {
    frame = scene.get(...ask());
    const cosines = curve(newest(tools.store), "score_cosine");
    const error = panels(frame, "error")[0];
    find("[data-part=learned] small").textContent = frame ? `cosine ${fixed(frame.metrics.score_cosine, 3)}` : "";
    find("[data-part=exact] small").textContent = "closed form";
    find("[data-part=error] small").textContent = frame ? `at most ${fixed(error.hi, 2)} of a move of ${fixed(longest(), 2)}` : "";
    find(".said").textContent = `σ ${short(SIGMAS[at])} over data of unit variance; arrows are D(x, σ) − x = σ² ∇ log p, by the root of their length`;
    const line = cosines ? [{ name: "cosine", x: Array.from(cosines.x, Math.exp), y: cosines.y, color: "accent", dots: true, bare: true }] : [];
    const low = cosines ? Math.min(0.9, Math.floor(Math.min(...cosines.y) * 10) / 10) : 0;
    plot.update({ lines: line, x: { name: "σ, log", log: true, range: [0.015, 6] }, y: { name: "cosine", range: [low, 1.005] }, floors: [{ y: 1, label: "" }], cursor: SIGMAS[at] });
    for (const surface of surfaces) surface.schedule();
    Object.assign(container.dataset, { sigma: SIGMAS[at], cosine: frame?.metrics.score_cosine ?? "" });
    return frame ? sentence(cosines) : "";
  }

  function sentence(cosines) {
    const here = `At σ ${short(SIGMAS[at])} the learned score points where the exact one does to a cosine of ${fixed(frame.metrics.score_cosine, 3)}, weighted by the density (${int(ROWS)} × ${int(ROWS)} places)`;
    if (!cosines) return `${here}.`;
    const worst = Array.from(cosines.y).indexOf(Math.min(...cosines.y));
    return `${here}. Over the noise levels of training it agrees least at σ ${short(+Math.exp(cosines.x[worst]).toPrecision(2))}, with ${fixed(cosines.y[worst], 3)}; mean of n 100 held-out points at each of ${int(cosines.y.length)} levels.`;
  }

  find("input").addEventListener("input", (event) => move(+event.target.value));
  return { update: scene.update };
}
