// The stage: the model's world in one canvas. In two dimensions map, data, arrows, samples and labels lie over each other; pictures fill
// it as a grid with the data beside. One pass per frame, nothing is erased between layers, so nothing flickers.
import { Camera, boundsOf, fit, mapping } from "./camera.js";
import { rgba } from "./colors.js";
import { int } from "./format.js";
import { caption, heatLegend, modeLabels, placeMarks, pointerLabel, rivalLegend } from "./labels.js";
import { createMaps } from "./maps.js";
import { createSurface, slowLabel } from "./surface.js";
import { draw as drawCurve } from "./views/curve.js";
import { draw as drawField } from "./views/field.js";
import { valueAt } from "./views/heat.js";
import { draw as drawImages, enlarge, hit, layout } from "./views/images.js";
import { draw as drawMesh } from "./views/mesh.js";
import { draw as drawPoints } from "./views/points.js";

const FADED = 0.55; // how much of the picture stays while waiting
const WIDE = 480; // px from which there is room for the legend and for data beside the samples
const DATA_POINTS = 400; // enough to see a distribution, few enough to see the samples on it
const CAPTION = 28; // px over a grid of pictures
const PAD = 14; // px around the grids
const BETWEEN = 24; // px between samples and data
const SHARE = 0.76; // of the width for samples where data stand beside them
const PROBE_STEP = 16; // px per arrow key
const ON_REQUEST = new Set(["grid", "best"]); // layers that are off until they are asked for

const stageViews = (frame) => frame?.views.filter((v) => v.panel === "stage") ?? [];
const isModes = (v) => v.type === "points" && v.name === "modes";

/** The first points of a view: they are drawn in random order. */
function first(view, count) {
  if (view.arrays.xy.length <= 2 * count) return view;
  return { ...view, arrays: { ...view.arrays, xy: view.arrays.xy.subarray(0, 2 * count) } };
}

/**
 * @param {HTMLElement} container has its size from the style sheet
 * @param {{onHover?: (at: {x: number, y: number, value: number|null}|{index: number, label: number|null}|null) => void, label?: string}} [options]
 * @returns a stage:
 *   setBackdrop(frame), setFrame(frame): what `decodeFrame` gives; null clears
 *   setLayers({data, samples, heat, gradient, labels, grid, best}): booleans, absent means shown, but for grid and best
 *   setState({faded, empty, inset}): faded at 55 %; empty hides all but the data; inset px at the bottom are covered by a message
 *   setRival({frame, title}|null): the other branch's samples, as hollow marks or a grid beside
 *   setMarks([{mode, number} | {xy: [x, y], number}]), setGap(number|null): of D from the best D, setLabel(text), bounds() -> [x0, x1, y0, y1]|null, resize(), schedule(), canvas
 */
