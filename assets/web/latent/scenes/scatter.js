// Many places at once on the latent map: test examples faint in their hues, and over them the z that a scene draws from somewhere.
import { rgba } from "../../colors.js";
import { createSurface } from "../../surface.js";
import { TICK, hairline } from "../../views/text.js";
import { hue } from "../hues.js";

const REACHES = [3.6, 4.3, 5, 6, 7, 8.5, 10, 12, 15, 20, 30, 50, 100, 200, 500, 1000, 5000]; // half the height, in units of z
const MOST = 400; // z drawn

/** How far the map must reach to show nearly all of these places. */
function reachOf(...clouds) {
  const needed = Math.max(
    ...clouds.map((xy) => {
      const far = Float32Array.from(xy, Math.abs).sort();
      return 1.02 * (far[Math.floor(0.995 * (far.length - 1))] ?? 3);
    }),
  );
  return REACHES.find((r) => r >= needed) ?? REACHES.at(-1);
}

/**
 * @param {HTMLElement} container @param {string} label
 * @param {{onPick?: (index: number) => void}} on a press picks the nearest example, left and right the one before and after
 * @returns {{update: (data: {points: object|null, places?: object|null, chosen?: number, hasPrior: boolean}) => void}}
 */
export function createScatter(container, label, { onPick } = {}) {
  const surface = createSurface(container, draw, { label, focusable: Boolean(onPick) });
  let data = null;
  let at = { X: (x) => x, Y: (y) => y };

  function draw(ctx, width, height, colors) {
    if (!data?.points) return;
    const { xy, label: classes } = data.points.arrays;
    const reach = reachOf(xy, ...(data.places ? [data.places.arrays.xy] : []));
    const scale = Math.min(width, height) / 2 / reach;
    const [X, Y] = [(x) => width / 2 + x * scale, (y) => height / 2 - y * scale];
    at = { X, Y };
    hairline(ctx, X(0), 0, X(0), height, colors.line);
    hairline(ctx, 0, Y(0), width, Y(0), colors.line);
    ctx.globalAlpha = onPick ? 0.75 : 0.45;
    for (let i = 0; i < xy.length / 2; i++) {
      ctx.fillStyle = classes ? hue(classes[i], colors.dark) : colors.data;
      ctx.fillRect(X(xy[2 * i]) - 0.9, Y(xy[2 * i + 1]) - 0.9, 1.8, 1.8);
    }
    ctx.globalAlpha = 1;
    if (data.hasPrior) circles(ctx, { X, Y, scale, width, height }, colors);
    if (data.places) dots(ctx, data.places.arrays.xy, { X, Y }, colors);
    if (data.chosen != null) ring(ctx, X(xy[2 * data.chosen]), Y(xy[2 * data.chosen + 1]), colors);
  }

  function ring(ctx, x, y, colors) {
    for (const [color, size] of [[colors.surface, 5], [colors.ink, 2]]) {
      ctx.strokeStyle = color;
      ctx.lineWidth = size;
      ctx.beginPath();
      ctx.arc(x, y, 7, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }

  function circles(ctx, { X, Y, scale, width, height }, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1;
    ctx.setLineDash([4, 3]);
    for (const r of [1, 2, 3]) {
      ctx.beginPath();
      ctx.arc(X(0), Y(0), r * scale, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.font = TICK;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = colors.ink3;
    if (3 * scale < Math.min(width, height) / 2) ctx.fillText("3σ", X(0) + 2.12 * scale + 9, Y(0) - 2.12 * scale - 7);
  }

  /** With a halo in the colour of the ground, as the model's dots have. */
  function dots(ctx, xy, { X, Y }, colors) {
    const n = Math.min(MOST, xy.length / 2);
    for (const [radius, color] of [[2.6, rgba(colors.surface, 0.85)], [1.7, colors.accent]]) {
      ctx.fillStyle = color;
      ctx.beginPath();
      for (let i = 0; i < n; i++) {
        const [x, y] = [X(xy[2 * i]), Y(xy[2 * i + 1])];
        ctx.moveTo(x + radius, y);
        ctx.arc(x, y, radius, 0, 2 * Math.PI);
      }
      ctx.fill();
    }
  }

  if (onPick) listen();

  function listen() {
    const { canvas } = surface;
    canvas.style.cursor = "crosshair";
    canvas.addEventListener("pointerdown", (event) => {
      if (!data?.points) return;
      const { x, y } = surface.point(event);
      const { xy } = data.points.arrays;
      let [best, least] = [0, Infinity];
      for (let i = 0; i < xy.length / 2; i++) {
        const d = (at.X(xy[2 * i]) - x) ** 2 + (at.Y(xy[2 * i + 1]) - y) ** 2;
        if (d < least) [best, least] = [i, d];
      }
      onPick(best);
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !data?.points) return;
      event.preventDefault();
      event.stopPropagation();
      const n = data.points.arrays.xy.length / 2;
      onPick(((data.chosen ?? 0) + step + n) % n);
    });
  }

  return {
    update(next) {
      data = next;
      surface.schedule();
    },
  };
}
