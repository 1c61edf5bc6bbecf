// Points: a cloud in data units. The role is told by shape as well as by colour: data is a plain dot, the model's dots have a halo in
// the colour of the ground, a reference is a hollow square, an exact sample a small cross. A class is drawn as its digit.
import { roleColor } from "../colors.js";
import { FAMILY } from "./text.js";

const FULL_TURN = 2 * Math.PI;
const MANY = 1500; // from here on halos are painted all at once

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {import("../decode.js").View} view
 * @param {{X: (x: number) => number, Y: (y: number) => number, width: number, height: number, colors: object, options?: {radius?: number, glyphs?: boolean, hollow?: boolean}}} frame `hollow`: of another branch
 */
export function draw(ctx, view, frame) {
  const { colors, options = {} } = frame;
  const places = visible(view.arrays.xy, frame);
  const color = roleColor(colors, view.role);
  const small = frame.width < 480;
  const radius = options.radius ?? (view.role === "data" ? (small ? 2.2 : 2.6) : small ? 2.6 : 3.4);
  if (options.glyphs && view.arrays.label) glyphs(ctx, places, view.arrays.label, color, colors.surface);
  else if (options.hollow) rings(ctx, places, radius + 1, color);
  else if (view.role === "data") dots(ctx, places, radius, color);
  else if (view.role === "reference") squares(ctx, places, radius, color);
  else if (view.role === "exact") crosses(ctx, places, radius, color);
  else haloed(ctx, places, radius, color, colors.surface);
}

/** [x, y, index, ...] in pixels of the points that can be seen. */
function visible(xy, { X, Y, width, height }) {
  const places = [];
  for (let i = 0; i < xy.length; i += 2) {
    const x = X(xy[i]);
    const y = Y(xy[i + 1]);
    if (x > -6 && x < width + 6 && y > -6 && y < height + 6) places.push(x, y, i / 2);
  }
  return places;
}

function circles(ctx, places, radius) {
  ctx.beginPath();
  for (let i = 0; i < places.length; i += 3) {
    ctx.moveTo(places[i] + radius, places[i + 1]);
    ctx.arc(places[i], places[i + 1], radius, 0, FULL_TURN);
  }
}

function dots(ctx, places, radius, color) {
  ctx.fillStyle = color;
  circles(ctx, places, radius);
  ctx.fill();
}

/** Each halo covers the dots before it, so a crowd still shows its members. */
function haloed(ctx, places, radius, color, ground) {
  ctx.fillStyle = color;
  ctx.strokeStyle = ground;
  ctx.lineWidth = 1;
  if (places.length / 3 > MANY) {
    circles(ctx, places, radius);
    ctx.stroke();
    return dots(ctx, places, radius - 0.5, color);
  }
  for (let i = 0; i < places.length; i += 3) {
    ctx.beginPath();
    ctx.arc(places[i], places[i + 1], radius, 0, FULL_TURN);
    ctx.fill();
    ctx.stroke();
  }
}

function rings(ctx, places, radius, color) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.25;
  circles(ctx, places, radius);
  ctx.stroke();
}

function squares(ctx, places, radius, color) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (let i = 0; i < places.length; i += 3) ctx.rect(places[i] - radius, places[i + 1] - radius, 2 * radius, 2 * radius);
  ctx.stroke();
}

function crosses(ctx, places, radius, color) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  for (let i = 0; i < places.length; i += 3) {
    const [x, y] = [places[i], places[i + 1]];
    ctx.moveTo(x - radius, y);
    ctx.lineTo(x + radius, y);
    ctx.moveTo(x, y - radius);
    ctx.lineTo(x, y + radius);
  }
  ctx.stroke();
}

function glyphs(ctx, places, label, color, ground) {
  ctx.font = `700 11px ${FAMILY}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.strokeStyle = ground;
  ctx.fillStyle = color;
  ctx.lineWidth = 3;
  ctx.lineJoin = "round";
  for (let i = 0; i < places.length; i += 3) {
    const digit = String(label[places[i + 2]]);
    ctx.strokeText(digit, places[i], places[i + 1]);
    ctx.fillText(digit, places[i], places[i + 1]);
  }
}
