// The latent map: where the encoder puts each test example (its posterior mean, drawn as its class), how sure it is (ellipses), the prior
// as dashed circles, and the cursor whose place is decoded. It follows the pointer; a press holds it, arrow keys move it.
import { roleColor, rgba } from "../colors.js";
import { createSurface, slowLabel } from "../surface.js";
import { FAMILY, TICK, hairline, plate } from "../views/text.js";
import { hue } from "./hues.js";
import { drawHoles } from "./holes.js";

const REACHES = [3.6, 5, 7, 10, 15, 20, 30, 50, 100, 200, 500, 1000]; // half the height of the map, in units of z
const KEY_STEP = 0.1; // units of z per arrow key
const ELLIPSES = 120; // posteriors drawn when all are asked for
const CROSS = [5, 14]; // px: from where to where the arms of the cursor go
const RAISED = 17; // px of clear ground around the cursor
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @typedef {object} MapData
 * @property {object|null} points view "latent": arrays xy (n, 2), label (n,) or none @property {object|null} ellipses posteriors: arrays
 *   xy (n, 2), axes (n, 2), angle (n,)
 * @property {[number, number]} cursor place on the map @property {number|null} nearest index of the example nearest to it
 * @property {{points: boolean, sigma: boolean, prior: boolean, holes: boolean}} layers @property {boolean} hasPrior
 * @property {string} run another one lets the map shrink again @property {[string, string]} axes names
 * @property {[number, number][][]} [paths] lines to draw over it, places on the map @property {boolean} faded
 */

/** How far the map must reach to show nearly all points. */
function reachOf(xy) {
  const far = Float32Array.from({ length: xy.length }, (_, i) => Math.abs(xy[i])).sort();
  const needed = 1.05 * (far[Math.floor(0.998 * (far.length - 1))] ?? 3);
  return REACHES.find((r) => r >= needed) ?? REACHES.at(-1);
}

/**
 * @param {HTMLElement} container
 * @param {{onMove: (place: [number, number], held: boolean) => void}} on
 * @returns {{update: (data: MapData) => void, canvas: HTMLCanvasElement, schedule: () => void, toPixels: (place: number[]) => number[]}}
 */
