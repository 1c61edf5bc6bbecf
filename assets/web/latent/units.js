// Which latents are in use: the variance of the posterior mean over the test examples, a bar each on a log axis, with the line from which a
// latent counts as active; or, of a VQ-VAE, how often each code is chosen.
import { int, percent } from "../format.js";
import { createSurface, slowLabel } from "../surface.js";
import { TICK, hairline } from "../views/text.js";

const MARGIN = { left: 36, right: 8, top: 8, bottom: 20 };
const LOWEST = 1e-4; // variances below it are drawn there
const HIGHEST = 10;
const LABEL_ROOM = 22; // px between two numbers under the bars

/** @param {HTMLElement} box of the charts @returns {{update: (store: object) => void}} a last chart for a row of readings */
export function createUnits(box) {
  const figure = document.createElement("figure");
  figure.className = "chart chart-units";
  figure.innerHTML = `<figcaption><h3></h3><span class="legend square">in use</span><span class="legend hollow">collapsed</span><span class="legend dash"></span></figcaption><div class="plot"></div>`;
  box.append(figure);
  const title = figure.querySelector("h3");
  const surface = createSurface(figure.querySelector(".plot"), draw, { label: "Active units", height: 106 });
  const spoken = slowLabel(surface.canvas);
  let bars = null;

  const isCodes = () => bars.name === "share of codes";

  function draw(ctx, width, height, colors) {
    if (!bars) return;
    const plot = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: height - MARGIN.bottom };
    const values = Array.from(bars.arrays.values);
    const Y = isCodes() ? linear(values, plot) : logarithmic(plot);
    axis(ctx, plot, Y, colors);
    const low = isCodes() ? 0 : bars.low;
    const place = (plot.right - plot.left) / values.length;
    const wide = Math.min(34, place * (values.length > 24 ? 0.8 : 0.62));
    values.forEach((v, i) => {
      const x = plot.left + (i + 0.5) * place - wide / 2;
      const y = Y(v);
      ctx.fillStyle = ctx.strokeStyle = v > low ? colors.accent : colors.lineStrong;
      ctx.lineWidth = 1.5;
      if (v > low) ctx.fillRect(x, y, wide, plot.bottom - y);
      else ctx.strokeRect(x + 0.75, Math.min(y, plot.bottom - 3), wide - 1.5, Math.max(2, plot.bottom - y));
    });
    numbers(ctx, values.length, place, plot, colors);
    const line = isCodes() ? bars.fair : bars.low;
    ctx.setLineDash([4, 3]);
    hairline(ctx, plot.left, Y(line), plot.right, Y(line), colors.exact);
    ctx.setLineDash([]);
  }

  function logarithmic({ top, bottom }) {
    const span = Math.log(HIGHEST / LOWEST);
    const Y = (v) => bottom - (Math.log(Math.min(HIGHEST, Math.max(LOWEST, v)) / LOWEST) / span) * (bottom - top);
    return Object.assign(Y, { ticks: [[1e-4, "1e-4"], [1e-2, "0.01"], [1, "1"]] });
  }

  function linear(values, { top, bottom }) {
    const most = Math.max(2.5 * bars.fair, ...values);
    return Object.assign((v) => bottom - (v / most) * (bottom - top), { ticks: [[0, "0"], [most / 2, percent(most / 2, 0)]] });
  }

  function axis(ctx, { left, right }, Y, colors) {
    ctx.font = TICK;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    for (const [v, words] of Y.ticks) {
      hairline(ctx, left, Y(v), right, Y(v), colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.fillText(words, left - 6, Y(v));
    }
  }

  function numbers(ctx, count, place, { left, bottom }, colors) {
    const every = Math.max(1, Math.ceil(LABEL_ROOM / place));
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink3;
    for (let i = 0; i < count; i += every) ctx.fillText(String(i + 1), left + (i + 0.5) * place, bottom + 11);
  }

  function words() {
    const values = Array.from(bars.arrays.values);
    if (isCodes()) return `Codes in use: ${int(values.filter((v) => v > 0).length)} of ${int(values.length)}`;
    return `Active units: ${int(values.filter((v) => v > bars.low).length)} of ${int(values.length)}`;
  }

  return {
    update(store) {
      const next = store.frameAt(store.step)?.views.find((v) => v.panel === "units") ?? null;
      if (next === bars) return;
      bars = next;
      title.textContent = bars ? words() : "Active units";
      figure.querySelector(".dash").textContent = bars && isCodes() ? "even share" : "0.01";
      figure.title = "variance of the posterior mean over 1,000 test examples, log axis";
      if (bars) spoken(words());
      surface.schedule();
    },
  };
}
