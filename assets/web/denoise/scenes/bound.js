// The variational bound in bits per dimension, in three parts, and at which noise levels its bits are spent.
import { fixed, int, percent } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, plate } from "../../views/text.js";
import { createPlot } from "../plot.js";
import { createAskingScene, curve, layOut } from "./frame.js";

const RARE = 2.5; // standard deviations of ln σ
export const title = "Bits per dimension";
export const kinds = ["image"];

const PARTS = [["prior", "prior", "how far pure noise still is from knowing nothing"], ["diffusion", "diffusion", "each denoising step"], ["decoder", "decoder", "the last noise, to the exact grey level"]];
const TINTS = [0.35, 1, 0.6]; // of the accent
const HALF = Math.log(10); // of ln σ: where the ticks stand

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label>Test images <select class="many" aria-label="Test images"><option>50</option><option selected>200</option><option>500</option></select></label><label>Noise levels of each <select class="draws" aria-label="Noise levels of each image"><option>4</option><option>8</option><option>16</option></select></label><button type="button" class="button small again">New seed</button>`,
    body: `<div class="parts bound-parts"><section><h3>−log₂ p(x) per dimension is at most <span class="total"></span></h3><div class="plot stack"></div><dl>${PARTS.map(([key, words, why]) => `<dt><i data-part="${key}"></i>${words}</dt><dd></dd><dd>${why}</dd>`).join("")}</dl></section>
      <section><h3>Bits by noise level <small>diffusion part, per nat of ln σ</small></h3><div class="plot levels"></div></section></div>`,
  });
  const stack = createSurface(find(".stack"), draw, { label: "The three parts of the bound beside an even guess" });
  const levels = createPlot(find(".levels"), "Bits of the diffusion part against the noise level");
  let seed = 0;
  const ask = () => ["bound", { n: +find(".many").value, draws: +find(".draws").value, seed }];
  const scene = createAskingScene(container, tools, {
    questions: () => [ask()],
    show,
    nothing: "Nothing trained yet. Train, and the bits that test images cost are counted here.",
    waiting: "Adding noise to test images and counting what the network does not know…",
  });
  let bits = null; // the metrics that are drawn

  function draw(ctx, width, height, colors) {
    if (!bits) return;
    const most = Math.max(bits.uniform, bits.bits_per_dim) * 1.02;
    const [left, right, top, high] = [2, width - 8, 24, Math.min(44, height - 46)];
    const X = (v) => left + (v / most) * (right - left);
    let from = 0;
    PARTS.forEach(([key], i) => {
      ctx.globalAlpha = TINTS[i];
      ctx.fillStyle = colors.accent;
      ctx.fillRect(X(from), top, Math.max(1, X(from + bits[key]) - X(from) - 1), high);
      ctx.globalAlpha = 1;
      from += bits[key];
    });
    ctx.strokeStyle = colors.exact;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(X(bits.uniform), top - 6);
    ctx.lineTo(X(bits.uniform), top + high + 6);
    ctx.stroke();
    ctx.setLineDash([]);
    plate(ctx, `even guess ${fixed(bits.uniform, 2)}`, X(bits.uniform) - 4, top - 12, { colors, align: "right", font: LABEL });
    plate(ctx, `bound ${fixed(bits.bits_per_dim, 2)}`, Math.max(40, X(from)), top + high + 12, { colors, align: from > most / 2 ? "right" : "left", font: LABEL });
  }

  function show(about) {
    const frame = scene.get(...ask());
    const m = (bits = frame?.metrics ?? null);
    find(".total").textContent = m ? `${fixed(m.bits_per_dim, 3)} bits` : "…";
    container.querySelectorAll("dl dd").forEach((dd, i) => i % 2 === 0 && (dd.textContent = m ? `${fixed(m[PARTS[i / 2][0]], 3)} bits` : "—"));
    stack.schedule();
    const line = curve(frame, "bits_by_noise");
    const marks = [-3, -2, -1, 0, 1, 2].map((k) => [k * HALF, k < 0 ? fixed(10 ** k, -k) : int(10 ** k)]);
    const ends = line && [line.x[0] - 0.2, line.x.at(-1) + 0.2];
    levels.update({ lines: line ? [{ name: "bits", ...line, color: "accent", dots: true, bare: true }] : [], x: { name: "σ, log", range: ends ?? [-5, 5], marks: ends ? marks.filter(([v]) => v >= ends[0] && v <= ends[1]) : [] }, y: { name: "bits/dim per nat" } });
    find(".said").textContent = m ? `n ${int(ask()[1].n)} test images, ${ask()[1].draws} noise levels of each, seed ${seed}` : "";
    Object.assign(container.dataset, { bits: m?.bits_per_dim ?? "", parts: m ? PARTS.map(([key]) => m[key]).join() : "", seed });
    return m ? sentence(about, frame, m, line) : "";
  }

  function sentence(about, frame, m, line) {
    const saved = 1 - m.bits_per_dim / m.uniform;
    const best = Array.from(line.y).indexOf(Math.max(...line.y));
    const all = Array.from(line.y);
    const share = (within) => all.filter((_, i) => within(line.x[i])).reduce((a, b) => a + b, 0) / all.reduce((a, b) => a + b, 0);
    const { schedule, noise_mean: mean, noise_std: std } = about.config;
    const least = mean - RARE * std; // ln σ of levels that training hardly ever drew
    const untrained = schedule === "lognormal" ? share((x) => x < least) : 0;
    const rare = untrained > 0.02 ? ` ${percent(untrained, 0)} of it comes from σ below ${fixed(Math.exp(least), 3)}, ${fixed(RARE, 1)} standard deviations under the noise of training, where the network was hardly trained: a run trained for the bound would need fewer bits.` : "";
    const compared = saved > 0 ? `${percent(saved, 0)} fewer than an even guess over the grey levels` : `more than an even guess over the grey levels`;
    return `At most ${fixed(m.bits_per_dim, 2)} bits for a pixel, ${compared} (${fixed(m.uniform, 2)}). The diffusion part is ${percent(m.diffusion / m.bits_per_dim, 0)} of it, densest around σ ${fixed(Math.exp(line.x[best]), 2)}; ${percent(share((x) => x > 0), 0)} of it lies above σ 1, where the image as a whole is decided and not its grey levels.${rare} An upper bound by sampled noise levels, n ${int(ask()[1].n)}, seed ${seed}, step ${int(frame.step)} (Kingma et al., 2021).`;
  }

  for (const select of container.querySelectorAll("select")) select.addEventListener("change", () => scene.ask());
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), scene.ask()));
  return { update: scene.update };
}
