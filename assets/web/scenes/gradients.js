// Gradient health: how hard both networks are pushed, how often D is right, how far D is from the best there could be. What a D that is
// always right leaves to G depends on the loss, so it is measured: G's gradient when that began, and now. A critic is wanted to win.
import { createChart } from "../charts.js";
import { fmt, int } from "../format.js";

export const title = "Gradients";

const SURE = 0.98; // D right on more than this share of examples ...
const LONG = 200; // ... for so many steps wins
const FEW = 5; // rows averaged at each end of that time
const CHANGED = 2; // a gradient that grew or shrank by this factor did
const BALANCED = [0.4, 0.6];

export function create(container, { family, commands }) {
  container.classList.add("scene-charts");
  const chart = (words, legend, label, height) => {
    const box = Object.assign(document.createElement("figure"), { className: "chart" });
    box.innerHTML = `<figcaption><h3>${words}</h3>${legend.map(([mark, text]) => `<span class="legend ${mark}">${text}</span>`).join("")}</figcaption><div class="plot"></div>`;
    container.append(box);
    return { box, plot: createChart(box.querySelector(".plot"), { label, height, onPick: commands.scrub }) };
  };
  const norms = chart("Gradient norms, log", [["line model", "‖∇ L_G‖"], ["line data", "‖∇ L_D‖"]], "Norms of both gradients against the step", 116);
  const right = chart("D is right, share of examples", [["line data", "accuracy of D"], ["dash", "0.5"]], "Accuracy of D against the step", 96);
  const slope = chart("Slope of D between data and samples, log", [["line data", "mean ‖∇D‖, n 64"], ["dash", ""]], "Slope of D against the step", 84);
  const gap = chart("Distance of D from D*", [["line data", "RMS of D − p / (p + q) at data and samples, n 4,096 each"]], "Distance of D from the best D against the step", 84);
  const words = Object.assign(document.createElement("p"), { className: "scene-words" });
  container.append(words);

  return {
    update({ seen, step, total, config }) {
      const line = (metric, color) => ({ id: metric, points: seen.series(metric).main, color, smooth: 0.8 });
      const common = { xMax: total, cursor: step, run: config.seed + config.objective + config.dataset };
      norms.plot.update({ ...common, log: true, series: [line("d_grad_norm", "data"), line("g_grad_norm", "accent")] });
      const critic = family.critics.includes(config.objective);
      right.box.querySelector("h3").textContent = critic ? "The critic puts data first, share of pairs" : "D is right, share of examples";
      right.plot.update({ ...common, series: [line("d_accuracy", "data")], lines: [{ y: 0.5 }, ...(critic ? [] : [{ y: SURE }])], yRange: [0, 1] });
      const asked = slopeAsked(config);
      slope.box.querySelector(".dash").textContent = asked.words;
      const steep = seen.series("d_slope").main;
      slope.box.hidden = !steep.length;
      if (steep.length) slope.plot.update({ ...common, log: true, series: [{ id: "slope", points: steep, color: "data" }], lines: asked.at ? [{ y: asked.at, label: "" }] : [] });
      const distance = seen.series("d_gap").main;
      gap.box.hidden = !distance.length;
      if (distance.length) gap.plot.update({ ...common, series: [{ id: "gap", points: distance, color: "data" }], lines: [{ y: 0, label: "" }] });
      words.textContent = sentence(seen, step, critic, !family.labelled.includes(config.objective));
    },
  };
}

/** The slope that this run's penalty pulls towards, or its bound. @returns {{at: number|null, words: string}} a log axis has no place for 0 */
function slopeAsked({ gp, r1, r2, clip, spectral_norm: norm }) {
  if (gp) return { at: 1, words: "1: what the gradient penalty asks for" };
  if (norm) return { at: 1, words: "1: the most that spectral norm allows" };
  if (r1 || r2) return { at: null, words: `the penalty asks for 0 at ${r1 && r2 ? "data and samples" : r1 ? "the data" : "the samples"}` };
  return { at: null, words: clip ? "bounded by the clipped weights" : "nothing holds it" };
}

/** What the numbers at this step say. */
function sentence(seen, step, critic, undefinedBest) {
  const rows = seen.series("d_accuracy").main.filter(([s]) => s <= step);
  if (!rows.length) return "Nothing measured yet: both gradients appear with the first steps.";
  const mean = (list) => list.reduce((sum, [, v]) => sum + v, 0) / list.length;
  const now = mean(rows.slice(-FEW));
  const percent = `${(100 * now).toFixed(0)} %`;
  if (critic) {
    return `The critic puts data ahead of samples in ${percent} of pairs. That is wanted: the nearer it is to its best, the better its slope points to the data.`;
  }
  const from = rows.findLastIndex(([, v]) => v <= SURE);
  const sure = rows.at(-1)[0] - (rows[from + 1]?.[0] ?? rows.at(-1)[0]);
  const best = undefinedBest ? " This loss has no single best D to compare with." : "";
  if (sure >= LONG) {
    const since = seen.series("g_grad_norm").main.filter(([s]) => s >= rows[from + 1][0] && s <= step);
    return `D has been right on more than 98 % of examples for ${int(sure)} steps. ${whatGFeels(mean(since.slice(0, FEW)), mean(since.slice(-FEW)))}${best}`;
  }
  if (now >= BALANCED[0] && now <= BALANCED[1]) return `D is right on ${percent} of examples, close to guessing: it can hardly tell samples from data.${best}`;
  return `D is right on ${percent} of examples.${best}`;
}

/** How G's gradient changed while D won, in words. @param {number} before @param {number} now */
export function whatGFeels(before, now) {
  const change = now < before / CHANGED ? "shrank" : now > before * CHANGED ? "grew" : "changed little";
  return `In that time the gradient of G ${change}, from ${fmt(before, 2)} to ${fmt(now, 2)}.`;
}
