// The two losses against each other and against the step, with the place where they settle if G becomes perfect, and how to read them.
// A Wasserstein critic's gap is shown beside a distance that no critic had to estimate, both in units of the data: of a cloud that is only
// shifted, sliced W₁ is 2/π of W₁, and a critic whose slope nowhere exceeds 1 reads at most W₁.
import { createChart } from "../charts.js";
import { fmt, int } from "../format.js";
import { dashedAt, dot, drawAxes, fadingPath, planeOf } from "../plane.js";
import { REAL, equilibria, named, unitOf } from "../readings.js";
import { createSurface } from "../surface.js";
import { average, indexAt } from "../views/curve.js";
import { plate } from "../views/text.js";

export const title = "Losses";

const SMOOTH = 0.9; // weight of the past in the path's average
const ROOM = 0.15; // of the extent, left free around a path each time its axis widens
const SHIFT = Math.PI / 2; // W₁ over sliced W₁, of a shift in the plane

const box = (words, legend) =>
  `<figure class="chart"><figcaption><h3>${words}</h3>${legend.map(([mark, text]) => `<span class="legend ${mark}">${text}</span>`).join("")}</figcaption><div class="plot"></div></figure>`;

/** Ends of an axis that hold a path and where it should settle; they never come closer again, else growth could not be seen. */
function widened(ends, values, rest) {
  const all = [...values, ...(rest == null ? [] : [rest])].filter(Number.isFinite);
  if (!all.length) return ends;
  let [lo, hi] = [Math.min(...all), Math.max(...all)];
  if (ends && lo >= ends[0] && hi <= ends[1]) return ends;
  if (ends) [lo, hi] = [Math.min(lo, ends[0]), Math.max(hi, ends[1])];
  const room = ROOM * Math.max(hi - lo, 1e-3);
  return [lo - room, hi + room];
}

