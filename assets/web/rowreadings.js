// Readings in a row under a wide stage: line charts against the step, each named by the family: which metrics, which marks, which floor.
import { tidy } from "./axes.js";
import { createChart } from "./charts.js";
import { fixed } from "./format.js";

const NAMES = 98; // px for the names of simple models
const HEIGHT = 106; // px of a chart
const EARLY = 0.02; // of a run: what lies higher there is cut off, or nothing later could be read

/**
 * @typedef {object} ChartSpec
 * @property {string} title with its unit @property {{metric: string, role: string, dash?: number[], width?: number, label?: string, legend?: string}[]} lines
 * @property {{metric: string, words: string}[]} [floors] floors or optima, dashed in ink @property {boolean} [zoom] no need to show zero
 * @property {string[]} [kinds] of data that have this chart @property {Object<string, unknown>} [when] values of knobs that it needs @property {boolean} [broad] two columns wide
 * @property {boolean} [ladder] with what simple models reach, the bars "baselines" of the backdrop or asked for, as dashed lines named at their ends
 */

/** From just under the lowest value to just over the highest that is not of the first steps; round numbers, so that it seldom moves. */
function zoomed(series, total) {
  const values = series.flatMap((s) => s.points.filter(([step]) => step >= EARLY * total || s.points.length < 4).map(([, v]) => v));
  if (!values.length) return undefined;
  const [lo, hi] = [Math.min(...values), Math.max(...values)];
  const unit = tidy(Math.max(hi - lo, 1e-3 * Math.abs(hi), 1e-9)) / 5;
  return [Math.floor(lo / unit - 0.25) * unit, Math.ceil(hi / unit + 0.25) * unit];
}

/** What simple models reach, as dashed lines. */
function ladderOf(store) {
  const bars = store.backdrop()?.views.find((v) => v.panel === "baselines") ?? store.lasting?.get("baselines");
  return bars ? bars.labels.map((name, i) => ({ y: bars.arrays.values[i], label: `${name} ${fixed(bars.arrays.values[i], 2)}` })) : [];
}

/** The range that holds all simple models, and the lines where they lie beyond. */
function around(lines, range) {
  const ys = lines.map((l) => l.y);
  const [lo, hi] = [Math.min(...ys) - 0.15, Math.max(...ys) + 0.2];
  return range ? [Math.min(lo, range[0]), Math.max(hi, Math.min(range[1], hi + 0.5))] : [lo, hi];
}

/**
 * @param {HTMLElement} part
 * @param {{metrics: object, family: {charts: ChartSpec[]}, onPick: (step: number) => void, tail?: (box: HTMLElement) => {update: (seen: object, about: object) => void}}} tools
 *   `tail` makes a last chart of its own
 */
export function createRowReadings(part, { family, onPick, tail }) {
  part.classList.add("in-a-row");
  part.querySelector(".tiles").remove();
  const box = part.querySelector(".charts");
  const charts = family.charts.map((spec) => ({ spec, chart: createChart(figure(spec), { label: `${spec.title} against the step`, height: family.chart_height ?? HEIGHT, onPick, names: spec.ladder ? NAMES : 0 }) }));
  const last = tail?.(box);

  function figure({ title, lines, broad, ladder }) {
    const element = document.createElement("figure");
    element.className = broad ? "chart broad" : "chart";
    const legend = [...new Map(lines.map((l) => [l.legend ?? "", l])).values()].filter((l) => l.legend);
    element.innerHTML = `<figcaption><h3>${title}</h3>${legend.map((l) => `<span class="legend ${l.dash ? "dotted" : "line"} ${l.role}">${l.legend}</span>`).join("")}${ladder ? '<span class="legend dash ladder">counts, same split</span>' : ""}<span class="beyond"></span></figcaption><div class="plot"></div>`;
    box.append(element);
    return element.querySelector(".plot");
  }

  const fits = ({ kinds, when = {} }, { kind, config }) => (!kinds || kinds.includes(kind)) && Object.entries(when).every(([name, value]) => config[name] === value);

  function lineOf(store, { metric, role, dash, width, label }) {
    return { id: metric, points: store.series(metric).main, color: role === "model" ? "accent" : role, dash, width: width ?? (dash ? 1.2 : 2), label };
  }

  return {
    update(store, about) {
      const common = { xMax: about.total, cursor: store.step, marks: about.marks, run: about.run };
      for (const { spec, chart } of charts) {
        const element = chart.canvas.closest("figure");
        element.hidden = !fits(spec, about);
        if (element.hidden) continue;
        const series = [...spec.lines.map((l) => lineOf(store, l)), ...forks(store, spec.lines.find((l) => l.role === "model"))];
        const floors = (spec.floors ?? []).map(({ metric, words }) => ({ y: store.floor(metric), label: words, band: store.band(metric) ?? undefined })).filter((l) => l.y != null);
        const ladder = spec.ladder ? ladderOf(store) : [];
        if (spec.ladder) element.querySelector(".ladder").hidden = !ladder.length;
        const range = spec.zoom ? zoomed(series, about.total) : undefined;
        const beyond = range ? floors.filter((l) => l.y < range[0] || l.y > range[1]) : []; // too far to be drawn without hiding the course
        element.querySelector(".beyond").textContent = beyond.map((l) => `${l.label} ${fixed(l.y, l.y < 10 ? 2 : 0)}`).join(", ");
        chart.update({ ...common, series, lines: [...floors, ...ladder], yRange: ladder.length ? around(ladder, range) : range, evidence: about.evidence.filter((e) => e.index == null && spec.lines.some((l) => l.metric === e.metric)) });
      }
      last?.update(store, about);
    },
  };

  /** The other branches' course of a chart's first line, dotted. */
  function forks(store, line) {
    if (!line) return [];
    return store.series(line.metric).others.map((o) => ({ id: `b${o.id}`, points: o.points, color: "accent", dash: [2, 3] }));
  }
}
