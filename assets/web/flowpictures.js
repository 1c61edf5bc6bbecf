// The pictures in the diagram's nodes: what flows through each, drawn small from the same frames as the stage.
import { boundsOf, fit, mapping } from "./camera.js";
import { rgba, roleColor } from "./colors.js";
import { fixed } from "./format.js";
import { draw as drawHeat } from "./views/heat.js";
import { draw as drawImages, layout } from "./views/images.js";
import { draw as drawMesh } from "./views/mesh.js";
import { FAMILY } from "./views/text.js";

const FEW = 120; // points of a cloud
const TILE = 14; // px of an image
const VALUE = `700 12px ${FAMILY}`;
const SMALL = `10px ${FAMILY}`;
const LATEST = 80; // values of a loss

const stageView = (frame, test) => frame?.views.find((v) => v.panel === "stage" && test(v));

/** @returns {{draw: (ctx: CanvasRenderingContext2D, picture: string, box: object, about: object, colors: object) => void}} */
export function createPictures() {
  const cache = new Map();
  let of = null; // the backdrop that `bounds` belong to
  let bounds = null;

  /** Data space, as the stage shows it, in a small box at the origin. */
  function plane({ frame, backdrop }, w, h) {
    if (of !== backdrop || !bounds) [of, bounds] = [backdrop, boundsOf(backdrop, frame)];
    return bounds && { ...mapping(fit(bounds, w, h), w), width: w, height: h, bounds, cache };
  }

  const PICTURES = {
    noise(ctx, w, h, about, colors) {
      const xy = about.backdrop?.views.find((v) => v.panel === "noise")?.arrays.xy;
      if (!xy) return count(ctx, w, h, about, colors);
      const reach = Math.max(1, ...xy.slice(0, 2 * FEW).map(Math.abs));
      cloud(ctx, xy, { X: (x) => w / 2 + (x / reach) * (w / 2 - 4), Y: (y) => h / 2 - (y / reach) * (h / 2 - 4) }, colors.ink3);
    },
    grid(ctx, w, h, about, colors) {
      const view = stageView(about.frame, (v) => v.type === "mesh");
      const where = view && plane(about, w, h);
      if (where) drawMesh(ctx, view, { ...where, colors });
      else network(ctx, w, h, [0.25, 0.4, 0.6, 0.85], colors.accent);
    },
    map(ctx, w, h, about, colors) {
      const view = stageView(about.frame, (v) => v.type === "heat" && v.role === "model");
      const where = view && plane(about, w, h);
      if (where) drawHeat(ctx, view, { ...where, colors });
      else network(ctx, w, h, [0.85, 0.6, 0.4, 0.2], colors.data);
    },
    samples: (ctx, w, h, about, colors) => examples(ctx, w, h, about.frame, "model", about, colors),
    data: (ctx, w, h, about, colors) => examples(ctx, w, h, about.backdrop, "data", about, colors),
    histograms(ctx, w, h, { frame }, colors) {
      const find = (name) => frame?.views.find((v) => v.panel === "predictions" && v.name === name)?.arrays;
      const [real, fake] = [find("real"), find("fake")];
      if (!real || !fake) return;
      const most = Math.max(...real.y, ...fake.y, 1e-9);
      outline(ctx, real.y, w, h, most, colors.data, 0.4);
      outline(ctx, fake.y, w, h, most, colors.accent, 0.2);
    },
    g_loss: (ctx, w, h, about, colors) => loss(ctx, w, h, "g_loss", about, colors.accent, colors),
    d_loss: (ctx, w, h, about, colors) => loss(ctx, w, h, "d_loss", about, colors.data, colors),
  };

  function examples(ctx, w, h, frame, role, about, colors) {
    const pictures = stageView(frame, (v) => v.type === "images" && v.role === role);
    if (pictures) return tiles(ctx, pictures, w, h, colors);
    const points = stageView(frame, (v) => v.type === "points" && v.role === role);
    const where = points && plane(about, w, h);
    if (where) cloud(ctx, points.arrays.xy, where, roleColor(colors, role));
  }

  function tiles(ctx, view, w, h, colors) {
    const [, , , wide] = view.shapes.pixels;
    const grid = layout(view, { x: 3, y: 3, width: w - 6, height: h - 6, options: { scale: TILE / wide, gap: 1 } }, ctx.getTransform().a);
    if (grid) drawImages(ctx, view, { width: w, height: h, colors, cache, grid });
  }

  /** Draw the picture called `picture` into a box. */
  function draw(ctx, picture, { x, y, w, h }, about, colors) {
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(x, y, w, h, 5);
    ctx.clip();
    ctx.translate(x, y);
    PICTURES[picture]?.(ctx, w, h, about, colors);
    ctx.restore();
  }

  return { draw };
}

function cloud(ctx, xy, { X, Y }, color) {
  ctx.fillStyle = color;
  const n = Math.min(xy.length / 2, FEW);
  for (let i = 0; i < n; i++) ctx.fillRect(X(xy[2 * i]) - 1, Y(xy[2 * i + 1]) - 1, 2, 2);
}

/** Noise of images, of which no picture travels: how many numbers it is. */
function count(ctx, w, h, { config }, colors) {
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink;
  ctx.font = VALUE;
  ctx.fillText(String(config.noise_dim), w / 2, h / 2 - 6);
  ctx.fillStyle = colors.ink3;
  ctx.font = SMALL;
  ctx.fillText("numbers", w / 2, h / 2 + 8);
}

/** A network as its layers: bars as tall as the layers are large. */
function network(ctx, w, h, sizes, color) {
  const pitch = w / (sizes.length + 0.5);
  sizes.forEach((size, i) => {
    ctx.fillStyle = rgba(color, 0.35);
    ctx.strokeStyle = color;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.roundRect(pitch * (i + 0.5), (h * (1 - size)) / 2, pitch * 0.55, h * size, 2);
    ctx.fill();
    ctx.stroke();
  });
}

function outline(ctx, shares, w, h, most, color, tint) {
  const bar = (w - 8) / shares.length;
  ctx.beginPath();
  ctx.moveTo(4, h - 3);
  shares.forEach((share, i) => {
    const y = h - 3 - (share / most) * (h - 8);
    ctx.lineTo(4 + i * bar, y);
    ctx.lineTo(4 + (i + 1) * bar, y);
  });
  ctx.lineTo(w - 4, h - 3);
  ctx.fillStyle = rgba(color, tint);
  ctx.fill();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.25;
  ctx.stroke();
}

/** The newest value, and how it came there. */
function loss(ctx, w, h, metric, { seen, step }, color, colors) {
  const past = (seen?.series(metric).main ?? []).filter(([s, v]) => s <= step && v != null).slice(-LATEST);
  if (past.length > 1) {
    const values = past.map(([, v]) => v);
    const [lo, hi] = [Math.min(...values), Math.max(...values)];
    ctx.strokeStyle = rgba(color, 0.75);
    ctx.lineWidth = 1.25;
    ctx.beginPath();
    values.forEach((v, i) => ctx.lineTo(4 + (i / (values.length - 1)) * (w - 8), h - 4 - ((v - lo) / (hi - lo || 1)) * (h / 2 - 5)));
    ctx.stroke();
  }
  ctx.font = VALUE;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = colors.ink;
  ctx.fillText(fixed(seen?.value(metric, step) ?? null, 2), 5, 10);
}
