// The whole journey in one picture: noise on the left at time 1, data on the right at time 0, and the cloud x_t between them at the place
// of its flow time t = σ / (1 + σ). On these axes a rectified flow is straight. A starting point in the noise can be dragged.
import { rgba } from "../colors.js";
import { fixed, fmt } from "../format.js";
import { placeMarks } from "../labels.js";
import { createSurface, slowLabel } from "../surface.js";
import { draw as drawPaths } from "../views/paths.js";
import { draw as drawPoints } from "../views/points.js";
import { TICK, plate } from "../views/text.js";
import { between, timesOf, valueBetween } from "./walk.js";

const FOOT = 20; // px under the clouds, for the time axis
const SIDE = 10; // px left and right
const PATHS = 48; // of the samples, drawn
const KEY_STEP = 0.1; // of unit noise per arrow key
const NEAR = 26; // px around the handle that count as on it
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
export const MARKS = ["circle", "square", "triangle"]; // of the steps of the first, second and third sampler

/**
 * @typedef {object} JourneyData
 * @property {import("./walk.js").Walk|null} walk @property {number} position @property {object|null} data view of the data @property {object|null} noise view
 * @property {{centre: [number, number], reach: number}|null} world what is to be seen around the data, in data units
 * @property {{scale: number, shift: [number, number]}|null} units @property {[number, number]} place of the start, unit noise
 * @property {import("./start.js").Way[]} ways @property {number|null} apart how far the first learned way ends from the exact one @property {Record<string, boolean>} layers @property {object[]} marks @property {boolean} faded @property {boolean} canDrag
 */

/** Where things stand on a canvas: two squares of `reach` at its ends, time running from one to the other. */
export function geometry(width, height, world) {
  const free = height - FOOT;
  const scale = Math.min(free / 2, 0.27 * width) / world.reach;
  const half = world.reach * scale;
  const [noise, data] = [SIDE + half, width - SIDE - half];
  const middle = (t) => data + (noise - data) * t;
  const X = (x, t) => middle(t) + (x - world.centre[0]) * scale;
  const Y = (y) => free / 2 - (y - world.centre[1]) * scale;
  const toData = (px, py) => [world.centre[0] + (px - noise) / scale, world.centre[1] - (py - free / 2) / scale]; // at time 1
  return { X, Y, middle, scale, half, free, toData };
}

