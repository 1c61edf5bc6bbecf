// A value for each pixel of an image as a tint of one hue, with rings around chosen pixels; crosses where there is nothing to see.
import { mix, toHex } from "../../colors.js";
import { createSurface } from "../../surface.js";

const MOST = { light: 0.85, dark: 0.9 }; // of the model's colour at the top of the range
const FAINT = 0.55; // opacity of a cross

/**
 * @param {HTMLElement} container @param {string} label @param {{onPick?: (row: number, column: number) => void}} [on]
 * @returns {{update: (data: {view: object, picked?: [number, number], allowed?: (k: number) => boolean, gamma?: number}|null) => void}}
 *   values of the view travel as bytes, row 0 at the top; where `allowed` holds and the value is 0 a cross is drawn
 */
export function createGrid(container, label, { onPick } = {}) {
  const surface = createSurface(container, draw, { label, focusable: Boolean(onPick) });
  let data = null;
  let box = null;

  function draw(ctx, width, height, colors) {
    if (!data?.view) return;
    const [rows, cols] = data.view.shapes.values;
    const size = Math.min(width / cols, height / rows);
    const cell = size >= 4 ? Math.floor(size) : size;
    box = { x: Math.round((width - cell * cols) / 2), y: Math.round((height - cell * rows) / 2), cell, rows, cols };
    const { values } = data.view.arrays;
    const top = colors.dark ? MOST.dark : MOST.light;
    const line = cell >= 10 ? 1 : 0;
    for (let k = 0; k < rows * cols; k++) {
      const [x, y] = [box.x + (k % cols) * cell, box.y + Math.floor(k / cols) * cell];
      const share = (values[k] / 255) ** (data.gamma ?? 1);
      ctx.fillStyle = share > 0 ? toHex(mix(colors.sunken, colors.accent, 0.12 + (top - 0.12) * share)) : colors.sunken;
      ctx.fillRect(x, y, cell - line, cell - line);
      if (data.allowed?.(k) && values[k] === 0) cross(ctx, x, y, cell - line, colors);
    }
    if (data.picked) ring(ctx, data.picked, colors);
  }

  function ring(ctx, [row, column], colors) {
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 2;
    ctx.strokeRect(box.x + column * box.cell - 1, box.y + row * box.cell - 1, box.cell + 1, box.cell + 1);
  }

  function cross(ctx, x, y, size, colors) {
    ctx.strokeStyle = colors.ink2;
    ctx.globalAlpha = FAINT;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x + size * 0.3, y + size * 0.3);
    ctx.lineTo(x + size * 0.7, y + size * 0.7);
    ctx.moveTo(x + size * 0.7, y + size * 0.3);
    ctx.lineTo(x + size * 0.3, y + size * 0.7);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  if (onPick) {
    const within = (v, n) => Math.max(0, Math.min(n - 1, v));
    surface.canvas.style.cursor = "crosshair";
    surface.canvas.addEventListener("click", (event) => {
      if (!box) return;
      const { x, y } = surface.point(event);
      const [row, column] = [Math.floor((y - box.y) / box.cell), Math.floor((x - box.x) / box.cell)];
      if (row >= 0 && column >= 0 && row < box.rows && column < box.cols) onPick(row, column);
    });
    surface.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step || !data?.picked || !box) return;
      event.preventDefault();
      event.stopPropagation();
      onPick(within(data.picked[0] + step[0], box.rows), within(data.picked[1] + step[1], box.cols));
    });
  }

  return {
    update(next) {
      data = next;
      surface.schedule();
    },
  };
}
