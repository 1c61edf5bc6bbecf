// What G makes of the handle's noise: a point among the data with the way it came, or a picture with the ones before it.
import { boundsOf, fit, mapping } from "./camera.js";
import { dot, fadingPath } from "./plane.js";
import { createSurface } from "./surface.js";
import { draw as drawImages, layout } from "./views/images.js";
import { draw as drawPoints } from "./views/points.js";
import { LABEL, plate } from "./views/text.js";

const TRAIL = 60; // places of the sample that can be seen
const FILM = 10; // pictures,
const APART = 0.1; // at least so far on the pad: neighbours look alike
const FILM_SHARE = 0.16; // of the height, for the film
const GAP = 8;
const DATA_POINTS = 400;

/** @param {HTMLElement} container */
export function createWalkView(container) {
  const surface = createSurface(container, draw, { label: "What G makes of the noise at the handle" });
  const caches = { large: new Map(), film: new Map() };
  let data = { moves: [], backdrop: null, frame: null, hovered: null };

  function draw(ctx, width, height, colors) {
    const last = data.moves.at(-1)?.view;
    if (last?.type === "images") pictures(ctx, width, height, colors);
    else if (data.backdrop) plane(ctx, width, height, colors);
  }

  function plane(ctx, width, height, colors) {
    const bounds = boundsOf(data.backdrop, null);
    if (!bounds) return;
    const where = { ...mapping(fit(bounds, width, height), width), width, height, colors };
    const real = data.backdrop.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data");
    if (real) drawPoints(ctx, { ...real, arrays: { xy: real.arrays.xy.subarray(0, 2 * DATA_POINTS) } }, where);
    const made = data.frame?.views.find((v) => v.panel === "stage" && v.name === "samples");
    ctx.globalAlpha = 0.3;
    if (made) drawPoints(ctx, made, { ...where, options: { radius: 2.2 } });
    ctx.globalAlpha = 1;
    const places = data.moves.slice(-TRAIL).map((m) => [where.X(m.sample[0]), where.Y(m.sample[1])]);
    fadingPath(ctx, places, colors.ink, { width: 1.5, faintest: 0.05, strongest: 0.75 });
    if (made && data.hovered != null) ring(ctx, made.arrays.xy, data.hovered, where);
    if (!places.length) return;
    const [x, y] = places.at(-1);
    dot(ctx, x, y, colors, 7);
    const mode = data.moves.at(-1).mode;
    if (mode != null) plate(ctx, `mode ${mode}`, x < width - 80 ? x + 14 : x - 14, y, { colors, align: x < width - 80 ? "left" : "right", font: LABEL, height: 18, pad: 5, radius: 4 });
  }

  /** The sample of the noise point under the pointer. */
  function ring(ctx, xy, index, { X, Y, colors }) {
    if (2 * index >= xy.length) return;
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(X(xy[2 * index]), Y(xy[2 * index + 1]), 7, 0, 2 * Math.PI);
    ctx.stroke();
  }

  function pictures(ctx, width, height, colors) {
    const density = ctx.getTransform().a;
    const film = Math.round(height * FILM_SHARE);
    const [large, strip] = [data.moves.at(-1).view, joined(filmOf(data.moves).map((m) => m.view))];
    const grid = layout(large, { width, height: height - film - GAP, options: { gap: 0 } }, density);
    if (!grid) return;
    grid.x = Math.round((width - grid.width) / 2);
    drawImages(ctx, large, { width, height, colors, cache: caches.large, grid });
    const [, , h, w] = large.shapes.pixels;
    const scale = Math.min((width - (FILM - 1) * 3) / (FILM * w), film / h);
    const below = layout(strip, { y: height - film, width, height: film + 1, options: { scale, gap: 3 } }, density);
    if (!below) return;
    below.x = Math.round((width - below.width) / 2);
    drawImages(ctx, strip, { width, height, colors, cache: caches.film, grid: below });
  }

  return {
    /** @param {{moves?: object[], backdrop?: object, frame?: object, hovered?: number|null}} next moves: {place, label, sample, mode, view} */
    update(next) {
      data = { ...data, ...next };
      surface.schedule();
    },
    canvas: surface.canvas,
  };
}

/** The newest move and those before it that are some way apart, oldest first. */
function filmOf(moves) {
  const film = [moves.at(-1)];
  for (let i = moves.length - 2; i >= 0 && film.length < FILM; i--) {
    const [a, b] = [moves[i], film[0]];
    if (a.label !== b.label || Math.hypot(a.place[0] - b.place[0], a.place[1] - b.place[1]) >= APART) film.unshift(a);
  }
  return film;
}

/** Several views of one image each as one view. */
function joined(views) {
  const [, ...shape] = views[0].shapes.pixels;
  const alike = views.filter((v) => v.shapes.pixels.slice(1).join() === shape.join());
  const size = views[0].arrays.pixels.length;
  const pixels = new views[0].arrays.pixels.constructor(size * alike.length);
  alike.forEach((v, i) => pixels.set(v.arrays.pixels, i * size));
  return { ...views[0], arrays: { pixels }, shapes: { pixels: [alike.length, ...shape] } };
}
