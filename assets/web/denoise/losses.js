// The loss at each noise level as bars, what the network reaches, and the least that any could as a dash over each.
import { ticks, valueAxis } from "../axes.js";
import { roleColor } from "../colors.js";
import { int, short } from "../format.js";
import { createSurface, slowLabel } from "../surface.js";
import { TICK } from "../views/text.js";

const MARGIN = { left: 36, right: 8, top: 8, bottom: 20 };
const ROOM = 38; // px of a number below

/** @param {HTMLElement} box of the charts @returns {{update: (store: object) => void}} a last chart for a row of readings */
export function createLosses(box) {
  const figure = document.createElement("figure");
  figure.className = "chart chart-losses";
  figure.innerHTML = `<figcaption><h3>Loss by noise level σ</h3><span class="legend square">learned</span><span class="legend dash">exact</span></figcaption><div class="plot"></div><p></p>`;
  box.append(figure);
  const surface = createSurface(figure.querySelector(".plot"), draw, { label: "Loss by noise level", height: 92 });
  const spoken = slowLabel(surface.canvas);
  let learned = null;
  let best = null;

  function draw(ctx, width, height, colors) {
    const seen = learned ?? best;
    if (!seen) return;
    const { x } = seen.arrays;
    const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    const most = Math.max(...(learned?.arrays.y ?? []), ...(best?.arrays.y ?? [])) * 1.05 || 1;
    const Y = (v) => bottom - (v / most) * (bottom - top);
    valueAxis(ctx, ticks(0, most, bottom - top, 24), { Y, left, right }, colors);
    const pitch = (right - left) / x.length;
    const every = Math.ceil(ROOM / pitch);
    ctx.font = TICK;
    ctx.textAlign = "center";
    x.forEach((level, i) => {
      const middle = left + (i + 0.5) * pitch;
      ctx.fillStyle = roleColor(colors, "model");
      if (learned) ctx.fillRect(middle - pitch * 0.36, Y(learned.arrays.y[i]), pitch * 0.72, bottom - Y(learned.arrays.y[i]));
      ctx.fillStyle = colors.ink3;
      if (i % every === 0) ctx.fillText(short(+Math.exp(level).toPrecision(2)), middle, bottom + 11);
    });
    if (!best) return;
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    best.arrays.y.forEach((v, i) => {
      ctx.moveTo(left + (i + 0.04) * pitch, Y(v));
      ctx.lineTo(left + (i + 0.96) * pitch, Y(v));
    });
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /** Where most could still be learned. */
  function words() {
    if (!learned) return "";
    if (!best) return "The loss cannot reach zero: many clean images could have made the same noisy one. How low it could be is not known. n 16 at each σ, fixed noise.";
    const over = Array.from(learned.arrays.y, (v, i) => v - best.arrays.y[i]);
    const at = over.indexOf(Math.max(...over));
    const level = short(+Math.exp(learned.arrays.x[at]).toPrecision(2));
    return `On average no network gets below the dashes: many clean points could have made one noisy one. Most is left at σ ${level}, ${short(+over[at].toPrecision(2))} above; n 100 at each σ.`;
  }

  return {
    update(store) {
      const find = (frame) => frame?.views.find((v) => v.panel === "loss_by_noise") ?? null;
      const [next, exact] = [find(store.frameAt(store.step)), find(store.backdrop?.())];
      if (next === learned && exact === best) return;
      [learned, best] = [next, exact];
      figure.querySelector(".dash").hidden = !best;
      figure.querySelector("p").textContent = words();
      figure.dataset.bars = learned ? Array.from(learned.arrays.y).join() : "";
      if (learned) spoken(`Loss by noise level at step ${int(store.step)}`);
      surface.schedule();
    },
  };
}
