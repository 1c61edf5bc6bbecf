// Words and numbers on canvases: one font, plates that keep them readable over anything, numbered rings for evidence.
import { rgba } from "../colors.js";

export const FAMILY = '"IBM Plex Sans", ui-sans-serif, system-ui, sans-serif';
export const TICK = `11.5px ${FAMILY}`;
export const LABEL = `12px ${FAMILY}`;
const BOLD = `700 11px ${FAMILY}`;

/**
 * A word on a plate, its middle at (x, y).
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {{colors: object, align?: "left"|"center"|"right", color?: string, ground?: string, alpha?: number, outline?: string, font?: string, height?: number, pad?: number, radius?: number}} style
 * @returns {{x: number, y: number, width: number, height: number}} the plate
 */
export function plate(ctx, text, x, y, style) {
  const { colors, align = "left", color = colors.ink, ground = colors.surface, alpha = 0.85, outline, font = TICK, height = 14, pad = 2, radius = 2 } = style;
  ctx.font = font;
  ctx.textBaseline = "middle";
  const width = ctx.measureText(text).width + 2 * pad;
  const left = align === "left" ? x - pad : align === "right" ? x - width + pad : x - width / 2;
  const box = { x: left, y: y - height / 2, width, height };
  ctx.fillStyle = rgba(ground, alpha);
  ctx.beginPath();
  ctx.roundRect(box.x, box.y, box.width, box.height, radius);
  ctx.fill();
  if (outline) {
    ctx.strokeStyle = outline;
    ctx.lineWidth = 1.5;
    ctx.stroke();
  }
  ctx.fillStyle = color;
  ctx.textAlign = "left";
  ctx.fillText(text, left + pad, y + 0.5);
  return box;
}

/** A ring of 15 px with a number: the same mark stands in the sentence, on the stage and in the chart. */
export function marker(ctx, x, y, number, colors) {
  ctx.fillStyle = colors.surface;
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.arc(x, y, 7.5, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = colors.ink;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.font = BOLD;
  ctx.fillText(String(number), x, y + 0.5);
  ctx.font = TICK;
}

/** A line through (x, y) pairs that is sharp at 1 px when it is straight. */
export function hairline(ctx, x0, y0, x1, y1, color) {
  const sharp = (v) => Math.round(v - 0.5) + 0.5;
  ctx.strokeStyle = color;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x0 === x1 ? sharp(x0) : x0, y0 === y1 ? sharp(y0) : y0);
  ctx.lineTo(x0 === x1 ? sharp(x1) : x1, y0 === y1 ? sharp(y1) : y1);
  ctx.stroke();
}

/** Whether two boxes touch. */
export const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
