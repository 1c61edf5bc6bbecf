// Where could this example come from? The true posterior p(z | x), computed on a grid, beside the Gaussian that the encoder says, and the
// gap between log p(x) and the ELBO, which is KL(q ‖ p(z | x)): no more and no less.
import { ask as call, sentence } from "../../ask/call.js";
import { ticks } from "../../axes.js";
import { fixed, int, short } from "../../format.js";
import { countField } from "../../numbers.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, hairline, plate } from "../../views/text.js";
import { createPicture } from "../picture.js";
import { createAsking, elsewhere, newest, ready, view } from "../../ask/question.js";
import { enclose, paint } from "./densities.js";
import { caveat } from "./reals.js";
import { createScatter } from "./scatter.js";

export const title = "True posterior";

const SIGMAS = [1, 2]; // ellipses of q, in standard deviations
const MASS = SIGMAS.map((s) => 1 - Math.exp((-s * s) / 2)); // what they hold of a Gaussian in the plane
const CLOSE = 0.1; // nats from which q is as good as it can be

export function create(container, { session, store, tab }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar"><label>Test example <input value="0" aria-label="Number of the test example"></label>
    <button type="button" class="button small before">Previous</button><button type="button" class="button small after">Next</button><button type="button" class="button small worst">Largest gap of 12</button><span class="said"></span></div>
    <div class="posterior-parts"><section><h3>Choose one <small>test means, a press picks</small></h3><div class="map"></div></section>
    <section><h3>Its posterior <small class="key"><span class="legend dash">p(z | x), exact</span> <span class="legend line model">q(z | x), encoder</span></small></h3><div class="grid"></div></section>
    <section class="facts"><div class="pair"><figure><div class="x"></div><figcaption>x</figcaption></figure><figure><div class="mean"></div><figcaption>from its mean</figcaption></figure></div>
    <dl><dt>log p(x)</dt><dd class="logpx">—</dd><dt>ELBO</dt><dd class="elbo">—</dd><dt>KL(q ‖ p(z | x))</dt><dd class="gap">—</dd></dl></section></div>
    <p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const map = createScatter(find(".map"), "Test examples at their posterior means: left and right choose one", { onPick: choose });
  const plot = createSurface(find(".grid"), draw, { label: "True posterior and the encoder's" });
  const pictures = { drawn: createPicture(find(".x"), "The test example"), mean: createPicture(find(".mean"), "What the decoder makes of its mean") };
  const asking = createAsking({ session, store }, "posterior", { show });
  const encoding = createAsking({ session, store }, "encode", { show });
  const cache = {};
  let about = null;
  let index = 0;
  let looking = 0; // examples still to look at for the worst gap

  function choose(next) {
    const n = count();
    index = n ? ((next % n) + n) % n : Math.max(0, next);
    number.set(index);
    if (!ready(store) || unfit()) return show();
    asking.ask({ index });
    encoding.ask({ index });
    return show();
  }

  /** Why this run has no such picture, "" if it has. */
  function unfit() {
    if (!tab.hasPrior(about.config)) return "This objective has no posterior: each example is one point among the latents.";
    return about.config.latent === 2 ? "" : `The true posterior is computed on a grid, which two latents allow; this run has ${int(about.config.latent)}.`;
  }

  const count = () => (view(newest(store), "latent", "points")?.arrays.xy.length ?? 0) / 2;

  /** Of twelve examples spread over the test set, the one whose posterior the encoder misses most. */
  async function worst() {
    const n = count();
    const places = Array.from({ length: Math.min(12, n) }, (_, k) => Math.floor((k * n) / 12));
    let found = null;
    for (looking = places.length; looking; looking--) {
      show();
      const i = places[places.length - looking];
      try {
        const { metrics } = await call(session, "posterior", { index: i });
        if (!found || metrics.kl_q_posterior > found.gap) found = { i, gap: metrics.kl_q_posterior };
      } catch (error) {
        asking.refused = sentence(error);
        looking = 1;
      }
    }
    if (found) choose(found.i);
    else show();
  }

  // --- the picture ------------------------------------------------------------------------------------------------------------------
  function draw(ctx, width, height, colors) {
    const heat = view(asking.frame, "posterior", "heat");
    const q = view(asking.frame, "posterior", "ellipses");
    if (!heat || !q) return;
    const [x0, x1, y0, y1] = heat.extent;
    const scale = Math.max(width / (x1 - x0), height / (y1 - y0)) * 0.999;
    const fit = Math.min(width / (x1 - x0), height / (y1 - y0));
    const s = fit < scale ? fit : scale;
    const X = (x) => width / 2 + (x - (x0 + x1) / 2) * s;
    const Y = (y) => height / 2 - (y - (y0 + y1) / 2) * s;
    grid(ctx, { X, Y, width, height, s, x: (x0 + x1) / 2, y: (y0 + y1) / 2 }, colors);
    paint(ctx, heat, { X, Y, colors, color: colors.data, cache });
    enclose(ctx, heat, MASS, { X, Y, color: colors.exact, width: 1.75 });
    ellipse(ctx, q.arrays, { X, Y, s }, colors);
  }

  function grid(ctx, { X, Y, width, height, s, x, y }, colors) {
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    for (const v of ticks(x - width / 2 / s, x + width / 2 / s, width, 60)) {
      hairline(ctx, X(v), 0, X(v), height, colors.line);
      plate(ctx, short(+v.toFixed(6)), X(v), height - 9, { colors, align: "center", color: colors.ink3, alpha: 0.8 });
    }
    for (const v of ticks(y - height / 2 / s, y + height / 2 / s, height, 40)) {
      hairline(ctx, 0, Y(v), width, Y(v), colors.line);
      if (Y(v) < height - 24 && Y(v) > 20) plate(ctx, short(+v.toFixed(6)), 5, Y(v), { colors, color: colors.ink3, alpha: 0.8 });
    }
    plate(ctx, "z₁", width - 6, height - 10, { colors, align: "right", color: colors.ink3 });
    plate(ctx, "z₂", 5, 10, { colors, color: colors.ink3 });
  }

  function ellipse(ctx, { xy, axes, angle }, { X, Y, s }, colors) {
    ctx.strokeStyle = colors.accent;
    for (const k of SIGMAS) {
      ctx.lineWidth = k === 1 ? 2.5 : 1.75;
      ctx.beginPath();
      ctx.ellipse(X(xy[0]), Y(xy[1]), k * axes[0] * s, k * axes[1] * s, -angle[0], 0, 2 * Math.PI);
      ctx.stroke();
    }
    const [x, y] = [X(xy[0]), Y(xy[1]) - SIGMAS.at(-1) * Math.max(...axes) * s - 11];
    plate(ctx, "q: 1σ, 2σ", x, Math.max(10, y), { colors, align: "center", color: colors.accent, font: LABEL, alpha: 0.9, height: 16 });
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  const m = () => asking.frame?.metrics ?? null;

  function sentence() {
    if (!about.started) return "Nothing trained yet. Train a run of two latents, and the exact posterior stands beside the encoder's here.";
    if (unfit() || asking.refused) return unfit() || asking.refused;
    if (looking) return `Looking at twelve posteriors: ${looking} to go.`;
    if (!m()) return "Computing the posterior on a grid.";
    const { log_px: px, elbo, kl_q_posterior: gap } = m();
    const name = className(asking.values.index);
    const means =
      gap < CLOSE
        ? "q is as good as the true posterior here: the bound is tight."
        : `q misses the true posterior by ${fixed(gap, 2)} nats, and the bound is low by exactly that: log p(x) − ELBO = ${fixed(px, 2)} − (${fixed(elbo, 2)}).`;
    const lines = `Dashed lines hold ${MASS.map((v) => `${Math.round(100 * v)} %`).join(" and ")} of p(z | x), as the ellipses do of q.`;
    return `${elsewhere(store, asking.frame)}${means} ${lines} Test example ${int(asking.values.index)}${name}, step ${int(asking.frame.step)}.${caveat(about.config, about.set)}`;
  }

  function className(i) {
    const label = view(newest(store), "latent", "points")?.arrays.label?.[i];
    return label == null ? "" : ` (${about.set.classes[label] ?? `mode ${label}`})`;
  }

  function show() {
    if (!about) return;
    const current = asking.frame && !asking.refused;
    map.update({ points: view(newest(store), "latent", "points"), chosen: count() ? index : null, hasPrior: tab.hasPrior(about.config) });
    for (const [name, picture] of Object.entries(pictures)) {
      const shown = view(encoding.frame, "reconstructions", name);
      picture.update(shown?.type === "images" ? shown : null);
    }
    find(".pair").hidden = about.kind === "2d";
    for (const control of container.querySelectorAll(".bar :is(button, input)")) control.disabled = !ready(store) || looking > 0;
    for (const [name, value] of [["logpx", m()?.log_px], ["elbo", m()?.elbo], ["gap", m()?.kl_q_posterior]]) find(`.${name}`).textContent = current ? `${fixed(value, 2)} nats` : "—";
    container.classList.toggle("nothing", !about.started || Boolean(unfit()) || Boolean(asking.refused && !m()));
    find(".scene-words").textContent = sentence();
    find(".said").textContent = count() ? `of ${int(count())}` : "";
    Object.assign(container.dataset, { index: asking.values?.index ?? "", gap: current ? m().kl_q_posterior : "" });
    plot.schedule();
  }

  const number = countField(find("input"), { hi: 999, onRead: choose });
  find(".before").addEventListener("click", () => choose(index - 1));
  find(".after").addEventListener("click", () => choose(index + 1));
  find(".worst").addEventListener("click", worst);

  return {
    update(next) {
      about = next;
      if ([asking, encoding].map((a) => a.renew(next)).some(Boolean)) choose(index);
      else if (!next.running && !unfit()) for (const a of [asking, encoding]) a.again();
      show();
    },
  };
}
