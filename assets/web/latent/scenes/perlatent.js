// Latent by latent: how much each one says (KL), whether its mean moves at all (variance), and what the decoder makes of it alone.
import { scale, ticks, valueAxis } from "../../axes.js";
import { mix, toHex } from "../../colors.js";
import { fixed, fmt, int, percent } from "../../format.js";
import { countField } from "../../numbers.js";
import { createSurface } from "../../surface.js";
import { TICK, hairline, plate } from "../../views/text.js";
import { createPicture } from "../picture.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createPath } from "./reals.js";

export const title = "Latent by latent";

const PLACES = 11; // of a sweep, −3 to 3
const LOWEST = 1e-4; // variances below it are drawn there
const LEFT = 46;
const GUTTER = 26;
const WIDE = 620; // px from which both charts stand side by side
const WIDEST = 46; // px of a bar

export function create(container, { session, store }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar"><button type="button" class="button small sorted" aria-pressed="false">Sort by KL</button>
    <label>Sweep around <select aria-label="Sweep around"><option value="zero">z = 0</option><option value="example">test example</option></select></label><input value="0" aria-label="Number of the test example" hidden><span class="said"></span></div>
    <div class="bars"></div><h3 class="which"></h3><div class="swept"></div><div class="track" hidden></div><p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const bars = createSurface(find(".bars"), draw, { label: "Variance and KL of each latent: left and right choose one", focusable: true });
  const row = createRow(find(".swept"));
  const track = createPath(find(".track"), "Where the decoder puts the places of the sweep, over the data");
  const asking = createAsking({ session, store }, "decode", { show });
  const base = createAsking({ session, store }, "encode", { show: () => (sweep(), show()) });
  let about = null;
  let chosen = 0; // index of a latent
  let sorted = false;
  let plots = []; // as last drawn
  let picked = false; // by the visitor

  const frame = () => store.frameAt(store.step);
  const variances = () => view(frame(), "units", "variance of mean");
  const kls = () => view(frame(), "units", "KL");

  function order() {
    const v = variances();
    if (!v) return [];
    const all = Array.from(v.arrays.values, (_, i) => i);
    const by = (kls() ?? v).arrays.values;
    return sorted ? all.sort((a, b) => by[b] - by[a]) : all;
  }

  // --- bars -------------------------------------------------------------------------------------------------------------------------
  function draw(ctx, width, height, colors) {
    const [v, kl] = [variances(), kls()];
    if (!v) return;
    const all = order();
    plots = layoutOf(width, height, Boolean(kl));
    for (const plot of plots) {
      const pitch = (plot.right - plot.left) / all.length;
      const k = all.indexOf(chosen);
      ctx.fillStyle = colors.sunken;
      if (k >= 0) ctx.fillRect(plot.left + k * pitch, plot.top, pitch, plot.bottom - plot.top);
      if (plot.shows === "KL") nats(ctx, kl.arrays.values, all, plot, colors);
      else spread(ctx, v, all, plot, colors);
      numbers(ctx, all, plot, colors);
    }
  }

  /** Both charts side by side, or where that is too narrow the one above the other. */
  function layoutOf(width, height, both) {
    const beside = width >= WIDE;
    const shows = both ? ["KL", "variance"] : ["variance"];
    return shows.map((what, k) => {
      const [w, h] = beside ? [(width - (shows.length - 1) * GUTTER) / shows.length, height] : [width, height / shows.length];
      const [x, y] = beside ? [k * (w + GUTTER), 0] : [0, k * h];
      return { shows: what, left: x + LEFT, right: x + w - 4, top: y + 20, bottom: y + h - 20 };
    });
  }

  function nats(ctx, values, all, plot, colors) {
    const most = Math.max(1, ...values) * 1.1;
    const Y = scale(0, most, plot.bottom, plot.top);
    valueAxis(ctx, ticks(0, most, plot.bottom - plot.top, 24), { ...plot, Y }, colors);
    name(ctx, "KL, nats", plot, colors);
    columns(ctx, all, (i) => Y(values[i]), plot, (i) => (active(i) ? colors.accent : colors.lineStrong), colors);
  }

  function spread(ctx, v, all, plot, colors) {
    const most = Math.max(1, ...v.arrays.values);
    const Y = scale(LOWEST, 10 ** Math.ceil(Math.log10(most) + 1e-9), plot.bottom, plot.top, true);
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    for (const [value, words] of [[1, "1"], [LOWEST, "1e-4"]]) {
      hairline(ctx, plot.left, Y(value), plot.right, Y(value), colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.textAlign = "right";
      ctx.fillText(words, plot.left - 6, Y(value));
    }
    name(ctx, "variance of the mean, log", plot, colors);
    columns(ctx, all, (i) => Y(Math.max(LOWEST, v.arrays.values[i])), plot, (i) => (active(i) ? toHex(mix(colors.surface, colors.accent, 0.62)) : colors.lineStrong), colors);
    ctx.setLineDash([4, 3]);
    hairline(ctx, plot.left, Y(v.low), plot.right, Y(v.low), colors.exact);
    ctx.setLineDash([]);
    plate(ctx, "in use from 0.01", plot.right - 2, Y(v.low) - 9, { colors, align: "right" });
  }

  function columns(ctx, all, top, plot, color, colors) {
    const pitch = (plot.right - plot.left) / all.length;
    const wide = Math.min(WIDEST, pitch * 0.66);
    all.forEach((i, k) => {
      const [x, y] = [plot.left + (k + 0.5) * pitch - wide / 2, top(i)];
      ctx.fillStyle = color(i);
      ctx.fillRect(x, Math.min(y, plot.bottom - 1.5), wide, Math.max(1.5, plot.bottom - y));
      if (i !== chosen) return;
      ctx.strokeStyle = colors.ink;
      ctx.lineWidth = 2;
      ctx.strokeRect(x - 1, Math.min(y, plot.bottom - 1.5) - 1, wide + 2, Math.max(1.5, plot.bottom - y) + 2);
    });
  }

  function name(ctx, words, { left, top }, colors) {
    plate(ctx, words, left - LEFT + 2, top - 11, { colors, color: colors.ink2, alpha: 0 });
  }

  function numbers(ctx, all, { left, right, bottom }, colors) {
    const pitch = (right - left) / all.length;
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    const every = Math.max(1, Math.ceil(20 / pitch));
    all.forEach((i, k) => {
      ctx.fillStyle = i === chosen ? colors.ink : colors.ink3;
      if (k % every === 0 || i === chosen) ctx.fillText(String(i + 1), left + (k + 0.5) * pitch, bottom + 11);
    });
    ctx.textAlign = "left";
    ctx.fillStyle = colors.ink2;
    ctx.fillText("latent", left - LEFT + 2, bottom + 11);
  }

  const active = (i) => variances().arrays.values[i] > variances().low;

  // --- choosing ---------------------------------------------------------------------------------------------------------------------
  function choose(i) {
    chosen = i;
    picked = true;
    sweep();
    show();
  }

  const around = () => find("select").value === "example";

  function sweep() {
    if (!ready(store) || !variances()) return;
    if (around() && !base.frame) return;
    const z = around() ? Array.from(view(base.frame, "encode", "mu").arrays.values, (v) => Math.max(-1e3, Math.min(1e3, v))) : [];
    asking.ask({ z, sweep: chosen + 1 });
  }

  bars.canvas.style.cursor = "pointer";
  bars.canvas.addEventListener("pointerdown", (event) => {
    const { x, y } = bars.point(event);
    const plot = plots.find((p) => x >= p.left && x <= p.right && y <= p.bottom + 20);
    const all = order();
    const i = plot && all[Math.floor(((x - plot.left) / (plot.right - plot.left)) * all.length)];
    if (i != null) choose(i);
  });
  bars.canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const all = order();
    if (!step || !all.length) return;
    event.preventDefault();
    event.stopPropagation();
    choose(all[(all.indexOf(chosen) + step + all.length) % all.length]);
  });
  find(".sorted").addEventListener("click", () => {
    sorted = !sorted;
    find(".sorted").setAttribute("aria-pressed", sorted);
    show();
  });
  const example = countField(find("input"), { hi: 999, onRead: begin });
  find("select").addEventListener("change", begin);

  function begin() {
    find("input").hidden = !around();
    if (around() && ready(store)) base.ask({ index: example.value });
    else sweep();
    show();
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  /** By how much the sweep changes the picture: root mean square between its ends, % of the range. */
  function change(shown) {
    if (shown?.type !== "images") return null;
    const { pixels } = shown.arrays;
    const bytes = pixels instanceof Uint8Array;
    const size = pixels.length / shown.shapes.pixels[0];
    let sum = 0;
    for (let k = 0; k < size; k++) sum += ((pixels[k] - pixels[pixels.length - size + k]) / (bytes ? 255 : 2)) ** 2;
    return Math.sqrt(sum / size);
  }

  function sentence(shown) {
    if (!about.started) return "Nothing trained yet. Train a run of many latents, and each shows here what it does.";
    if (asking.refused) return asking.refused;
    const [v, kl] = [variances(), kls()];
    if (!v) return "No latents of this kind: codes are chosen, not moved.";
    if (v.name !== "variance of mean") return "The latents of a VQ-VAE are codes; there is nothing to sweep.";
    const d = v.arrays.values.length;
    const used = Array.from(v.arrays.values).filter((x) => x > v.low).length;
    const total = kl ? Array.from(kl.arrays.values).reduce((a, b) => a + b, 0) : null;
    const says = kl ? `Latent ${chosen + 1} carries ${fixed(kl.arrays.values[chosen], 2)} of ${fixed(total, 2)} nats` : `The mean of latent ${chosen + 1} has variance ${fmt(v.arrays.values[chosen], 2)}`;
    const moved = change(shown);
    const does = moved == null ? "" : `; from −3 to 3 it changes the picture by ${percent(moved, 1)} of the range of a pixel${moved < 0.01 ? ": the decoder does not listen to it" : ""}`;
    return `${elsewhere(store, asking.frame)}${says}${does}. ${int(used)} of ${int(d)} latents are in use. Step ${int(store.step)}, n ${int((view(frame(), "latent", "points")?.arrays.xy.length ?? 0) / 2)} test examples for the bars, seed ${about.config.seed}.`;
  }

  function show() {
    if (!about) return;
    const all = order();
    if (!picked && all.length) chosen = [...all].sort((a, b) => (kls() ?? variances()).arrays.values[b] - (kls() ?? variances()).arrays.values[a])[0];
    if (chosen >= all.length) chosen = 0;
    const shown = view(asking.frame, "decode", "decode");
    const flat = about.kind === "2d";
    find(".swept").hidden = flat;
    find(".track").hidden = !flat;
    row.update(flat ? null : shown);
    track.update(shown, about.backdrop);
    find(".which").textContent = shown && all.length ? `Latent ${(asking.values?.sweep ?? chosen + 1)} from −3 to 3, ${around() ? `the others as in test example ${base.values?.index ?? ""}` : "the others 0"}` : "";
    for (const control of container.querySelectorAll(".bar :is(button, select, input)")) control.disabled = !ready(store);
    find(".said").textContent = all.length ? "press a bar, or use left and right" : "";
    find(".scene-words").textContent = sentence(shown);
    container.classList.toggle("nothing", !about.started || variances()?.name !== "variance of mean");
    Object.assign(container.dataset, { chosen: chosen + 1, swept: asking.values?.sweep ?? "", latents: all.length });
    bars.schedule();
  }

  return {
    update(next) {
      about = next;
      if ([asking, base].map((a) => a.renew(next)).some(Boolean)) {
        picked = false;
        find("select").value = "zero";
        find("input").hidden = true;
        show();
        sweep();
      } else if (!asking.values && variances()) sweep();
      else asking.again();
      show();
    },
  };
}

/** Pictures side by side with the latent's value under each. */
function createRow(container) {
  const cells = Array.from({ length: PLACES }, (_, i) => {
    const figure = document.createElement("figure");
    const box = document.createElement("div");
    figure.append(box, Object.assign(document.createElement("figcaption"), { textContent: fixed(-3 + (6 * i) / (PLACES - 1), 1) }));
    container.append(figure);
    return createPicture(box, "");
  });
  let last = null;
  return {
    update(shown) {
      if (shown === last) return;
      last = shown;
      cells.forEach((cell, i) => {
        if (shown?.type !== "images") return cell.update(null);
        const [, c, h, w] = shown.shapes.pixels;
        return cell.update({ ...shown, arrays: { pixels: shown.arrays.pixels.subarray(i * c * h * w, (i + 1) * c * h * w) }, shapes: { pixels: [1, c, h, w] } });
      });
    },
  };
}