/** @param {HTMLElement} container @param {{onMove: (place: [number, number]) => void}} on */
export function createJourney(container, { onMove }) {
  const surface = createSurface(container, draw, { label: "From noise to data: the arrow keys move the starting point", focusable: true, opaque: true });
  const { canvas } = surface;
  canvas.style.touchAction = "pan-y"; // a finger beside the handle scrolls the page
  let data = null;
  let where = null;

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    if (!data?.world) return;
    where = geometry(width, height, data.world);
    const at = (t) => ({ X: (x) => where.X(x, t), Y: where.Y, width, height, colors });
    axis(ctx, width, height, colors);
    if (data.noise) noise(ctx, at(1), colors);
    if (data.data && data.layers.data) {
      ctx.globalAlpha = 0.55;
      drawPoints(ctx, data.data, { ...at(0), options: { radius: 1.8 } });
      ctx.globalAlpha = 1;
    }
    if (data.walk) {
      if (data.layers.paths) paths(ctx, colors);
      drawPoints(ctx, between(data.walk.x, data.position), { ...at(now()), options: { radius: 2.6 } });
    }
    data.ways.forEach((way, i) => ownWay(ctx, way, MARKS[i], colors));
    if (data.canDrag) handle(ctx, colors);
    placeMarks(ctx, data.marks, at(0));
    if (data.ways.length) legend(ctx, width, colors);
    if (!data.faded) return;
    ctx.fillStyle = rgba(colors.surface, 0.45);
    ctx.fillRect(0, 0, width, height);
  }

  const now = () => valueBetween(timesOf(data.walk.sigmas), data.position);

  /** The time under both ends and under the cloud. */
  function axis(ctx, width, height, colors) {
    const y = height - FOOT / 2;
    plate(ctx, "noise, t 1", where.middle(1), y, { colors, align: "center", color: colors.ink3, alpha: 0 });
    plate(ctx, "data, t 0", where.middle(0), y, { colors, align: "center", color: colors.ink3, alpha: 0 });
    if (!data.walk || data.walk.x.length < 2) return;
    const [t, x] = [now(), where.middle(now())];
    ctx.font = TICK;
    if (t > 0.13 && t < 0.87) plate(ctx, `t ${fixed(t, 2)}`, x, y, { colors, align: "center", color: colors.ink2, alpha: 0 });
    ctx.fillStyle = colors.accent;
    ctx.beginPath();
    ctx.moveTo(x - 4, height - FOOT + 3);
    ctx.lineTo(x + 4, height - FOOT + 3);
    ctx.lineTo(x, height - FOOT - 2);
    ctx.fill();
  }

  function noise(ctx, at, colors) {
    ctx.fillStyle = rgba(colors.ink3, 0.4);
    const { xy } = data.noise.arrays;
    ctx.beginPath();
    for (let i = 0; i < xy.length; i += 2) {
      const [x, y] = [at.X(xy[i]), at.Y(xy[i + 1])];
      ctx.moveTo(x + 1.3, y);
      ctx.arc(x, y, 1.3, 0, 2 * Math.PI);
    }
    ctx.fill();
  }

  /** The ways of some samples, what is behind them stronger. */
  function paths(ctx, colors) {
    const { x, sigmas } = data.walk;
    const n = Math.min(PATHS, ...x.map((v) => v.arrays.xy.length / 2));
    const xy = new Float32Array(2 * n * x.length);
    x.forEach((v, k) => {
      for (let i = 0; i < n; i++) xy.set(v.arrays.xy.subarray(2 * i, 2 * i + 2), 2 * (i * x.length + k));
    });
    const times = timesOf(sigmas);
    const place = (px, py, k) => [where.X(px, times[k]), where.Y(py)];
    drawPaths(ctx, { role: "model", arrays: { xy }, shapes: { xy: [n, x.length, 2] } }, { place, colors, options: { position: data.position } });
  }

  /** The way from the starting point: learned, and dashed the exact one; marks at the learned one's steps. */
  function ownWay(ctx, { learned, exact, times }, mark, colors) {
    const place = (px, py, k) => [where.X(px, times[k]), where.Y(py)];
    const whole = { behind: 1, ahead: 1 };
    drawPaths(ctx, learned, { place, colors: { ...colors, accent: colors.surface }, options: { ...whole, width: 5 } });
    if (exact) drawPaths(ctx, exact, { place, colors, options: { ...whole, width: 1.4 } });
    drawPaths(ctx, learned, { place, colors, options: { ...whole, width: 2 } });
    const { xy } = learned.arrays;
    const every = Math.max(1, Math.ceil(times.length / 24));
    for (let k = every; k < times.length - 1; k += every) stepMark(ctx, mark, place(xy[2 * k], xy[2 * k + 1], k), 2.6, colors);
    const last = times.length - 1;
    if (exact) stepMark(ctx, mark, place(exact.arrays.xy[2 * last], exact.arrays.xy[2 * last + 1], last), 4, { ...colors, accent: colors.surface, surface: colors.ink });
    stepMark(ctx, mark, place(xy[2 * last], xy[2 * last + 1], last), 4, colors);
  }

  /** What the two lines are, between the clouds, and how far apart they end. */
  function legend(ctx, width, colors) {
    const apart = data.apart == null ? "" : `, end ${fmt(data.apart, 2)} apart`;
    const words = data.ways[0].exact ? ["learned", `exact${apart}`] : ["learned"];
    ctx.font = TICK;
    const widths = words.map((text) => 24 + ctx.measureText(text).width);
    let x = width / 2 - (widths.reduce((a, b) => a + b, 0) + 12 * (words.length - 1)) / 2;
    words.forEach((text, i) => {
      ctx.strokeStyle = i ? colors.ink : colors.accent;
      ctx.lineWidth = i ? 1.4 : 2;
      ctx.setLineDash(i ? [4, 3] : []);
      ctx.beginPath();
      ctx.moveTo(x, 9);
      ctx.lineTo(x + 18, 9);
      ctx.stroke();
      ctx.setLineDash([]);
      plate(ctx, text, x + 24, 9, { colors, color: colors.ink2 });
      x += widths[i] + 12;
    });
  }

  function handle(ctx, colors) {
    const [x, y] = handleAt();
    ctx.lineWidth = 2;
    ctx.fillStyle = colors.accent;
    ctx.strokeStyle = colors.surface;
    ctx.beginPath();
    ctx.arc(x, y, 6.5, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(x, y, 9.5, 0, 2 * Math.PI);
    ctx.stroke();
    if (!data.ways.length || container.dataset.dragged) return;
    plate(ctx, "drag me", x + 14, y - 12, { colors, color: colors.ink2, alpha: 0.9, height: 16, pad: 4 });
  }

  const handleAt = () => {
    const { scale, shift } = data.units;
    return [where.X(data.place[0] * scale + shift[0], 1), where.Y(data.place[1] * scale + shift[1])];
  };

  // --- pointer and keyboard -------------------------------------------------------------------------------------------------------
  function moved(place) {
    container.dataset.dragged = "yes";
    onMove(place);
  }

  const placeOf = (event) => {
    const { x, y } = surface.point(event);
    return where.toData(x, y).map((v, i) => (v - data.units.shift[i]) / data.units.scale);
  };

  /** Whether a press there takes the starting point: on its handle, and with a mouse anywhere in the noise. */
  function onHandle(event) {
    if (!data?.canDrag || !where) return false;
    const { x, y } = surface.point(event);
    const [hx, hy] = handleAt();
    return Math.hypot(x - hx, y - hy) < NEAR || (event.pointerType === "mouse" && Math.abs(x - where.middle(1)) < where.half * 0.8);
  }

  canvas.addEventListener("touchstart", (event) => onHandle(event.touches[0]) && event.preventDefault(), { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || !onHandle(event)) return;
    if (event.pointerId) canvas.setPointerCapture?.(event.pointerId);
    moved(placeOf(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture?.(event.pointerId)) moved(placeOf(event));
    else canvas.style.cursor = onHandle(event) ? "grab" : "default";
  });
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || !data?.canDrag) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? 5 * KEY_STEP : KEY_STEP;
    moved(data.place.map((v, i) => v + by * move[i]));
  });

  const spoken = slowLabel(canvas);
  return {
    canvas,
    handleAt: () => (data?.units && where ? handleAt() : null),
    update(next) {
      data = next;
      if (next.canDrag) spoken(`From noise to data, starting point at ${next.place.map((v) => fmt(v, 2)).join(", ")}: the arrow keys move it`);
      surface.schedule();
    },
  };
}

/** A small mark whose shape tells the sampler. */
export function stepMark(ctx, shape, [x, y], r, colors) {
  ctx.beginPath();
  if (shape === "circle") ctx.arc(x, y, r, 0, 2 * Math.PI);
  if (shape === "square") ctx.rect(x - r, y - r, 2 * r, 2 * r);
  if (shape === "triangle") {
    ctx.moveTo(x, y - 1.2 * r);
    ctx.lineTo(x + 1.1 * r, y + r);
    ctx.lineTo(x - 1.1 * r, y + r);
    ctx.closePath();
  }
  ctx.fillStyle = colors.accent;
  ctx.strokeStyle = colors.surface;
  ctx.lineWidth = 1.2;
  ctx.fill();
  ctx.stroke();
}