export function createStage(container, { onHover, label = "Data space" } = {}) {
  const surface = createSurface(container, draw, { label, focusable: true, opaque: true });
  const { canvas } = surface;
  const camera = new Camera();
  const cache = new Map();
  const maps = createMaps(container, () => surface.schedule());
  let [backdrop, frame] = [null, null];
  let data = null; // the backdrop's points, thinned
  let layers = {};
  let state = {};
  let marks = [];
  let rival = null; // {frame, title} of the other branch at this step
  let gap = null;
  let pointer = null; // {px, py} of the mouse or of the keyboard's probe
  let seen = null; // what the last draw put on the canvas, for the pointer
  let bounds = null;
  let size = "";

  function setBackdrop(next) {
    backdrop = next;
    const points = stageViews(next).find((v) => v.type === "points" && v.role === "data");
    data = points ? first(points, DATA_POINTS) : null;
    aimAt(boundsOf(backdrop, frame));
  }

  function setFrame(next) {
    frame = next;
    if (!bounds) aimAt(boundsOf(backdrop, frame));
    surface.schedule();
  }

  function aimAt(next) {
    if (String(next) !== String(bounds)) camera.cut();
    bounds = next;
    surface.schedule();
  }

  const shows = (layer) => layers[layer] ?? !ON_REQUEST.has(layer);

  function draw(ctx, width, height, colors) {
    ctx.fillStyle = colors.surface;
    ctx.fillRect(0, 0, width, height);
    const images = [...stageViews(frame), ...stageViews(backdrop)].some((v) => v.type === "images");
    if (images) maps.hide();
    seen = images ? drawPictures(ctx, width, height, colors) : bounds ? drawPlane(ctx, width, height, colors) : null;
    if (!state.faded) return;
    ctx.fillStyle = rgba(colors.surface, 1 - FADED);
    ctx.fillRect(0, 0, width, height);
  }

  // --- two dimensions ---------------------------------------------------------------------------------------------------------
  function view(width, height) {
    const now = performance.now();
    if (size !== `${width}x${height}`) camera.cut();
    size = `${width}x${height}`;
    camera.aim(fit(bounds, width, height, state.inset), now);
    if (camera.moving(now)) surface.schedule();
    return mapping(camera.at(now), width);
  }

  function drawPlane(ctx, width, height, colors) {
    const where = { ...view(width, height), width, height, colors, cache, bounds };
    const now = state.empty ? [] : stageViews(frame);
    const heat = (role, layer) => (shows(layer) && now.find((v) => v.type === "heat" && v.role === role)) || null;
    maps.draw(ctx, { model: heat("model", "heat"), exact: heat("exact", "best") }, where);
    for (const v of now) if (v.type === "mesh" && shows("grid")) drawMesh(ctx, v, where);
    for (const v of stageViews(backdrop)) drawLayer(ctx, v, where);
    for (const v of now) if (v.type === "field" && shows("gradient")) drawField(ctx, v, where);
    for (const v of now.length && shows("samples") ? stageViews(rival?.frame) : []) if (v.type === "points" && v.role === "model") drawPoints(ctx, v, { ...where, options: { hollow: true } });
    for (const v of now) drawLayer(ctx, v, where);
    if (rival && now.length) rivalLegend(ctx, rival.title, where);
    if (!state.empty) words(ctx, where);
    return { where };
  }

  function drawLayer(ctx, v, where) {
    const points = v.type === "points" && !isModes(v);
    if (points && v.role === "data" && shows("data")) drawPoints(ctx, data ?? v, where);
    if (points && v.role !== "data" && shows("samples")) drawPoints(ctx, v, where);
    if (v.type === "curve") drawCurve(ctx, v, where);
  }

  function words(ctx, where) {
    const centres = [...stageViews(backdrop), ...stageViews(frame)].find(isModes);
    const bars = frame?.views.find((v) => v.type === "bars");
    if (centres && bars && shows("labels")) modeLabels(ctx, centres, bars, marks, where);
    placeMarks(ctx, marks, where);
    if (!state.inset) maps.words(ctx, where, gap);
    if (maps.at(0) && where.width >= WIDE && !state.inset) heatLegend(ctx, maps.at(0), where);
    if (pointer && !state.faded) pointerLabel(ctx, under(pointer, where), where);
  }

  const under = ({ px, py }, where) => {
    const at = where.toData(px, py);
    const heat = maps.at(px);
    return { px, py, ...at, value: heat ? valueAt(heat, at.x, at.y) : null, heat };
  };

  // --- pictures -----------------------------------------------------------------------------------------------------------------
  function drawPictures(ctx, width, height, colors) {
    const find = (source, role) => stageViews(source).find((v) => v.type === "images" && v.role === role);
    const samples = !state.empty && shows("samples") ? find(frame, "model") : null;
    const other = samples && rival ? find(rival.frame, "model") : null;
    const real = other ?? (shows("data") ? find(backdrop, "data") : null);
    const grids = arrange(samples, real, width, height - (state.inset ?? 0), ctx.getTransform().a);
    for (const { view: v, grid } of grids) {
      caption(ctx, v.role === "data" ? "Data" : v === other ? `Other branch: ${rival.title}` : "Samples", grid.x, CAPTION / 2 + 2, v.role === "data" ? colors.data : colors.accent, colors);
      drawImages(ctx, v, { width, height, colors, cache, grid, slot: v === other ? "rival" : v.role });
    }
    const held = pointer && !state.faded ? pick(grids, pointer) : null;
    if (held) enlarge(ctx, held.view, held.grid, held.index, { width, height, colors });
    return { grids };
  }

  /** Samples fill the stage, with data of the same size beside them; on a phone, or if only one is shown, one fills it all. */
  function arrange(samples, real, width, height, density) {
    const box = { x: PAD, y: CAPTION, width: width - 2 * PAD, height: height - CAPTION - PAD };
    const both = samples && real && width >= WIDE;
    const main = samples ?? real;
    const grid = main && layout(main, both ? { ...box, width: Math.round(box.width * SHARE) } : box, density);
    if (!grid) return [];
    const rest = { ...box, y: grid.y, width: box.width - grid.width - BETWEEN, height: box.height - (grid.y - box.y), options: { scale: grid.scale, gap: grid.gap } };
    const beside = both ? layout(real, { ...rest, width: Math.min(rest.width, box.width * (1 - SHARE)) }, density) : null;
    const total = grid.width + (beside ? BETWEEN + beside.width : 0);
    grid.x = Math.round(Math.max(PAD, (width - total) / 2));
    if (!beside) return [{ view: main, grid }];
    beside.x = Math.round(grid.x + grid.width + BETWEEN);
    return [{ view: main, grid }, { view: real, grid: beside }];
  }

  function pick(grids, { px, py }) {
    for (const { view: v, grid } of grids) {
      const index = grid ? hit(grid, px, py) : -1;
      if (index >= 0) return { view: v, grid, index };
    }
    return null;
  }

  // --- pointer and keyboard -------------------------------------------------------------------------------------------------------
  function report() {
    surface.schedule();
    if (!onHover) return;
    if (!pointer || !seen) return onHover(null);
    if (seen.where) {
      const { x, y, value } = under(pointer, seen.where);
      return onHover({ x, y, value });
    }
    const held = pick(seen.grids, pointer);
    onHover(held && { index: held.index, label: held.view.arrays.label?.[held.index] ?? null });
  }

  function point(event) {
    const { x, y } = surface.point(event);
    pointer = { px: x, py: y };
    report();
  }

  function leave() {
    if (!pointer) return;
    pointer = null;
    report();
  }

  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function key(event) {
    if (event.key === "Escape") return leave();
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const from = pointer ?? { px: surface.width / 2, py: surface.height / 2 };
    const clamp = (v, most) => Math.max(0, Math.min(most, v));
    const by = pointer ? PROBE_STEP : 0; // the first key only shows where the probe is
    pointer = { px: clamp(from.px + by * move[0], surface.width), py: clamp(from.py + by * move[1], surface.height) };
    report();
  }

  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointerleave", leave);
  canvas.addEventListener("keydown", key);
  canvas.addEventListener("blur", leave);

  const change = (apply) => (value) => {
    apply(value);
    surface.schedule();
  };
  const sameState = (next) => ["faded", "empty", "inset"].every((k) => (next[k] || 0) === (state[k] || 0));
  const spoken = slowLabel(canvas);
  return {
    canvas,
    setBackdrop,
    setFrame,
    setLayers: change((next) => (layers = next)),
    setState: (next) => sameState(next) || change(() => (state = next))(),
    setRival: (next) => next?.frame === rival?.frame || change(() => (rival = next))(),
    setMarks: change((next) => (marks = next)),
    setGap: (next) => next === gap || change(() => (gap = next))(),
    setLabel: (text) => spoken(text ?? `${label}, step ${int(frame?.step ?? 0)}`),
    bounds: () => bounds,
    schedule: surface.schedule,
    resize: surface.resize,
    destroy: surface.destroy,
  };
}
