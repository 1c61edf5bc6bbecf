// How likely each grey level is for one pixel, or each code for one place of a grid: bars over swatches of them. Pressing another puts it there.
import { mix, toHex } from "../colors.js";
import { percent } from "../format.js";
import { createSurface, slowLabel } from "../surface.js";
import { TICK, hairline, plate } from "../views/text.js";

const MARGIN = { left: 40, right: 10, top: 10, bottom: 34 };
const SWATCH = 9; // px
const ROOM = 24; // px between two numbers

/** @param {HTMLElement} container @param {{onChoose: (level: number) => void}} on */
export function createLevels(container, { onChoose }) {
  const surface = createSurface(container, draw, { label: "Probability of each grey level", focusable: true });
  const { canvas } = surface;
  const spoken = slowLabel(canvas);
  let data = null; // {p, chosen, locked, coded}
  let held = null; // level under the pointer or the keyboard's cursor
  let plot = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const { p, chosen } = data;
    const most = Math.max(0.05, ...p);
    plot = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const Y = (v) => plot.bottom - (v / (1.08 * most)) * (plot.bottom - plot.top);
    axis(ctx, most, Y, colors);
    const place = (plot.right - plot.left) / p.length;
    const wide = Math.min(54, Math.max(1, place * 0.78));
    const every = Math.max(1, Math.ceil(ROOM / place));
    for (let i = 0; i < p.length; i++) {
      const x = plot.left + (i + 0.5) * place;
      ctx.fillStyle = i === chosen ? colors.accent : toHex(mix(colors.surface, colors.accent, 0.42));
      ctx.fillRect(x - wide / 2, Y(p[i]), wide, Math.max(p[i] > 0.001 ? 1 : 0, plot.bottom - Y(p[i])));
      const grey = Math.round((255 * i) / (p.length - 1));
      ctx.fillStyle = `rgb(${grey},${grey},${grey})`;
      ctx.fillRect(x - wide / 2, plot.bottom + 4, wide, SWATCH);
      ctx.strokeStyle = i === chosen ? colors.ink : colors.line;
      ctx.lineWidth = i === chosen ? 2 : 1;
      if (place > 6 || i === chosen) ctx.strokeRect(x - wide / 2, plot.bottom + 4, wide, SWATCH);
      ctx.fillStyle = i === chosen ? colors.ink : colors.ink3;
      ctx.textAlign = "center";
      if (i % every === 0) ctx.fillText(name(i), x, plot.bottom + 23);
    }
    if (held == null) return;
    const x = plot.left + (held + 0.5) * place;
    plate(ctx, `${data.coded ? `code ${held}` : p.length > 2 ? `level ${held}` : name(held)} ${percent(p[held])}`, Math.max(plot.left + 40, Math.min(plot.right - 40, x)), Math.max(plot.top + 8, Y(p[held]) - 10), { colors, align: "center", alpha: 0.92, pad: 4, height: 17, outline: colors.lineStrong });
  }

  const name = (i) => (data.p.length === 2 && !data.coded ? ["black", "white"][i] : String(i));

  function axis(ctx, most, Y, colors) {
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    const step = most > 0.55 ? 0.25 : most > 0.25 ? 0.1 : most > 0.1 ? 0.05 : 0.02;
    for (let v = 0; v <= most; v += step) {
      hairline(ctx, plot.left, Y(v), plot.right, Y(v), colors.line);
      ctx.textAlign = "right";
      ctx.fillStyle = colors.ink3;
      ctx.fillText(v ? percent(v, 0) : "0", plot.left - 6, Y(v));
    }
  }

  function under(event) {
    if (!plot || !data) return null;
    const i = Math.floor(((surface.point(event).x - plot.left) / (plot.right - plot.left)) * data.p.length);
    return i >= 0 && i < data.p.length ? i : null;
  }

  const hold = (i) => ((held = i), surface.schedule());
  const choose = (i) => i != null && i !== data.chosen && !data.locked && onChoose(i);
  canvas.addEventListener("pointermove", (event) => hold(under(event)));
  canvas.addEventListener("pointerleave", () => hold(null));
  canvas.addEventListener("blur", () => hold(null));
  canvas.addEventListener("click", (event) => choose(under(event)));
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!data || (!step && event.key !== "Enter")) return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return choose(held);
    hold(Math.max(0, Math.min(data.p.length - 1, (held ?? data.chosen) + step)));
  });

  return {
    canvas,
    update(next) {
      data = next;
      if (next) spoken(`Probability of each ${next.coded ? "code" : "grey level"}; ${next.chosen} was drawn with ${percent(next.p[next.chosen])}. Arrow keys and Enter choose another`);
      surface.schedule();
    },
  };
}
