// The ladder of bounds: −ELBO and importance weighted bounds with more and more draws, each nearer to −log p(x), which for one or two
// latents is known by quadrature. Bars show by how much each misses the tightest value there is, so that they may start at zero.
import { mix, toHex } from "../../colors.js";
import { fixed, int, short } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, hairline, plate } from "../../views/text.js";
import { ticks } from "../../axes.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { caveat } from "./reals.js";

export const title = "Bound ladder";

const COUNTS = [20, 50, 100, 200, 500];
const MARGIN = { left: 92, right: 176, top: 22, bottom: 38 };
const NARROW = 560; // px: below it values stand above their bars
const DRAWS = { "−ELBO": 1, "IWAE-5": 5, "IWAE-50": 50, "IWAE-500": 500 };

export function create(container, { session, store }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar"><label>Test examples <select aria-label="Test examples">${COUNTS.map((n) => `<option${n === 100 ? " selected" : ""}>${n}</option>`).join("")}</select></label>
    <button type="button" class="button small again">New seed</button><span class="said"></span></div>
    <h3>How far each bound lies above <span class="tight"></span> <small></small></h3><div class="plot"></div><p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const chart = createSurface(find(".plot"), draw, { label: "Bounds on −log p(x)" });
  const asking = createAsking({ session, store }, "bounds", { show });
  let about = null;
  let seed = 0;

  const n = () => +find("select").value;
  const known = () => asking.frame?.metrics ?? null;
  const exact = (m) => m["nll/exact"] != null;

  function ask() {
    if (ready(store)) asking.ask({ n: n(), seed });
    show();
  }

  /** The rungs from the loosest on: {name, nats, gap, bits}. */
  function rungs() {
    const bars = view(asking.frame, "bounds", "nll");
    if (!bars) return [];
    const m = known();
    const values = Object.fromEntries(bars.labels.map((name, i) => [name, name === "exact" ? m["nll/exact"] : m[`nll/${DRAWS[name]}`] ?? bars.arrays.values[i]]));
    const least = values.exact ?? values["IWAE-500"];
    const perNat = m["bits_per_dim/500"] == null ? null : m["bits_per_dim/500"] / m["nll/500"];
    return Object.entries(values).map(([name, nats]) => ({ name, nats, gap: nats - least, bits: perNat && nats * perNat }));
  }

  // --- the chart --------------------------------------------------------------------------------------------------------------------
  function draw(ctx, width, height, colors) {
    const all = rungs();
    if (!all.length) return;
    const bars = all.filter((r) => r.name !== "exact");
    const slim = width < NARROW;
    const most = Math.max(...bars.map((r) => r.gap), 1e-3) * 1.04;
    const [left, right, top, bottom] = [MARGIN.left, width - (slim ? 16 : MARGIN.right), MARGIN.top + (slim ? 16 : 0), height - MARGIN.bottom];
    const X = (v) => left + (v / most) * (right - left);
    axis(ctx, { X, left, right, top, bottom, most }, colors);
    const pitch = (bottom - top) / bars.length;
    bars.forEach((r, i) => rung(ctx, r, { X, left, y: top + (i + 0.5) * pitch, high: Math.min(30, pitch * 0.52), slim }, colors));
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(left, top - (slim ? 26 : 6));
    ctx.lineTo(left, bottom);
    ctx.stroke();
    ctx.setLineDash([]);
    const last = all.at(-1);
    plate(ctx, exact(known()) ? `exact ${fixed(last.nats, 2)} nats` : `IWAE-500: ${fixed(last.nats, 2)} nats; the truth lies no higher`, left + 7, top - (slim ? 22 : 9), { colors, font: LABEL, height: 16 });
  }

  function axis(ctx, { X, left, right, top, bottom, most }, colors) {
    ctx.font = TICK;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const v of ticks(0, most, right - left, 70)) {
      hairline(ctx, X(v), top, X(v), bottom, colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.fillText(short(v), X(v), bottom + 12);
    }
    ctx.textAlign = "right";
    ctx.fillStyle = colors.ink2;
    ctx.fillText("nats above", right, bottom + 28);
  }

  function rung(ctx, { name, nats, gap, bits }, { X, left, y, high, slim }, colors) {
    ctx.fillStyle = name === "−ELBO" ? colors.accent : toHex(mix(colors.surface, colors.accent, 0.62));
    ctx.fillRect(left, y - high / 2, Math.max(1.5, X(gap) - left), high);
    ctx.font = LABEL;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillStyle = colors.ink;
    ctx.fillText(name, left - 10, y);
    const words = `${fixed(nats, 2)} nats${bits ? ` · ${fixed(bits, 3)} bits/dim` : ""}`;
    const beside = `${fixed(gap, gap < 0.1 ? 3 : 2)} above`;
    if (slim) plate(ctx, words, left + 4, y - high / 2 - 8, { colors, align: "left" });
    else plate(ctx, words, X(gap) + 8, y - 7, { colors, align: "left", font: `700 13px ${LABEL.split("px ")[1]}`, height: 17 });
    if (!slim) plate(ctx, gap ? beside : "the tightest here", X(gap) + 8, y + 9, { colors, align: "left", color: colors.ink3 });
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  function sentence() {
    if (!about.started) return "Nothing trained yet. Train, and the bound is measured here at every tightness.";
    if (asking.refused) return asking.refused;
    const m = known();
    if (!m) return "Weighing 500 draws for each test example.";
    const all = rungs().filter((r) => r.name !== "exact");
    const ordered = all.every((r, i) => !i || r.nats <= all[i - 1].nats);
    const order = ordered ? "Each rung has more draws and is no higher than the one before" : "More draws are lower only on average: here one rung is higher than the one before";
    const steps = `from −ELBO to IWAE-500 ${fixed(m["nll/1"] - m["nll/500"], 2)} nats`;
    const rest = exact(m) ? `${fixed(m["nll/500"] - m["nll/exact"], 2)} more to the exact −log p(x)` : "how much is left to −log p(x) nobody can say for so many latents";
    const share = exact(m) ? ` −ELBO is ${fixed((100 * (m["nll/1"] - m["nll/exact"])) / m["nll/exact"], 1)} % too high.` : "";
    const from = exact(m) ? `, the exact one as it differs in the first ${int(m.n_exact)}` : "";
    return `${elsewhere(store, asking.frame)}${order}: ${steps}, ${rest}.${share} Step ${int(asking.frame.step)}, n ${int(m.n)} test examples${from}, seed ${asking.values.seed}.${caveat(about.config, about.set)}`;
  }

  function show() {
    if (!about) return;
    const m = known();
    for (const control of [find("select"), find(".again")]) control.disabled = !ready(store);
    find(".tight").textContent = !m || exact(m) ? "−log p(x)" : "IWAE-500";
    find("h3 small").textContent = "nats, mean over test examples";
    find(".said").textContent = m ? `n ${int(m.n)}, seed ${asking.values.seed}, up to 500 draws for each` : "";
    find(".scene-words").textContent = sentence();
    container.classList.toggle("nothing", !about.started || Boolean(asking.refused && !m));
    Object.assign(container.dataset, { rungs: rungs().map((r) => `${r.name} ${r.nats}`).join("; "), seed: asking.values?.seed ?? "", n: m?.n ?? "" });
    chart.schedule();
  }

  find("select").addEventListener("change", ask);
  find(".again").addEventListener("click", () => {
    seed = (seed + 1) % 10_000;
    ask();
  });

  return {
    update(next) {
      about = next;
      if (asking.renew(next)) (seed = 0), ask();
      else if (!next.running) asking.again();
      show();
    },
  };
}
