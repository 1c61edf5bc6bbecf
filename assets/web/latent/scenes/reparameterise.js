// Reparameterization: z = μ + σ ε on its density, the two derivatives that make a draw differentiable, and what that buys: the noise of
// three estimators of the same gradient, measured.
import { fixed, fmt, int, short } from "../../format.js";
import { countField } from "../../numbers.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createBench } from "./bench.js";
import { createDensity } from "./density.js";

export const title = "Reparameterization";

const N = 2000;
const H = 1e-4; // step of the differences
const SLIDERS = [
  { key: "mu", sign: "μ", lo: -3, hi: 3, step: 0.05, start: 0.5 },
  { key: "sigma", sign: "σ", lo: 0.05, hi: 3, step: 0.05, start: 0.8 },
  { key: "eps", sign: "ε", lo: -4, hi: 4, step: 0.05, start: 1 },
];
const WAYS = [
  { name: "pathwise", words: "pathwise", role: "accent", dash: [], fill: 0.2 },
  { name: "reinforce", words: "score function", role: "data", dash: [], fill: 0.2 },
  { name: "reinforce-baseline", words: "with baseline", role: "ink", dash: [2, 2], fill: 0 },
];
const HTML = `<div class="draw-z"><h3>z = μ + σ ε <small></small></h3><div class="density"></div>
    <div class="row sliders">${SLIDERS.map(({ key, sign, lo, hi, step, start }) => `<label class="${key}"><span>${sign} <output>${start}</output></span><input type="range" min="${lo}" max="${hi}" step="${step}" value="${start}" aria-label="${sign}"></label>`).join("")}<button type="button" class="button small roll">Draw ε</button></div>
    <table class="slopes"><thead><tr><th>f(z) = (z − 2)²</th><th>by hand</th><th>autograd</th><th>differences</th></tr></thead><tbody></tbody></table></div>
  <div class="estimate"><div class="row"><h3>One draw estimates ∂E f / ∂μ <small></small></h3></div>
    <div class="row asked"><span class="segment" role="group" aria-label="f is"><button type="button" class="button small" data-source="toy">Toy ‖z − 2‖²</button><button type="button" class="button small" data-source="model">This model</button></span>
      <label class="d">d <output>10</output><input type="range" min="0" max="20" step="1" value="10" aria-label="Dimensions, from 1 to 100"></label><label class="s">σ <output>1</output><input type="range" min="-20" max="20" step="1" value="0" aria-label="σ of the toy, from 0.1 to 10"></label>
      <label class="i" hidden>test image <input value="0" aria-label="Test image, by number"></label></div>
    <div class="bench"></div><table class="variances"><thead></thead><tbody></tbody></table></div>
  <p class="scene-words"></p>`;

const dimensions = (position) => Math.round(100 ** (position / 20));
const spread = (position) => +(10 ** (position / 20)).toPrecision(2);
const three = (v) => fmt(Number(v.toPrecision(3))); // significant digits
const number = (v) => (v == null ? "—" : Math.abs(v) < 1e-9 ? "0" : Math.abs(v) >= 1000 ? int(v) : fixed(v, 3));