export function createMap(container, { onMove }) {
  const surface = createSurface(container, draw, { label: "Latent map: the arrow keys move the cursor", focusable: true, opaque: true });
  const { canvas } = surface;
  canvas.style.touchAction = "none";
  canvas.style.cursor = "crosshair";
  let data = null;
  let reach = REACHES[0];
  let view = { x: 0, y: 0, scale: 1, height: 1 };
  let held = false; // a press keeps the cursor where it is until the next press

  const X = (x) => view.x + x * view.scale;
  const Y = (y) => view.y - y * view.scale;

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    view = { x: width / 2, y: height / 2, scale: Math.min(width, height) / 2 / reach, width, height };
    grid(ctx, width, height, colors);
    if (!data) return;
    if (data.layers.holes && data.ellipses) drawHoles(ctx, data.ellipses, { X, Y, reach, width, height }, colors);
    if (data.layers.prior && data.hasPrior) prior(ctx, colors);
    if (data.ellipses && data.layers.sigma) ellipses(ctx, colors);
    if (data.points && data.layers.points) examples(ctx, colors);
    for (const path of data.paths ?? []) line(ctx, path, colors);
    if (data.points) cursor(ctx, colors);
    if (!data.faded) return;
    ctx.fillStyle = rgba(colors.surface, 0.45);
    ctx.fillRect(0, 0, width, height);
  }

  function grid(ctx, width, height, colors) {
    const step = [1, 2, 5, 10, 20, 50, 100, 200].find((s) => s * view.scale >= 42) ?? 500;
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    for (let k = -Math.floor(reach / step) * step; k <= reach * (width / height) + 1e-9; k += step) {
      hairline(ctx, X(k), 0, X(k), height, colors.line);
      if (Math.abs(k) > reach) continue;
      hairline(ctx, 0, Y(k), width, Y(k), colors.line);
      if ((k / step) % 2) continue;
      ctx.fillStyle = colors.ink3;
      ctx.textAlign = "center";
      if (k) ctx.fillText(String(k).replace("-", "−"), X(k), height - 9);
      ctx.textAlign = "left";
      if (k) ctx.fillText(String(k).replace("-", "−"), 5, Y(k));
    }
    const [a, b] = data?.axes ?? ["z₁", "z₂"];
    plate(ctx, a, width - 6, height - 10, { colors, align: "right", color: colors.ink3 });
    plate(ctx, b, 5, 11, { colors, align: "left", color: colors.ink3 });
  }

  /** N(0, I) at one, two and three standard deviations. */
  function prior(ctx, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.2;
    for (const r of [1, 2, 3]) {
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      ctx.arc(X(0), Y(0), r * view.scale, 0, 2 * Math.PI);
      ctx.stroke();
      ctx.setLineDash([]);
      plate(ctx, `${r}σ`, X(r * 0.94), Y(-r * 0.34), { colors, align: "center", alpha: 0.9, font: TICK });
    }
  }

  function ellipse(ctx, i) {
    const { xy, axes, angle } = data.ellipses.arrays;
    const [a, b] = [axes[2 * i], axes[2 * i + 1]].map((v) => Math.max(1.5, v * view.scale));
    ctx.beginPath();
    ctx.ellipse(X(xy[2 * i]), Y(xy[2 * i + 1]), a, b, -angle[i], 0, 2 * Math.PI);
  }

  /** One standard deviation of the posterior of some examples. */
  function ellipses(ctx, colors) {
    const { xy } = data.ellipses.arrays;
    const every = Math.max(1, Math.floor(xy.length / 2 / ELLIPSES));
    ctx.fillStyle = rgba(colors.accent, 0.1);
    ctx.strokeStyle = rgba(colors.accent, 0.35);
    ctx.lineWidth = 1;
    for (let i = 0; i < xy.length / 2; i += every) {
      ellipse(ctx, i);
      ctx.fill();
      ctx.stroke();
    }
  }

  function examples(ctx, colors) {
    const { xy, label } = data.points.arrays;
    ctx.font = `700 10.5px ${FAMILY}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.globalAlpha = 0.9;
    for (let i = 0; i < xy.length / 2; i++) {
      const [x, y] = [X(xy[2 * i]), Y(xy[2 * i + 1])];
      if (x < -8 || y < -8 || x > view.width + 8 || y > view.height + 8) continue;
      ctx.fillStyle = label ? hue(label[i], colors.dark) : colors.data;
      if (label) ctx.fillText(String(label[i]), x, y);
      else ctx.fillRect(x - 1.5, y - 1.5, 3, 3);
    }
    ctx.globalAlpha = 1;
  }

  function line(ctx, path, colors) {
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 2;
    ctx.beginPath();
    for (const [x, y] of path) ctx.lineTo(X(x), Y(y));
    ctx.stroke();
    for (const [x, y] of [path[0], path.at(-1)]) {
      ctx.beginPath();
      ctx.arc(X(x), Y(y), 4.5, 0, 2 * Math.PI);
      ctx.fillStyle = colors.accent;
      ctx.strokeStyle = colors.surface;
      ctx.fill();
      ctx.stroke();
    }
  }

  /** The place that is decoded, on cleared ground, with the posterior of the example nearest to it. */
  function cursor(ctx, colors) {
    const [x, y] = [X(data.cursor[0]), Y(data.cursor[1])];
    ctx.fillStyle = rgba(colors.surface, 0.75);
    ctx.beginPath();
    ctx.arc(x, y, RAISED, 0, 2 * Math.PI);
    ctx.fill();
    if (data.nearest != null && data.ellipses) {
      ellipse(ctx, data.nearest);
      ctx.strokeStyle = roleColor(colors, "model");
      ctx.fillStyle = rgba(colors.accent, 0.15);
      ctx.lineWidth = 2;
      ctx.fill();
      ctx.stroke();
    }
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      ctx.moveTo(x + dx * CROSS[0], y + dy * CROSS[0]);
      ctx.lineTo(x + dx * CROSS[1], y + dy * CROSS[1]);
    }
    ctx.stroke();
    if (held) {
      ctx.beginPath();
      ctx.arc(x, y, 2, 0, 2 * Math.PI);
      ctx.fillStyle = colors.ink;
      ctx.fill();
    }
  }

  // --- pointer and keyboard -----------------------------------------------------------------------------------------------------
  const placeOf = (event) => {
    const { x, y } = surface.point(event);
    return [(x - view.x) / view.scale, (view.y - y) / view.scale];
  };

  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons || (!held && event.pointerType === "mouse")) onMove(placeOf(event), held);
  });
  canvas.addEventListener("pointerdown", (event) => {
    held = !held || event.pointerType !== "mouse";
    if (event.pointerId) canvas.setPointerCapture?.(event.pointerId);
    onMove(placeOf(event), held);
  });
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (event.key === "Escape" && held) held = false;
    else if (!move || !data) return;
    event.preventDefault();
    event.stopPropagation();
    if (!move) return surface.schedule();
    held = true;
    const by = event.shiftKey ? 5 * KEY_STEP : KEY_STEP;
    onMove(data.cursor.map((v, i) => Math.max(-reach, Math.min(reach, +(v + by * move[i]).toFixed(4)))), held);
  });

  const spoken = slowLabel(canvas);
  return {
    canvas,
    schedule: surface.schedule,
    toPixels: ([x, y]) => [X(x), Y(y)],
    update(next) {
      const needed = next.points ? reachOf(next.points.arrays.xy) : REACHES[0];
      reach = next.run === data?.run && needed > reach / 2 ? Math.max(reach, needed) : needed;
      data = next;
      spoken(`Latent map, cursor at ${next.cursor.map((v) => v.toFixed(2).replace("-", "−")).join(", ")}: the arrow keys move it`);
      surface.schedule();
    },
  };
}