export function create(container, { family, metrics, commands }) {
  container.innerHTML = `<div class="pair">${box("G against D", [])}${box("Loss", [["line model", "G"], ["line data", "D"], ["dash", "equilibrium"]])}</div>
    <div class="pair critic">${box("− critic loss", [["line data", "in units of the data"]])}${box("", [["line model", ""]])}</div>
    <p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const [plane, main, gap, distance] = container.querySelectorAll(".plot");
  const chart = (plot, label, height) => createChart(plot, { label, height, onPick: commands.scrub });
  const loss = chart(main, "Loss of G and D against the step");
  const critic = chart(gap, "Minus the critic's loss against the step", 110);
  const exact = chart(distance, "Sliced Wasserstein distance against the step", 110);
  const surface = createSurface(plane, draw, { label: "Loss of G against loss of D over the run" });
  let ends = { d: null, g: null }; // of both axes
  let about = null;
  let path = { steps: [], d: [], g: [] };
  let run = "";

  /** Both losses at the same steps, averaged. */
  function follow(seen) {
    const g = new Map(seen.series("g_loss").main);
    const rows = seen.series("d_loss").main.filter(([s]) => g.has(s));
    return {
      steps: rows.map(([s]) => s),
      d: average(rows.map(([, v]) => v), SMOOTH),
      g: average(rows.map(([s]) => g.get(s)), SMOOTH),
    };
  }

  function take(seen, key) {
    if (key !== run) ends = { d: null, g: null };
    run = key;
    path = follow(seen);
    for (const k of ["d", "g"]) ends[k] = widened(ends[k], path[k], seen.floor(`${k}_loss`));
  }

  function draw(ctx, width, height, colors) {
    if (!about) return;
    const plot = planeOf(width, height, ends.d ?? [0, 1], ends.g ?? [0, 1]);
    const unit = unitOf(about.config.objective);
    drawAxes(ctx, plot, { xName: `loss of D${unit}`, yName: `loss of G${unit}` }, colors);
    const [d, g] = [about.seen.floor("d_loss"), about.seen.floor("g_loss")];
    dashedAt(ctx, plot, { x: d }, colors);
    dashedAt(ctx, plot, { y: g }, colors);
    const last = indexAt(path.steps, about.step);
    const all = path.steps.map((_, i) => [plot.X(path.d[i]), plot.Y(path.g[i])]);
    const places = all.slice(0, last + 1);
    fadingPath(ctx, all.slice(Math.max(last, 0)), colors.accent, { faintest: 0.12, strongest: 0.12 });
    fadingPath(ctx, places, colors.accent, { faintest: 0.25 });
    if (d != null) nameOfRest(ctx, plot, d, g, colors);
    if (places.length) dot(ctx, ...places.at(-1), colors);
  }

  /** The name of the place where both settle, beside it. */
  function nameOfRest(ctx, { X, Y, right, top }, d, g, colors) {
    const words = g == null ? named(d) : `${named(d)}, ${named(g)}`;
    const left = X(d) + 90 > right;
    plate(ctx, words, X(d) + (left ? -6 : 6), g == null ? top + 8 : Y(g) - 10, { colors, align: left ? "right" : "left" });
  }

  /** The state of the two losses at the step in one computed sentence. */
  function state() {
    const i = indexAt(path.steps, about.step);
    if (i < 0) return "Nothing measured yet: train first.";
    const rest = equilibria(about.seen).map((l) => l.label);
    const at = `Step ${int(about.step)}: D ${fmt(path.d[i], 3)}, G ${fmt(path.g[i], 3)} (averages of the last rows, batch ${int(about.config.batch)}, seed ${about.config.seed}).`;
    return rest.length ? `${at} Equilibrium: ${rest.join(", ")}.` : at;
  }

  function drawCritic(seen, common) {
    const on = family.critics.includes(about.config.objective);
    find(".critic").hidden = !on;
    if (!on) return;
    const turned = seen.series("d_loss").main.map(([s, v]) => [s, -v * (seen.floor("unit") ?? 1)]);
    critic.update({ ...common, series: [{ id: "gap", points: turned, color: "data", smooth: 0.8 }], lines: [{ y: 0 }] });
    const [name, times] = about.kind === "2d" ? ["sliced_w1", SHIFT] : ["pixel_sliced_w1", 1];
    const floor = seen.floor(name);
    container.querySelectorAll("h3")[3].textContent = `${times === 1 ? "" : "π/2 · "}${metrics[name].title}, n ${int(seen.floor("n") ?? metrics[name].n)}`;
    find(".critic .legend.model").textContent = times === 1 ? "a lower bound on W₁" : "W₁ itself for a mere shift";
    exact.update({ ...common, series: [{ id: "w1", points: seen.series(name).main.map(([s, v]) => [s, times * v]), color: "accent" }], lines: floor == null ? [] : [{ y: times * floor, label: REAL, band: seen.band(name)?.map((v) => times * v) }] });
  }

  return {
    update(next) {
      about = next;
      const { seen, step, total, config } = next;
      const key = [config.dataset, config.objective, config.seed, config.label_smoothing].join();
      take(seen, key);
      const common = { xMax: total, cursor: step, run: key };
      const lines = equilibria(seen);
      container.querySelectorAll("h3")[1].textContent = `Loss${unitOf(config.objective)}`;
      find(".legend.dash").hidden = !lines.length;
      loss.update({ ...common, lines, series: [{ id: "d", points: seen.series("d_loss").main, color: "data", smooth: 0.8 }, { id: "g", points: seen.series("g_loss").main, color: "accent", smooth: 0.8 }] });
      drawCritic(seen, common);
      find(".scene-words").replaceChildren(Object.assign(document.createElement("b"), { textContent: "How to read this loss. " }), `${family.objectives[config.objective].read} `, Object.assign(document.createElement("span"), { className: "calm", textContent: state() }));
      Object.assign(container.dataset, { points: path.steps.length, d: path.d.at(-1) ?? "", g: path.g.at(-1) ?? "" });
      surface.schedule();
    },
  };
}
