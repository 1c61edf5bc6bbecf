// Attention of one head as a map: a row is the token that looks, a column the token looked at. What a causal model may not see is a plain
// ground; what lies before the map is added up in its first column.
import { mix, toHex } from "../colors.js";
import { percent } from "../format.js";
import { createSurface, slowLabel } from "../surface.js";
import { plate } from "../views/text.js";
import { visible } from "./tokens.js";

const MOST = 26; // rows and columns of single characters
const LONG = 16; // of longer tokens
const LARGEST = 16; // px of a cell
const GAMMA = 0.6; // small weights are to be seen
const MONO = '"IBM Plex Mono", monospace';
const LABEL = 5; // characters of a long token that are shown

/** Numbers of a map: bytes as they travel, or floats. */
const weight = (view, i, j) => {
  const v = view.arrays.values[i * view.shapes.values[1] + j];
  return view.arrays.values instanceof Uint8Array ? view.lo + (v / 255) * (view.hi - view.lo) : v;
};

/**
 * @param {HTMLElement} container
 * @param {{onHover: (pair: {row: number, column: number|null}|null) => void, onPick: (row: number) => void}} on
 *   rows and columns count tokens of the answer
 */
export function createAttention(container, { onHover, onPick }) {
  const surface = createSurface(container, draw, { label: "Attention" });
  const spoken = slowLabel(surface.canvas);
  let data = null; // {view, pieces, row, masked, name}
  let at = null; // the layout of the last draw
  let pointer = null;
  let held = null; // the row of the token under the pointer in the text

  function layout(width, height) {
    const long = data.pieces.some((p) => Array.from(p).length > 1);
    const n = data.pieces.length;
    const shown = Math.min(n, long ? LONG : MOST);
    const first = n - shown;
    const [left, top] = long ? [48, 46] : [18, 18];
    const cells = shown + (first ? 1.6 : 0);
    const size = Math.floor(2 * Math.min(LARGEST, (width - left - 6) / cells, (height - top - 6) / shown)) / 2;
    const extra = first ? 1.6 * size : 0;
    return { long, shown, first, left: left + extra, top, size, extra };
  }

  function draw(ctx, width, height, colors) {
    if (!data) return;
    at = layout(width, height);
    const { shown, first, left, top, size, extra } = at;
    const shade = (v) => toHex(mix(colors.surface, colors.accent, Math.min(1, v ** GAMMA)));
    for (let i = 0; i < shown; i++) {
      const row = first + i;
      for (let j = 0; j < shown; j++) {
        ctx.fillStyle = data.masked && j > i ? colors.sunken : shade(weight(data.view, row, first + j));
        ctx.fillRect(left + j * size, top + i * size, size, size);
      }
      if (!extra) continue;
      let sum = 0;
      for (let j = 0; j < first; j++) sum += weight(data.view, row, j);
      ctx.fillStyle = shade(sum);
      ctx.fillRect(left - extra, top + i * size, extra - 3, size);
    }
    frame(ctx, colors);
    names(ctx, colors);
    if (pointer) reading(ctx, width, colors);
  }

  function frame(ctx, colors) {
    const { shown, left, top, size, extra, first } = at;
    ctx.strokeStyle = colors.lineStrong;
    ctx.lineWidth = 1;
    ctx.strokeRect(left - 0.5, top - 0.5, shown * size + 1, shown * size + 1);
    if (extra) ctx.strokeRect(left - extra - 0.5, top - 0.5, extra - 2, shown * size + 1);
    const row = lit() - first;
    if (row < 0 || row >= shown) return;
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(left - extra - 1, top + row * size - 0.5, extra + (data.masked ? row + 1 : shown) * size + 1.5, size + 1);
  }

  const lit = () => pointer?.row ?? held ?? data.row;

  const word = (piece) => (at.long ? Array.from(visible(piece)).slice(0, LABEL).join("") : visible(piece));

  function names(ctx, colors) {
    const { shown, first, left, top, size, extra, long } = at;
    ctx.font = `${Math.min(11, size + 1)}px ${MONO}`;
    ctx.textBaseline = "middle";
    for (let i = 0; i < shown; i++) {
      const text = word(data.pieces[first + i]);
      ctx.fillStyle = first + i === lit() ? colors.ink : colors.ink3;
      ctx.textAlign = "right";
      ctx.fillText(text, left - extra - 5, top + (i + 0.5) * size);
      ctx.fillStyle = first + i === pointer?.column ? colors.ink : colors.ink3;
      ctx.save();
      ctx.translate(left + (i + 0.5) * size, top - 5);
      if (long) ctx.rotate(-Math.PI / 2);
      ctx.textAlign = long ? "left" : "center";
      ctx.fillText(text, 0, long ? 0 : -4);
      ctx.restore();
    }
    if (!extra) return;
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink3;
    ctx.fillText("…", left - extra / 2 - 1, top - 9);
  }

  function reading(ctx, width, colors) {
    const { row, column } = pointer;
    const { first, left, top, size, extra } = at;
    let value = 0;
    if (column == null) for (let j = 0; j < first; j++) value += weight(data.view, row, j);
    else value = weight(data.view, row, column);
    const blocked = column != null && data.masked && column > row;
    const words = blocked ? "comes later: masked" : `${word(data.pieces[row])} reads ${column == null ? "what is before" : word(data.pieces[column])} ${percent(value)}`;
    const x = column == null ? left - extra / 2 : left + (column - first + 0.5) * size;
    ctx.font = "12px sans-serif";
    const right = x > width / 2;
    plate(ctx, words, right ? x - 8 : x + 8, top + (row - first + 0.5) * size - 14, { colors, align: right ? "right" : "left", alpha: 0.94, pad: 4, height: 18, outline: colors.lineStrong });
  }

  function under(event) {
    if (!data || !at) return null;
    const { x, y } = surface.point(event);
    const { shown, first, left, top, size, extra } = at;
    const [i, j] = [Math.floor((y - top) / size), Math.floor((x - left) / size)];
    if (i < 0 || i >= shown || j >= shown || x < left - extra) return null;
    return { row: first + i, column: j < 0 ? (first ? null : 0) : first + j };
  }

  function point(next) {
    if (JSON.stringify(next) === JSON.stringify(pointer)) return;
    pointer = next;
    onHover(next);
    surface.schedule();
  }

  surface.canvas.addEventListener("pointermove", (event) => point(under(event)));
  surface.canvas.addEventListener("pointerleave", () => point(null));
  surface.canvas.addEventListener("click", (event) => {
    const cell = under(event);
    if (cell) onPick(cell.row);
  });

  return {
    canvas: surface.canvas,
    /** Frame the row of a token, or again the usual one. @param {number|null} row */
    hold(row) {
      if (row === held) return;
      held = row;
      surface.schedule();
    },
    /** @param {{view: object, pieces: string[], row: number, masked: boolean, name: string}|null} next */
    update(next) {
      data = next;
      if (!data || (pointer && pointer.row >= data.pieces.length)) pointer = null;
      if (data) spoken(`Attention, ${data.name}: ${visible(data.pieces[data.row] ?? "")} reads the tokens before it`);
      surface.schedule();
    },
  };
}
