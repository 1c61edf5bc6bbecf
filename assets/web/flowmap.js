// Where the nodes and paths of the diagram lie, and how its paths are drawn.
import { rgba, roleColor } from "./colors.js";
import { FAMILY, plate } from "./views/text.js";

const WORD = `11px ${FAMILY}`;
const NODE = { width: 66, height: 34, tall: 46 }; // px
const TITLE = 15; // px over a node
const LANE = 8; // px from the border to a gradient's path
const ROOMY = 480; // px from which edges carry words
const DOTS = 4; // of what flows along a path

/**
 * Boxes and paths for a width and a height.
 * @param {{nodes: object[], edges: [string, string][], gradients: object[]}} spec see playground/tabs
 * @returns {{boxes: Map<string, {x: number, y: number, w: number, h: number, title: string}>, edges: object[], gradients: object[], roomy: boolean}}
 */
export function arrange(spec, width, height) {
  const columns = 1 + Math.max(...spec.nodes.map((n) => n.at[0]));
  const roomy = width >= ROOMY;
  const pitch = width / columns;
  const w = Math.min(NODE.width, pitch - (roomy ? 30 : 14));
  const [first, second] = [LANE + 4 + TITLE, height - LANE - 6 - NODE.height];
  const boxes = new Map();
  for (const { key, at, title, short } of spec.nodes) {
    const middle = at[1] % 1 !== 0;
    const h = middle ? NODE.tall : NODE.height;
    const y = middle ? (height - h + TITLE) / 2 : at[1] ? second : first;
    const x = w / 2 + 6 + (at[0] * (width - w - 12)) / (columns - 1) - w / 2;
    boxes.set(key, { x, y, w, h, title: roomy ? title : short });
  }
  const edges = spec.edges.map(([from, to]) => ({ key: `${from}-${to}`, from, to, points: between(boxes.get(from), boxes.get(to)) }));
  const gradients = spec.gradients.map((g) => ({ ...g, points: around(boxes.get(g.from), boxes.get(g.to), g.lane, height) }));
  return { boxes, edges, gradients, roomy };
}

/** From the right side of a box to the left side of another, as points along a smooth curve. */
function between(a, b) {
  const [x0, y0, x1, y1] = [a.x + a.w, a.y + a.h / 2, b.x, b.y + b.h / 2];
  const bend = (x1 - x0) / 2;
  return Array.from({ length: 17 }, (_, i) => {
    const t = i / 16;
    const s = 1 - t;
    const mid = 3 * s * s * t;
    const late = 3 * s * t * t;
    return [s ** 3 * x0 + mid * (x0 + bend) + late * (x1 - bend) + t ** 3 * x1, s ** 3 * y0 + (mid * y0 + late * y1) + t ** 3 * y1];
  });
}

/** Over the top or along the bottom, from one box back to another. */
function around(a, b, lane, height) {
  const top = lane === "top";
  const y = top ? LANE : height - LANE;
  const edge = (box) => (top ? box.y : box.y + box.h);
  const [from, to] = [a.x + a.w - 7, b.x + (top ? b.w - 7 : b.w / 2)];
  const r = 6;
  const inward = top ? r : -r;
  return [[from, edge(a)], [from, y + inward], [from - r, y], [to + r, y], [to, y + inward], [to, edge(b) - (top ? 1 : -1)]];
}

/**
 * Everything but the pictures in the nodes.
 * @param {CanvasRenderingContext2D} ctx @param {ReturnType<typeof arrange>} map
 * @param {{lit: Set<string>, picked: string|null, words: (key: string) => string, flowing: number|null}} now `lit` holds keys of
 *   nodes, edges and gradients; `flowing` is how far what flows has come, 0..1, or null
 */
