// A square of noise with a handle: which places become which mode, where the noise of the shown samples lies, where the handle has been.
import { dot, fadingPath } from "./plane.js";
import { createSurface } from "./surface.js";
import { insides, owners, paint } from "./territories.js";
import { LABEL, TICK, hairline, plate } from "./views/text.js";

const EDGE = { around: 10, below: 26, left: 22 }; // px around the square
const NEAR = 14; // px from the pointer to a noise point
const ROOMY = 180; // px of a side from which there is room for words
const KEY_STEP = 0.05; // of the pad's half width per arrow key
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * @param {HTMLElement} container
 * @param {{onMove: (place: [number, number]) => void, onHover: (index: number|null) => void}} on place on the pad [-1, 1]²; index of a
 *   noise point
 * @returns {{update: (data: PadData) => void, canvas: HTMLCanvasElement}}
 *
 * @typedef {object} PadData
 * @property {[number, number]} place of the handle @property {[number, number][]} trail places before @property {boolean} line y is fixed
 * @property {Float32Array|null} points (n, 2) on the pad, noise of the shown samples
 * @property {Float32Array|null} sites (m, 2) places whose mode is known, those of `points` first @property {number[]|null} modes of them
 * @property {boolean} circle noise lies on the circle of radius 1 @property {string[]} axes names
 */
export function createPad(container, on) {
  const surface = createSurface(container, draw, { label: "Noise: the arrow keys move the handle", focusable: true });
  const { canvas } = surface;
  const picture = document.createElement("canvas");
  let data = { place: [0, 0], trail: [], points: null, sites: null, modes: null, circle: false, line: false, axes: ["", ""] };
  let known = { sites: null, own: null, modes: "", colors: "", numbers: new Map() };
  let square = { left: 0, top: 0, side: 1 };
  let hovered = null;
  canvas.style.touchAction = "none";

  const X = (x) => square.left + ((x + 1) / 2) * square.side;
  const Y = (y) => square.top + ((1 - y) / 2) * square.side;

  function draw(ctx, width, height, colors) {
    const side = Math.max(40, Math.min(width - EDGE.left - EDGE.around, height - EDGE.around - EDGE.below));
    square = { left: Math.round((width - side + EDGE.left - EDGE.around) / 2), top: EDGE.around, side };
    ground(ctx, colors);
    if (data.points) points(ctx, colors);
    if (data.sites && data.modes) numbers(ctx, colors);
    if (data.circle) circle(ctx, colors);
    axes(ctx, colors);
    fadingPath(ctx, data.trail.map(([x, y]) => [X(x), Y(y)]), colors.ink, { width: 1, strongest: 0.6 });
    dot(ctx, X(data.place[0]), Y(data.place[1]), colors, 7);
    if (hovered != null) say(ctx, colors);
  }

  /** The map of modes, painted again only when one of them has changed. */
  function ground(ctx, colors) {
    const { left, top, side } = square;
    if (!data.sites || !data.modes) return;
    if (known.sites !== data.sites) known = { sites: data.sites, own: owners(data.sites), modes: "", colors: "", numbers: new Map() };
    const modes = data.modes.join();
    if (known.modes !== modes || known.colors !== colors.key) {
      paint(known.own, data.modes, colors, picture);
      Object.assign(known, { modes, colors: colors.key, numbers: insides(data.sites, data.modes) });
    }
    ctx.imageSmoothingEnabled = true;
    ctx.drawImage(picture, left, top, side, side);
  }

  function points(ctx, colors) {
    ctx.fillStyle = colors.ink2;
    ctx.globalAlpha = 0.55;
    for (let i = 0; i < data.points.length; i += 2) {
      ctx.beginPath();
      ctx.arc(X(data.points[i]), Y(data.points[i + 1]), 1.4, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.globalAlpha = 1;
  }

  function numbers(ctx, colors) {
    for (const [mode, i] of known.numbers) {
      plate(ctx, String(mode), X(data.sites[2 * i]), Y(data.sites[2 * i + 1]), { colors, align: "center", font: LABEL, height: 16, pad: 4, radius: 4, alpha: 0.8 });
    }
  }

  function circle(ctx, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.arc(X(0), Y(0), square.side / 2, 0, 2 * Math.PI);
    ctx.stroke();
    ctx.setLineDash([]);
    if (square.side > ROOMY) plate(ctx, "noise lies near this circle", X(0), Y(0), { colors, align: "center", color: colors.ink3, alpha: 0 });
  }

  function axes(ctx, colors) {
    const { left, top, side } = square;
    for (const [x0, y0, x1, y1] of [[-1, -1, 1, -1], [-1, 1, 1, 1], [-1, -1, -1, 1], [1, -1, 1, 1]]) hairline(ctx, X(x0), Y(y0), X(x1), Y(y1), colors.lineStrong);
    ctx.font = TICK;
    ctx.fillStyle = colors.ink3;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    ctx.fillText(data.axes[2], left, top + side + 14);
    ctx.textAlign = "right";
    ctx.fillText(data.axes[3], left + side, top + side + 14);
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink2;
    ctx.fillText(data.axes[0], left + side / 2, top + side + 14);
    ctx.save();
    ctx.translate(left - 11, top + side / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(data.axes[1], 0, 0);
    ctx.restore();
  }

  /** The mode of the noise point under the pointer. */
  function say(ctx, colors) {
    const [x, y] = [X(data.points[2 * hovered]), Y(data.points[2 * hovered + 1])];
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.arc(x, y, 5, 0, 2 * Math.PI);
    ctx.stroke();
    if (!data.modes) return;
    const right = x < square.left + square.side - 70;
    plate(ctx, `mode ${data.modes[hovered]}`, x + (right ? 10 : -10), y, { colors, align: right ? "left" : "right", height: 18, pad: 5, radius: 4, alpha: 0.92 });
  }

  // --- pointer and keys ---------------------------------------------------------------------------------------------------------
  function go(x, y) {
    const clamp = (v) => Math.max(-1, Math.min(1, v));
    on.onMove([clamp(x), data.line ? 0 : clamp(y)]);
  }

  function under(event) {
    const at = surface.point(event);
    return [((at.x - square.left) / square.side) * 2 - 1, 1 - ((at.y - square.top) / square.side) * 2];
  }

  function hover(next) {
    if (next === hovered) return;
    hovered = next;
    on.onHover(next);
    surface.schedule();
  }

  /** Index of the noise point near the pointer. */
  function pointNear(event) {
    if (!data.points) return null;
    const at = surface.point(event);
    let [best, found] = [NEAR ** 2, null];
    for (let i = 0; i < data.points.length / 2; i++) {
      const d = (X(data.points[2 * i]) - at.x) ** 2 + (Y(data.points[2 * i + 1]) - at.y) ** 2;
      if (d < best) [best, found] = [d, i];
    }
    return found;
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    hover(null);
    go(...under(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) go(...under(event));
    else hover(pointNear(event));
  });
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const step = KEY_STEP * (event.shiftKey ? 4 : 1);
    go(data.place[0] + step * move[0], data.place[1] + step * move[1]);
  });

  function update(next) {
    data = { ...data, ...next };
    if (hovered != null && (!data.points || 2 * hovered >= data.points.length)) hover(null);
    surface.schedule();
  }

  return { update, canvas };
}
