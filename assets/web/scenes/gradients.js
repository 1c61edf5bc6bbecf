// Gradient health: how hard both networks are pushed, how often D is right, how far D is from the best there could be. D that is always
// right for long has stopped teaching.
import { createChart } from "../charts.js";
import { int } from "../format.js";

export const title = "Gradients";

const SURE = 0.98; // D right on more than this share of examples ...
const LONG = 200; // ... for so many steps has saturated
const BALANCED = [0.4, 0.6];

export function create(container, { commands }) {
  container.classList.add("scene-charts");
  const chart = (words, legend, label, height) => {
    const box = Object.assign(document.createElement("figure"), { className: "chart" });
    box.innerHTML = `<figcaption><h3>${words}</h3>${legend.map(([mark, text]) => `<span class="legend ${mark}">${text}</span>`).join("")}</figcaption><div class="plot"></div>`;
    container.append(box);
    return { box, plot: createChart(box.querySelector(".plot"), { label, height, onPick: commands.scrub }) };
  };
  const norms = chart("Gradient norms, log", [["line model", "‖∇ L_G‖"], ["line data", "‖∇ L_D‖"]], "Norms of both gradients against the step", 116);
  const right = chart("D is right, share of examples", [["line data", "accuracy of D"], ["dash", "0.5 and the alert at 0.98"]], "Accuracy of D against the step", 96);
  const slope = chart("Slope of D between data and samples, log", [["line data", "mean ‖∇D‖, n 64"], ["dash", "1: what a gradient penalty asks for"]], "Slope of D against the step", 84);
  const gap = chart("Distance of D from D*", [["line data", "RMS over where data and samples are, n 2,000"]], "Distance of D from the best D against the step", 84);
  const words = Object.assign(document.createElement("p"), { className: "scene-words" });
  container.append(words);

  return {
    update({ seen, step, total, config }) {
      const line = (metric, color) => ({ id: metric, points: seen.series(metric).main, color, smooth: 0.8 });
      const common = { xMax: total, cursor: step, run: config.seed + config.objective + config.dataset };
      norms.plot.update({ ...common, log: true, series: [line("d_grad_norm", "data"), line("g_grad_norm", "accent")] });
      right.plot.update({ ...common, series: [line("d_accuracy", "data")], lines: [{ y: 0.5 }, { y: SURE }], yRange: [0, 1] });
      const steep = seen.series("d_slope").main;
      slope.box.hidden = !steep.length;
      if (steep.length) slope.plot.update({ ...common, log: true, series: [{ id: "slope", points: steep, color: "data" }], lines: [{ y: 1, label: "" }] });
      const distance = seen.series("d_gap").main;
      gap.box.hidden = !distance.length;
      if (distance.length) gap.plot.update({ ...common, series: [{ id: "gap", points: distance, color: "data" }], lines: [{ y: 0, label: "" }] });
      words.textContent = sentence(seen, step, !distance.length);
    },
  };
}

/** What the numbers at this step say. */
function sentence(seen, step, undefinedBest) {
  const rows = seen.series("d_accuracy").main.filter(([s]) => s <= step);
  if (!rows.length) return "Nothing measured yet: both gradients appear with the first steps.";
  const from = rows.findLastIndex(([, v]) => v <= SURE);
  const sure = rows.at(-1)[0] - (rows[from + 1]?.[0] ?? rows.at(-1)[0]);
  const now = rows.slice(-5).reduce((sum, [, v]) => sum + v, 0) / rows.slice(-5).length;
  const percent = `${(100 * now).toFixed(0)} %`;
  const best = undefinedBest ? " This loss has no single best D to compare with." : "";
  if (sure >= LONG) return `D has been right on more than 98 % of examples for ${int(sure)} steps: it has saturated, and what G feels of it shrinks.${best}`;
  if (now >= BALANCED[0] && now <= BALANCED[1]) return `D is right on ${percent} of examples, close to guessing: it can hardly tell samples from data.${best}`;
  return `D is right on ${percent} of examples. The alert comes when it stays above 98 % for ${LONG} steps.${best}`;
}
