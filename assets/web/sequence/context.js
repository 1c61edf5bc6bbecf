// How much does a longer context help? Mean surprise of held-out tokens by how many came before them, beside counts of as many characters.
import { ticks } from "../axes.js";
import { fixed, int } from "../format.js";
import { createAsking, ready, view } from "../ask/question.js";
import { createSurface, slowLabel } from "../surface.js";
import { TICK, hairline } from "../views/text.js";

const MARGIN = { left: 36, right: 10, top: 8, bottom: 20 };
const ROOM = 104; // px of the last number with its words
const WIDER = 1.25; // each stretch of lengths against the one before
const LONGEST = 4; // characters before the last one of the counts

/** Means over stretches that grow with the length: one length alone is measured on few tokens. */
function bins({ x, y }) {
  const out = { x: [], y: [] };
  for (let i = 0; i < x.length; ) {
    const end = Math.min(x.length, Math.max(i + 1, Math.round(i * WIDER)));
    const mean = (all) => all.subarray(i, end).reduce((a, b) => a + b, 0) / (end - i);
    out.x.push(mean(x));
    out.y.push(mean(y));
    i = end;
  }
  return out;
}

/** @param {HTMLElement} box of the charts @param {{session: object, store: object}} lab @param {number} height px @returns {{update: (store: object, about: object) => void}} a last chart for a row of readings */
export function createContext(box, lab, height) {
  const figure = document.createElement("figure");
  figure.className = "chart chart-context";
  figure.innerHTML = `<figcaption><h3>Loss by context, nats</h3><span class="legend line model">model</span><span class="legend hollow counts">counts</span></figcaption><div class="plot"></div>`;
  box.append(figure);
  const surface = createSurface(figure.querySelector(".plot"), draw, { label: "Loss by length of the context", height });
  const spoken = slowLabel(surface.canvas);
  const asked = createAsking(lab, "context", { show });
  let begun = false;
  let binned = { of: null, x: [], y: [] };
  let counts = null; // Bars of what counting reaches

  const curve = () => (asked.frame ? (binned.of === asked.frame ? binned : (binned = { of: asked.frame, ...bins(view(asked.frame, "context").arrays) })) : null);

  function show() {
    const line = curve();
    if (line) spoken(`Loss by context: ${fixed(line.y[0], 2)} nats after one token, ${fixed(line.y.at(-1), 2)} after ${int(lengths())}`);
    figure.title = line ? `tokens held out, at step ${int(asked.frame.step)}` : "";
    surface.schedule();
  }

  const lengths = () => view(asked.frame, "context")?.arrays.x.at(-1) ?? 64;

  /** Counts of n characters see n − 1 of them. */
  const places = () => (counts ? [1, 2, 3, LONGEST].map((seen) => ({ seen, nats: counts.arrays.values[seen] })) : []);

  function draw(ctx, width, high, colors) {
    const line = curve();
    const plot = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top, bottom: high - MARGIN.bottom };
    const longest = lengths();
    const ys = [...(line?.y ?? []), ...places().map((p) => p.nats)];
    const [lo, hi] = ys.length ? [Math.min(...ys) - 0.08, Math.max(...ys) + 0.12] : [0, 1];
    const X = (v) => plot.left + (Math.log2(v) / Math.log2(longest)) * (plot.right - plot.left);
    const Y = (v) => plot.bottom - ((v - lo) / (hi - lo)) * (plot.bottom - plot.top);
    axes(ctx, plot, { X, Y, lo, hi, longest }, colors);
    if (!line) return empty(ctx, plot, colors);
    ctx.strokeStyle = colors.accent;
    ctx.lineWidth = 2;
    ctx.lineJoin = "round";
    ctx.beginPath();
    line.x.forEach((x, i) => ctx[i ? "lineTo" : "moveTo"](X(x), Y(line.y[i])));
    ctx.stroke();
    ctx.strokeStyle = colors.ink;
    ctx.lineWidth = 1.5;
    for (const { seen, nats } of places()) {
      ctx.fillStyle = colors.bg;
      ctx.fillRect(X(seen) - 3.5, Y(nats) - 3.5, 7, 7);
      ctx.strokeRect(X(seen) - 3.5, Y(nats) - 3.5, 7, 7);
    }
  }

  function empty(ctx, { left, right, top, bottom }, colors) {
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink3;
    ctx.fillText(asked.refused || "measured when the run rests", (left + right) / 2, (top + bottom) / 2 - 6);
  }

  function axes(ctx, plot, { X, Y, lo, hi, longest }, colors) {
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    for (const v of curve() ? ticks(lo, hi, plot.bottom - plot.top, 24) : []) {
      hairline(ctx, plot.left, Y(v), plot.right, Y(v), colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.fillText(fixed(v, 1), plot.left - 6, Y(v));
    }
    ctx.textAlign = "center";
    ctx.fillStyle = colors.ink3;
    for (let v = 1; X(v) < plot.right - ROOM; v *= 4) ctx.fillText(int(v), X(v), plot.bottom + 11);
    ctx.textAlign = "right";
    ctx.fillText(`${int(lengths())} tokens before`, plot.right + 4, plot.bottom + 11);
  }

  return {
    update(store, about) {
      figure.hidden = about.kind !== "text";
      if (figure.hidden || !about.config) return;
      if (asked.renew(about)) begun = false;
      counts = about.config.tokens === "char" ? (store.backdrop?.()?.views.find((v) => v.panel === "baselines") ?? null) : null;
      figure.querySelector(".counts").hidden = !counts;
      const rests = ready(lab.store) && ["finished", "paused"].includes(lab.store.header.state);
      if (rests && !begun) (begun = true), asked.ask({});
      else if (rests) asked.again();
      show();
    },
  };
}
