// Do the codes fill the prior? The density q(z) of all examples' codes together under the circles of N(0, I), the cells where the prior
// goes and no example does, and what the decoder makes of them.
import { ask as call, sentence } from "../../ask/call.js";
import { fixed, int, percent } from "../../format.js";
import { createNewest } from "../../ask/newest.js";
import { createSurface } from "../../surface.js";
import { TICK, hairline, plate } from "../../views/text.js";
import { rgba } from "../../colors.js";
import { createPicture } from "../picture.js";
import { createAsking, elsewhere, named, ready, view } from "../../ask/question.js";
import { cellAt, paint } from "./densities.js";
import { createPath } from "./reals.js";

export const title = "Do the codes fill the prior?";

const SHOWN = 4; // units of z from the middle to the edge of the map
const APART = 0.55; // units of z between two holes of the strip
const STRIP = 8; // holes decoded without being asked for
const HATCH = 6; // px

export function create(container, { session, store, redraw }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="aggregate-parts"><section><h3>q(z) of all examples <small class="key"><span class="legend dash">N(0, I) at 1, 2, 3σ</span> <span class="legend hatch">holes</span></small></h3><div class="map"></div></section>
    <section class="facts"><dl><dt>KL(q(z) ‖ p(z)), at least</dt><dd class="kl">—</dd><dt>prior mass in holes, within 2σ</dt><dd class="mass">—</dd></dl>
    <h3>Decoded there <small class="where"></small></h3><div class="pair"><figure><div class="junk"></div><figcaption>decoded</figcaption></figure><figure><div class="near"></div><figcaption class="nearest">nearest test example</figcaption></figure></div><div class="landing" hidden></div>
    <h3>Holes, the largest first <small>press one</small></h3><div class="strip"></div><p class="scene-words"></p></section></div>`;
  const find = (selector) => container.querySelector(selector);
  const map = createSurface(find(".map"), draw, { label: "Density of the codes: the arrow keys move the place that is decoded", focusable: true });
  const [junk, near] = [createPicture(find(".junk"), "What the decoder makes of this place"), createPicture(find(".near"), "The nearest test example")];
  const landing = createPath(find(".landing"), "Where the decoder puts this place, over the data");
  const asking = createAsking({ session, store }, "aggregate", { show: renewed });
  const decode = createNewest((place) => call(session, "decode", { z: place, on_map: true }, { branch: session.active, quiet: Boolean(decoded) }), { answer: (frame, place) => ((decoded = { frame, place }), show()), refuse: (error) => ((refused = error.status === 204 ? "" : sentence(error)), show()) });
  const cache = {};
  let about = null;
  let place = null; // [x, y]
  let decoded = null; // {frame, place}
  let refused = "";
  let holes = []; // [{place, frame}], the largest first
  let known = null; // the frame they belong to
  let at = { X: (x) => x, Y: (y) => y, scale: 1 };

  const heat = (name) => view(asking.frame, "aggregate", name);

  // --- holes ------------------------------------------------------------------------------------------------------------------------
  /** Cells that are holes with most of the prior first, none near another. */
  function largest() {
    const [flags, p] = [heat("holes"), heat("N(0, I)")];
    if (!flags) return [];
    const [rows, cols] = flags.shapes.values;
    const [x0, x1, y0, y1] = flags.extent;
    const cells = [];
    for (let k = 0; k < rows * cols; k++) {
      if (!flags.arrays.values[k]) continue;
      cells.push({ mass: p.arrays.values[k], place: [x0 + ((x1 - x0) * (k % cols)) / (cols - 1), y0 + ((y1 - y0) * Math.floor(k / cols)) / (rows - 1)] });
    }
    cells.sort((a, b) => b.mass - a.mass);
    const kept = [];
    for (const cell of cells) {
      if (kept.length === STRIP) break;
      if (kept.every((k) => Math.hypot(k.place[0] - cell.place[0], k.place[1] - cell.place[1]) > APART)) kept.push({ place: cell.place.map((v) => +v.toFixed(4)), frame: null });
    }
    return kept;
  }

  /** Another map: its holes are decoded one after the other. */
  async function renewed() {
    if (asking.frame !== known) {
      known = asking.frame;
      holes = largest();
      const mine = holes;
      place = holes[0]?.place ?? place ?? [0, 0];
      strip();
      go(place);
      for (const hole of mine) {
        if (mine !== holes) return;
        hole.frame = await call(session, "decode", { z: hole.place, on_map: true }, { quiet: true }).catch(() => null);
        if (mine === holes) strip();
      }
    }
    show();
  }

  function go(next) {
    place = next.map((v) => Math.max(-SHOWN, Math.min(SHOWN, +v.toFixed(4))));
    refused = "";
    if (ready(store)) decode(place);
    show();
  }

  function strip() {
    find(".strip").replaceChildren(
      ...holes.map((hole, k) => {
        const button = Object.assign(document.createElement("button"), { type: "button", title: words(hole.place) });
        button.setAttribute("aria-label", `Hole ${k + 1}: ${words(hole.place)}`);
        const shown = view(hole.frame, "decode", "decode");
        if (shown?.type === "images") createPicture(button, "").update(shown);
        else button.textContent = k + 1;
        button.addEventListener("click", () => go(hole.place));
        return button;
      }),
    );
    if (!holes.length) find(".strip").textContent = known ? "None: within 2σ no cell has less than a tenth of the prior's density." : "";
  }

  // --- the map ----------------------------------------------------------------------------------------------------------------------
  function draw(ctx, width, height, colors) {
    const q = heat("q(z)");
    if (!q) return;
    const scale = Math.min(width, height) / 2 / SHOWN;
    const [X, Y] = [(x) => width / 2 + x * scale, (y) => height / 2 - y * scale];
    at = { X, Y, scale };
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, 0, width, height);
    ctx.clip();
    for (let k = -4; k <= 4; k += 2) hairline(ctx, X(k), 0, X(k), height, colors.line), hairline(ctx, 0, Y(k), width, Y(k), colors.line);
    paint(ctx, q, { X, Y, colors, color: colors.accent, cache });
    hatch(ctx, heat("holes"), colors);
    circles(ctx, colors);
    if (place) cross(ctx, place, colors);
    ctx.restore();
    const flat = about.config.latent === 2;
    plate(ctx, flat ? "z₁" : "1st principal direction", width - 6, height - 10, { colors, align: "right", color: colors.ink3 });
    plate(ctx, flat ? "z₂" : "2nd", 5, 11, { colors, color: colors.ink3 });
  }

  function circles(ctx, colors) {
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.25;
    for (const r of [1, 2, 3]) {
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      ctx.arc(at.X(0), at.Y(0), r * at.scale, 0, 2 * Math.PI);
      ctx.stroke();
      ctx.setLineDash([]);
      plate(ctx, `${r}σ`, at.X(r * 0.94), at.Y(-r * 0.34), { colors, align: "center", alpha: 0.9, font: TICK });
    }
  }

  function hatch(ctx, flags, colors) {
    if (!flags) return;
    const [rows, cols] = flags.shapes.values;
    const [x0, x1, y0, y1] = flags.extent;
    const [dx, dy] = [((x1 - x0) / (cols - 1)) * at.scale, ((y1 - y0) / (rows - 1)) * at.scale];
    ctx.save();
    ctx.beginPath();
    for (let k = 0; k < rows * cols; k++) {
      if (!flags.arrays.values[k]) continue;
      ctx.rect(at.X(x0 + ((x1 - x0) * (k % cols)) / (cols - 1)) - dx / 2, at.Y(y0 + ((y1 - y0) * Math.floor(k / cols)) / (rows - 1)) - dy / 2, dx + 0.5, dy + 0.5);
    }
    ctx.fillStyle = rgba(colors.ink, 0.06);
    ctx.fill();
    ctx.clip();
    ctx.strokeStyle = rgba(colors.ink, 0.55);
    ctx.lineWidth = 1;
    ctx.beginPath();
    const [left, right, top, bottom] = [at.X(-2.2), at.X(2.2), at.Y(2.2), at.Y(-2.2)];
    for (let d = left - (bottom - top); d < right; d += HATCH) ctx.moveTo(d, bottom), ctx.lineTo(d + (bottom - top), top);
    ctx.stroke();
    ctx.restore();
  }

  function cross(ctx, [px, py], colors) {
    const [x, y] = [at.X(px), at.Y(py)];
    for (const [color, size] of [[colors.surface, 4.5], [colors.ink, 1.75]]) {
      ctx.strokeStyle = color;
      ctx.lineWidth = size;
      ctx.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) ctx.moveTo(x + dx * 5, y + dy * 5), ctx.lineTo(x + dx * 13, y + dy * 13);
      ctx.stroke();
    }
  }

  map.canvas.style.cursor = "crosshair";
  map.canvas.addEventListener("pointerdown", (event) => {
    const { x, y } = map.point(event);
    if (asking.frame) go([(x - at.X(0)) / at.scale, (at.Y(0) - y) / at.scale]);
  });
  map.canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!move || !place) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? 0.5 : 0.1;
    go(place.map((v, i) => v + by * move[i]));
  });

  // --- words ------------------------------------------------------------------------------------------------------------------------
  const words = ([x, y]) => `(${fixed(x, 2)}, ${fixed(y, 2)})`;

  /** How q(z) stands to the prior at a place. */
  function ratio([x, y]) {
    const q = heat("q(z)") && cellAt(heat("q(z)"), x, y);
    if (q == null) return "";
    const r = q / (Math.exp(-0.5 * (x * x + y * y)) / (2 * Math.PI));
    if (cellAt(heat("holes"), x, y)) return "a hole: q(z) is less than a tenth of p(z)";
    return r < 0.1 ? "q(z) is less than a tenth of p(z)" : `q(z) is ${fixed(r, r < 10 ? 1 : 0)} times p(z)`;
  }

  /** What a q(z) that is the prior leaves empty at this n, as a band. */
  const chanceText = (m) => [...new Set(["lo", "hi"].map((end) => percent(m[`floor/holes/${end}`], 1)))].join(" to ");

  function sentence() {
    if (!about.started) return "Nothing trained yet. Train, and the codes of all examples are laid over the prior here.";
    if (asking.refused) return asking.refused;
    const m = asking.frame?.metrics;
    if (!m) return "Laying the codes of all training examples over each other.";
    const [share, chance] = [percent(m.holes, 1), chanceText(m)];
    const where = about.config.latent > 2 ? "in this plane, " : "";
    const empty = `Of the draws of N(0, I) within 2σ, ${where}${share} fall where q(z) has less than a tenth of its density`;
    const fills = m.holes > m["floor/holes/hi"] + 5e-4 ? `${empty} (${chance} would if q(z) were N(0, I)): the decoder has hardly been trained there` : `${empty}, no more than if q(z) were N(0, I) (${chance})`;
    const sure = m["aggregate_kl/sure"];
    const full = about.config.latent > 2 && m.holes < 0.01 && sure > 0.1 ? "the plane looks full, but " : "";
    const kl = sure > 0 ? `${full}all latents together are at least ${fixed(sure, 2)} nats from N(0, I) (a lower bound, less two standard errors), which a prior that is q(z) itself would save` : "KL(q(z) ‖ p(z)) is 0 or more: this bound cannot tell q(z) from N(0, I)";
    const plane = about.config.latent > 2 ? " The map is the plane of the first two principal components; the other latents are 0 there." : "";
    return `${elsewhere(store, asking.frame)}${fills}; ${kl}.${plane} Step ${int(asking.frame.step)}, n ${int(m.n)} training examples for the map, seed ${asking.values.seed}.`;
  }

  function show() {
    if (!about) return;
    const m = asking.frame?.metrics;
    find(".kl").textContent = !m ? "—" : m["aggregate_kl/sure"] > 0 ? `${fixed(m["aggregate_kl/sure"], 2)} nats` : "0 or more";
    find(".mass").textContent = m ? `${percent(m.holes, 1)} (${chanceText(m)} if q(z) = N(0, I))` : "—";
    const shown = view(decoded?.frame, "decode", "decode");
    junk.update(shown?.type === "images" ? shown : null);
    const other = view(decoded?.frame, "nearest", "images");
    near.update(other);
    const label = decoded?.frame.metrics.nearest_label;
    find(".nearest").textContent = label != null && about.set.classes[label] ? `nearest: ${named(about.set.classes, label)}` : "nearest example";
    find(".where").textContent = refused || (place && m ? `z ${words(place)}, ${ratio(place)}` : "");
    find(".pair").hidden = about.kind === "2d";
    find(".landing").hidden = about.kind !== "2d";
    landing.update(shown, about.backdrop);
    find(".scene-words").textContent = sentence();
    container.classList.toggle("nothing", !about.started || Boolean(asking.refused && !m));
    Object.assign(container.dataset, { place: place?.join() ?? "", decoded: decoded?.place.join() ?? "", holes: m?.holes ?? "", kl: m?.aggregate_kl ?? "", inhole: place && heat("holes") ? Boolean(cellAt(heat("holes"), ...place)) : "" });
    map.schedule();
  }

  return {
    update(next) {
      about = next;
      if (asking.renew(next)) {
        [holes, known, decoded, place] = [[], null, null, null];
        strip();
        if (ready(store)) asking.ask({ seed: 0 }).then(redraw);
      } else if (!next.running) asking.again();
      show();
    },
  };
}