export function create(container, { session, store, tab }) {
  container.classList.add("latent-scene");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const words = find(".scene-words");
  const density = createDensity(find(".density"));
  const bench = createBench(find(".bench"));
  const step = createAsking({ session, store }, "reparameterise", { show, pause: 40, lasting: () => true });
  const noise = createAsking({ session, store }, "estimators", { show, pause: 120, stale: 2000, lasting: ({ source }) => source === "toy" });
  const at = Object.fromEntries(SLIDERS.map(({ key, start }) => [key, start]));
  let about = null;
  let source = "toy";
  let drawn = null; // the answer whose histograms are shown

  // --- asking ---------------------------------------------------------------------------------------------------------------------
  function stepped() {
    if (ready(store)) step.ask({ ...at });
    show();
  }

  function estimate() {
    const toy = { d: dimensions(+find(".d input").value), sigma: spread(+find(".s input").value) };
    const values = source === "toy" ? toy : { index: index.value };
    if (ready(store)) noise.ask({ source, ...values, n: N });
    show();
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!about) return;
    for (const { key } of SLIDERS) find(`.${key} output`).textContent = fixed(at[key], 2);
    density.update({ ...at });
    find(".draw-z small").textContent = `= ${fixed(at.mu, 2)} + ${fixed(at.sigma, 2)} × ${at.eps < 0 ? `(${fixed(at.eps, 2)})` : fixed(at.eps, 2)} = ${fixed(at.mu + at.sigma * at.eps, 2)}`;
    slopes();
    find(".d output").textContent = dimensions(+find(".d input").value);
    find(".s output").textContent = spread(+find(".s input").value);
    find(".d").hidden = find(".s").hidden = source !== "toy";
    find(".i").hidden = source === "toy";
    for (const button of container.querySelectorAll("[data-source]")) button.setAttribute("aria-pressed", button.dataset.source === source);
    find("[data-source=model]").disabled = !tab.hasPrior(about.config);
    find("[data-source=model]").title = tab.hasPrior(about.config) ? "" : "This objective has no posterior to draw z from";
    if (drawn !== noise.frame) {
      drawn = noise.frame;
      bench.update(drawn && histograms());
    }
    find(".estimate small").textContent = `n ${int(N)}, seed 0; the outermost bins hold what lies beyond`;
    variances();
    words.textContent = sentence();
    const m = noise.frame?.metrics;
    Object.assign(container.dataset, { z: step.frame?.metrics.z ?? "", d: noise.values?.d ?? "", ratio: m?.["ratio/reinforce"] ?? "", source: noise.values?.source ?? "" });
  }

  /** The derivatives three ways: the formulas, the server's automatic differentiation, differences taken here. */
  function slopes() {
    const { mu, sigma, eps } = at;
    const m = step.frame?.metrics;
    const same = m && SLIDERS.every(({ key }) => step.values[key] === at[key]);
    const z = (a, s) => a + s * eps;
    const f = (a, s) => (z(a, s) - 2) ** 2;
    const slope = (g) => [(g(mu + H, sigma) - g(mu - H, sigma)) / (2 * H), (g(mu, sigma + H) - g(mu, sigma - H)) / (2 * H)];
    const [zm, zs] = slope(z);
    const [fm, fs] = slope(f);
    const df = 2 * (mu + sigma * eps - 2);
    const rows = [["∂z/∂μ = 1", 1, "dz_dmu", zm], ["∂z/∂σ = ε", eps, "dz_dsigma", zs], ["∂f/∂μ = f′(z)", df, "df_dmu", fm], ["∂f/∂σ = f′(z) ε", df * eps, "df_dsigma", fs]];
    find(".slopes tbody").innerHTML = rows.map(([name, hand, key, near]) => `<tr data-slope="${key}"><td>${name}</td><td>${number(hand)}</td><td>${same ? number(m[key]) : "—"}</td><td>${number(near)}</td></tr>`).join("");
  }

  function histograms() {
    const toy = noise.values.source === "toy";
    return { all: WAYS.map((way) => ({ ...way, ...view(noise.frame, "estimators", way.name).arrays })), exact: noise.frame.metrics.exact, word: toy ? "exact" : "mean, pathwise" };
  }

  function variances() {
    const m = noise.frame?.metrics;
    const toy = !noise.values || noise.values.source === "toy";
    find(".variances thead").innerHTML = `<tr><th>estimator</th><th>mean</th><th>variance</th>${toy ? "<th>exact</th>" : ""}<th>ratio to pathwise</th></tr>`;
    find(".variances tbody").innerHTML = WAYS.map(({ name, words: way, role, dash }) => {
      const cell = (key) => (m?.[`${key}/${name}`] == null ? "—" : three(m[`${key}/${name}`]));
      return `<tr data-way="${name}"><td><i data-role="${role}"${dash.length ? ' class="dash"' : ""}></i>${way}</td><td>${cell("mean")}</td><td>${cell("variance")}</td>${toy ? `<td>${cell("exact_variance")}</td>` : ""}<td>${name === "pathwise" && m ? "1" : cell("ratio")}</td></tr>`;
    }).join("");
  }

  function sentence() {
    if (noise.refused || step.refused) return noise.refused || step.refused;
    const m = noise.frame?.metrics;
    if (!m) return ready(store) ? "Drawing the first estimates." : "Nothing is trained yet. μ, σ and ε can be moved; press Train, and the server differentiates the same z and draws the estimates.";
    const { source: of, d, sigma, index } = noise.values;
    const [plain, base] = ["reinforce", "reinforce-baseline"].map((name) => m[`ratio/${name}`]);
    const where = of === "toy" ? `At d = ${d}, σ ${short(sigma)}` : `Test image ${index}, step ${int(noise.frame.step)}, ${about.config.latent} latent${about.config.latent === 1 ? "" : "s"}`;
    const needs = plain > 1 ? `as many draws must be averaged for the same error` : `here the path is the noisier way`;
    const note = of === "toy" ? "" : elsewhere(store, noise.frame);
    return `${note}${where}: the score function’s variance is ${three(plain)} times the pathwise one’s, with the baseline still ${three(base)} times; ${needs}. n\u00a0${int(N)}, seed 0.`;
  }

  for (const { key } of SLIDERS) find(`.${key} input`).addEventListener("input", (event) => ((at[key] = +event.target.value), stepped()));
  find(".roll").addEventListener("click", () => {
    at.eps = +Math.max(-4, Math.min(4, Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()))).toFixed(2);
    find(".eps input").value = at.eps;
    stepped();
  });
  const index = countField(find(".i input"), { hi: 999, onRead: () => estimate() });
  for (const name of [".d", ".s"]) find(`${name} input`).addEventListener("input", estimate);
  for (const button of container.querySelectorAll("[data-source]")) button.addEventListener("click", () => ((source = button.dataset.source), estimate()));

  return {
    update(next) {
      about = next;
      if (!tab.hasPrior(next.config)) source = "toy";
      const [a, b] = [step.renew(next), noise.renew(next)];
      if (a) stepped();
      if (b) estimate();
      if (!a) step.again();
      if (!b) noise.again();
      show();
    },
  };
}