export function drawPaths(ctx, map, { lit, picked, words, flowing }, colors) {
  for (const edge of map.edges) path(ctx, edge, { lit: lit.has(edge.key), color: colors.ink2, faint: colors.lineStrong, flowing }, colors);
  for (const g of map.gradients) path(ctx, g, { lit: lit.has(g.key) || g.key === picked, color: roleColor(colors, g.role), faint: roleColor(colors, g.role), dash: [3, 3], flowing }, colors);
  if (!map.roomy) return;
  for (const edge of map.edges) {
    const text = words(edge.key);
    if (!text) continue;
    const [x, y] = edge.points[8];
    const level = edge.points[0][1] === edge.points[16][1];
    ctx.font = WORD;
    if (level && ctx.measureText(text).width > edge.points[16][0] - edge.points[0][0] - 4) continue;
    plate(ctx, text, x, y - (level ? 9 : 0), { colors, align: "center", font: WORD, color: lit.has(edge.key) ? colors.ink : colors.ink3, height: 13, alpha: level ? 0 : 0.9 });
  }
}

function path(ctx, { points }, { lit, color, faint, dash = [], flowing }, colors) {
  ctx.strokeStyle = lit ? color : faint;
  ctx.fillStyle = ctx.strokeStyle;
  ctx.lineWidth = lit ? 2.25 : 1.25;
  ctx.setLineDash(lit ? [] : dash);
  ctx.lineJoin = "round";
  ctx.beginPath();
  points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.stroke();
  ctx.setLineDash([]);
  head(ctx, points.at(-2), points.at(-1), lit ? 5 : 4);
  if (lit && flowing != null) dots(ctx, points, flowing, color, colors);
}

/** The head of an arrow. */
function head(ctx, [x0, y0], [x, y], size) {
  const angle = Math.atan2(y - y0, x - x0);
  ctx.beginPath();
  ctx.moveTo(x, y);
  for (const turn of [2.6, -2.6]) ctx.lineTo(x + size * 1.3 * Math.cos(angle + turn), y + size * 1.3 * Math.sin(angle + turn));
  ctx.fill();
}

/** What flows: dots, spread along the path. */
function dots(ctx, points, flowing, color, colors) {
  const lengths = points.slice(1).map(([x, y], i) => Math.hypot(x - points[i][0], y - points[i][1]));
  const total = lengths.reduce((a, b) => a + b, 0);
  ctx.fillStyle = color;
  ctx.strokeStyle = colors.surface;
  ctx.lineWidth = 1.5;
  for (let k = 0; k < DOTS; k++) {
    const [x, y] = along(points, lengths, ((2 * flowing + k / DOTS) % 1) * total);
    ctx.beginPath();
    ctx.arc(x, y, 3.5, 0, 2 * Math.PI);
    ctx.fill();
    ctx.stroke();
  }
}

function along(points, lengths, distance) {
  let left = distance;
  for (let i = 0; i < lengths.length; i++) {
    if (left <= lengths[i]) return [0, 1].map((k) => points[i][k] + ((points[i + 1][k] - points[i][k]) * left) / (lengths[i] || 1));
    left -= lengths[i];
  }
  return points.at(-1);
}

/** Frame and title of a node, over its picture. */
export function drawNode(ctx, { x, y, w, h, title }, { lit, picked }, colors) {
  ctx.strokeStyle = lit ? colors.accent : picked ? colors.ink : colors.lineStrong;
  ctx.lineWidth = lit ? 2.25 : picked ? 2 : 1;
  ctx.beginPath();
  ctx.roundRect(x, y, w, h, 5);
  ctx.stroke();
  ctx.font = WORD;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillStyle = lit || picked ? colors.ink : colors.ink2;
  ctx.fillText(title, x, y - 8);
}

/** A soft ground under a node. */
export function drawGround(ctx, { x, y, w, h }, lit, colors) {
  ctx.fillStyle = colors.surface;
  ctx.beginPath();
  ctx.roundRect(x, y, w, h, 5);
  ctx.fill();
  if (!lit) return;
  ctx.fillStyle = rgba(colors.accent, 0.12);
  ctx.fill();
}
