// The latent map in small: test examples as dots, each class written once in their middle, the prior as dashed circles, and over them what
// a scene talks about: paths, a place, and the posterior there.
import { rgba } from "../../colors.js";
import { createSurface } from "../../surface.js";
import { FAMILY, TICK, hairline, plate } from "../../views/text.js";
import { hue } from "../hues.js";

const REACHES = [3.6, 4.3, 5, 6, 7, 8.5, 10, 12, 15, 20, 30, 50, 100, 200, 500, 1000, 5000]; // half the height, in units of z
const LEAST = 1.5; // px of a half-axis: even a sure posterior is seen

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

/** How far the map must reach to show nearly all points and every place that matters. */
function reachOf(xy, places) {
  const far = Float32Array.from(xy, Math.abs).sort();
  const needed = Math.max(1.02 * (far[Math.floor(0.995 * (far.length - 1))] ?? 3), ...places.flat().map((v) => 1.1 * Math.abs(v)));
  return REACHES.find((r) => r >= needed) ?? REACHES.at(-1);
}

/**
 * @typedef {object} SmallMapData
 * @property {object|null} points view "latent" of a picture @property {boolean} hasPrior @property {[string, string]} axes
 * @property {{places: number[][], dash?: number[], role?: string}[]} [paths] @property {number[]} [place] where the scene is
 * @property {{xy: number[], axes: number[], angle: number}} [ellipse] one standard deviation of the posterior there
 * @property {{place: number[], words: string}[]} [names]
 */

/** @param {HTMLElement} container @param {string} label @returns {{update: (data: SmallMapData) => void}} */
export function createSmallMap(container, label) {
  const surface = createSurface(container, draw, { label });
  let data = null;
  let known = {}; // {source, middles}

  /** The middle of each class. */
  function middles({ arrays: { xy, label: classes } }) {
    if (known.source === xy) return known.middles;
    const groups = new Map();
    for (let i = 0; classes && i < classes.length; i++) {
      if (!groups.has(classes[i])) groups.set(classes[i], [[], []]);
      groups.get(classes[i]).forEach((list, axis) => list.push(xy[2 * i + axis]));
    }
    known = { source: xy, middles: [...groups].map(([key, [x, y]]) => ({ key, place: [median(x), median(y)] })) };
    return known.middles;
  }

  function draw(ctx, width, height, colors) {
    const places = data ? [...(data.paths ?? []).flatMap((p) => p.places), ...(data.place ? [data.place] : [])] : [];
    const reach = data?.points ? reachOf(data.points.arrays.xy, places) : REACHES[0];
    const scale = Math.min(width, height) / 2 / reach;
    const at = { X: (x) => width / 2 + x * scale, Y: (y) => height / 2 - y * scale, scale, width, height };
    grid(ctx, at, reach, colors);
    if (data?.points) dots(ctx, at, colors);
    if (data?.hasPrior) prior(ctx, at, colors);
    if (!data?.points) return;
    classes(ctx, at, colors);
    for (const path of data.paths ?? []) line(ctx, path, at, colors);
    if (data.ellipse) posterior(ctx, data.ellipse, at, colors);
    if (data.place) here(ctx, data.place, at, colors);
    for (const { place, words } of data.names ?? []) name(ctx, words, place, at, colors);
  }

  function grid(ctx, { X, Y, width, height, scale }, reach, colors) {
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((s) => s * scale >= 24) ?? 2000;
    const wide = Math.floor((reach * width) / Math.min(width, height) / step);
    for (let k = -wide; k <= wide; k++) hairline(ctx, X(k * step), 0, X(k * step), height, colors.line);
    const high = Math.floor((reach * height) / Math.min(width, height) / step);
    for (let k = -high; k <= high; k++) hairline(ctx, 0, Y(k * step), width, Y(k * step), colors.line);
    const [a, b] = data?.axes ?? ["z₁", "z₂"];
    plate(ctx, a, width - 5, height - 9, { colors, align: "right", color: colors.ink3 });
    plate(ctx, b, 5, 10, { colors, align: "left", color: colors.ink3 });
  }

  function dots(ctx, { X, Y }, colors) {
    const { xy, label: classes } = data.points.arrays;
    ctx.globalAlpha = 0.55;
    for (let i = 0; i < xy.length / 2; i++) {
      ctx.fillStyle = classes ? hue(classes[i], colors.dark) : colors.data;
      ctx.fillRect(X(xy[2 * i]) - 1, Y(xy[2 * i + 1]) - 1, 2, 2);
    }
    ctx.globalAlpha = 1;
  }

  function prior(ctx, { X, Y, scale, height }, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1;
    ctx.setLineDash([4, 3]);
    for (const r of [1, 2, 3]) {
      if (r * scale > height) continue;
      ctx.beginPath();
      ctx.arc(X(0), Y(0), r * scale, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.setLineDash([]);
  }

  function classes(ctx, { X, Y }, colors) {
    const found = middles(data.points);
    if (found.length > 20) return;
    for (const { key, place } of found) plate(ctx, String(key), X(place[0]), Y(place[1]), { colors, align: "center", alpha: 0.8, color: hue(key, colors.dark), font: `700 12px ${FAMILY}` });
  }

  function line(ctx, { places, dash = [], role = "accent" }, { X, Y }, colors) {
    const path = new Path2D();
    for (const [x, y] of places) path.lineTo(X(x), Y(y));
    ctx.lineJoin = "round";
    ctx.strokeStyle = colors.surface;
    ctx.lineWidth = 5;
    ctx.stroke(path);
    ctx.strokeStyle = colors[role];
    ctx.lineWidth = 2;
    ctx.setLineDash(dash);
    ctx.stroke(path);
    ctx.setLineDash([]);
  }

  function posterior(ctx, { xy, axes, angle }, { X, Y, scale }, colors) {
    ctx.beginPath();
    ctx.ellipse(X(xy[0]), Y(xy[1]), Math.max(LEAST, axes[0] * scale), Math.max(LEAST, axes[1] * scale), -angle, 0, 2 * Math.PI);
    ctx.fillStyle = rgba(colors.accent, 0.25);
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 2;
    ctx.fill();
    ctx.stroke();
  }

  /** A cross on cleared ground that leaves its middle free. */
  function here(ctx, [px, py], { X, Y }, colors) {
    const [x, y] = [X(px), Y(py)];
    for (const [color, size] of [[colors.surface, 4.5], [colors.ink, 1.75]]) {
      ctx.strokeStyle = color;
      ctx.lineWidth = size;
      ctx.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        ctx.moveTo(x + dx * 5, y + dy * 5);
        ctx.lineTo(x + dx * 13, y + dy * 13);
      }
      ctx.stroke();
    }
  }

  function name(ctx, words, place, { X, Y, width, height }, colors) {
    const y = Math.max(10, Math.min(height - 10, Y(place[1]) + 13));
    const x = Math.max(14, Math.min(width - 14, X(place[0])));
    plate(ctx, words, x, y, { colors, align: "center", alpha: 0.9, font: TICK });
  }

  return {
    update(next) {
      data = next;
      surface.schedule();
    },
  };
}
