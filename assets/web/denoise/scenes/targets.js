// What the network predicts, at equal budget: whole runs that differ in nothing but the target and the seed, at three lengths each.
import { bandOf } from "../../store.js";
import { duration, fixed, int, short } from "../../format.js";
import { SeedSet, trainSet } from "../../seedset.js";
import { paired } from "../../seedwords.js";
import { createPlot } from "../plot.js";
import { layOut } from "./frame.js";

export const title = "What the network predicts";

const TARGETS = { eps: ["ε, the noise", [1, 3]], x0: ["x₀, the example", [6, 3]], v: ["v", [6, 2, 1, 2]], flow: ["flow velocity", []] };
const SEEDS = { "2d": 6, image: 3 }; // six are the fewest that a paired test can tell apart; image runs are dear
const LENGTHS = [9, 3, 1]; // parts of the longest run
const SHARES = [1, 2, 4, 10]; // of the run's own steps
const LEAST = 30; // steps
const METRIC = { "2d": "sliced_w1", image: "pixel_sliced_w1" };

/** Whole runs, named "flow/3/8": target, part of the length, seed. They stand where a set of seeds has its seeds. */
class TargetSet extends SeedSet {
  constructor(config, steps, count) {
    super(config, 0);
    const { objective: _, seed, ...rest } = config;
    Object.assign(this, { rest, steps, count, base: seed });
    this.own = Array.from({ length: count }, (_, i) => (seed + i) % 10_000);
    this.seeds = LENGTHS.flatMap((part) => Object.keys(TARGETS).flatMap((target) => this.own.map((s) => `${target}/${part}/${s}`)));
  }

  /** Of a target at full length, the metric by seed; null where there is none. */
  bySeed(target, metric) {
    return this.own.map((s) => this.results.get(`${target}/1/${s}`)?.values?.[metric] ?? null);
  }

  at(name) {
    const [objective, part, seed] = name.split("/");
    return { ...this.rest, objective, seed: +seed, steps: Math.max(LEAST, Math.round(this.steps / part)) };
  }

  get key() {
    return JSON.stringify([this.rest, this.steps, this.base]);
  }

  /** The first question says how long the shortest run takes; steps tell the rest. */
  take(name, answer) {
    const { rows, seconds, lost, floors } = answer;
    this.floors = floors;
    const steps = this.at(name).steps;
    this.pace ??= seconds / steps;
    if (rows.length || lost) this.results.set(name, { values: rows.at(-1)?.m ?? null, lost, seconds, steps });
    if (this.seconds == null) this.seconds = seconds;
  }

  /** CPU seconds for all that is missing. */
  get left() {
    return this.pace == null ? null : this.missing.reduce((sum, name) => sum + this.at(name).steps * this.pace, 0);
  }

  /** Of a target, a place per length: its seeds' distances, their mean, and the mean CPU time. */
  rows(target, metric) {
    return LENGTHS.map((part) => {
      const runs = this.seeds.filter((name) => name.startsWith(`${target}/${part}/`) && this.results.get(name)?.values?.[metric] != null).map((name) => this.results.get(name));
      const values = runs.map((r) => r.values[metric]);
      const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
      return { part, steps: runs[0]?.steps, values, mean: mean(values), seconds: mean(runs.map((r) => r.seconds)) };
    }).filter((r) => r.values.length);
  }
}

export function create(container, tools) {
  const { session, metrics } = tools;
  const find = layOut(container, {
    bar: `<label>Steps of the longest <select aria-label="Steps of the longest run"></select></label><button type="button" class="button small strong press"></button>`,
    body: `<div class="parts target-parts"><section><h3></h3><div class="plot"></div></section><section><table></table></section></div><output class="spoken" aria-live="polite"></output>`,
  });
  const plot = createPlot(find(".plot"), "Distance from the data against training time, a line per target");
  const sets = new Map();
  let about = null;
  let going = null; // {set, control}
  let refused = "";
  let foreseen = "";
  let looking = null; // AbortController of the question how long it takes

  const metric = () => METRIC[about.kind];
  const settings = () => ({ ...about.config });

  function current() {
    const set = new TargetSet(settings(), +find("select").value, SEEDS[about.kind]);
    if (!sets.has(set.key)) sets.set(set.key, set);
    return sets.get(set.key);
  }

  const ask = (set) => ({ seed: name }, options) => session.exact(set.at(name), options);

  async function press() {
    if (going) return going.control.abort();
    const set = current();
    if (!set.missing.length) return undefined;
    looking?.abort(); // the server makes one whole run at a time
    [refused, going] = ["", { set, control: new AbortController() }];
    show();
    try {
      await trainSet(set, { ask: ask(set), signal: going.control.signal, changed: show });
    } catch (error) {
      if (error.name !== "AbortError") refused = error.name === "TypeError" ? "The server cannot be reached just now; what there is stays." : error.message;
    }
    going = null;
    show();
    find(".spoken").textContent = find(".scene-words").textContent;
    return undefined;
  }

  /** How long it takes, before anybody presses. */
  function foresee() {
    const set = current();
    if (set.pace != null || foreseen === set.key || going || about.running || !about.started) return;
    foreseen = set.key;
    looking?.abort();
    looking = new AbortController();
    const first = set.missing[0];
    const failed = (error) => error.name !== "AbortError" && (refused = error.message);
    session.exact(set.at(first), { foresee: true, signal: looking.signal }).then((answer) => set.take(first, answer), failed).then(show);
  }

  function lengths() {
    const choices = [...new Set(SHARES.map((s) => Math.max(LEAST * 9, Math.round(about.config.steps / s))))];
    const select = find("select");
    if (select.dataset.key === choices.join()) return;
    select.dataset.key = choices.join();
    select.innerHTML = choices.map((n) => `<option value="${n}">${int(n)}</option>`).join("");
    select.value = choices[Math.min(1, choices.length - 1)];
  }

  function show() {
    if (!about) return;
    lengths();
    const set = current();
    const info = metrics[metric()];
    const rows = new Map(Object.keys(TARGETS).map((key) => [key, set.rows(key, metric())]));
    const own = about.config.objective;
    const lines = [...rows].filter(([, r]) => r.length).map(([key, r]) => ({
      name: TARGETS[key][0], x: r.map((p) => p.seconds), y: r.map((p) => p.mean), spread: r.map((p) => [p.seconds, Math.min(...p.values), Math.max(...p.values)]),
      color: key === own ? "accent" : "ink2", dash: TARGETS[key][1], width: key === own ? 2.5 : 1.5, dots: true,
    }));
    const floor = set.floors[metric()];
    plot.update({ lines, x: { name: "training, seconds of one core, log", log: true }, y: { name: `${info.title.toLowerCase()}, log`, log: true }, floors: floor ? [{ y: floor, label: "real data", band: bandOf(set.floors, metric()) }] : [], room: 110 });
    find("h3").innerHTML = `${info.title} against training time <small>mean of ${set.count} seeds; bars from the lowest to the highest</small>`;
    table(rows, own);
    controls(set);
    find(".scene-words").textContent = sentence(set, rows, floor);
    container.classList.toggle("nothing", !about.started);
    Object.assign(container.dataset, { done: set.done.length, of: set.seeds.length, state: going ? "busy" : "idle", means: JSON.stringify([...rows].map(([key, r]) => [key, r.at(-1)?.mean ?? null, r.at(-1)?.values.length ?? 0])) });
  }

  function table(rows, own) {
    const parts = LENGTHS.map((p) => current().at(`flow/${p}/0`).steps);
    const cell = (r, part) => ((p) => `<td>${p ? fixed(p.mean, 3) : "—"}</td>`)(r.find((p) => p.part === part));
    const html = `<thead><tr><th>predicts</th>${parts.map((s) => `<th>${int(s)} steps</th>`).join("")}</tr></thead><tbody>${[...rows].map(([key, r]) => `<tr class="${key === own ? "own" : ""}" data-target="${key}"><td>${TARGETS[key][0]}</td>${LENGTHS.map((p) => cell(r, p)).join("")}</tr>`).join("")}</tbody>`;
    if (find("table").dataset.html !== html) (find("table").innerHTML = html), (find("table").dataset.html = html);
  }

  function controls(set) {
    const button = find(".press");
    button.textContent = going ? "Stop" : set.done.length && set.missing.length ? `Train ${set.missing.length} more` : `Train ${set.seeds.length} runs`;
    button.disabled = !going && (!about.started || !set.missing.length);
    button.title = going ? "Stop after what there is" : "Whole runs with the settings on the stage; only target, seed and length differ";
    find("select").disabled = Boolean(going);
    const left = set.left == null ? "" : `about ${duration(set.left)} of one core`;
    find(".said").textContent = going && going.set !== set ? "another set is under way" : going ? `${set.done.length} of ${set.seeds.length}${left ? ` · ${left} left` : ""}` : set.missing.length ? left : `${set.seeds.length} runs trained`;
  }

  function sentence(set, rows, floor) {
    if (!about.started) return "Nothing trained yet. Train once, and the same settings can be trained here with each target.";
    if (refused) return refused;
    const whole = [...rows].filter(([, r]) => r.at(-1)?.part === 1 && r.at(-1).values.length === set.count);
    const ends = whole.map(([key, r]) => ({ key, ...r.at(-1) })).sort((x, y) => x.mean - y.mean);
    const seeds = `seeds ${int(set.own[0])} to ${int(set.own.at(-1))}`;
    if (ends.length < 4) return `A press trains each of the four targets from ${set.count} seeds (${set.own[0]} to ${set.own.at(-1)}) at three lengths, each run whole, its learning rate brought down at its own end. Everything but the target is as on the stage.`;
    const [best, second, , last] = ends;
    const apart = `against ${TARGETS[second.key][0]}, seed by seed: ${paired(set.bySeed(second.key, metric()), set.bySeed(best.key, metric())).words}`;
    return `After ${int(best.steps)} steps ${TARGETS[best.key][0]} is nearest to the data (${fixed(best.mean, 3)}, floor ${fixed(floor, 3)}); ${apart}. Furthest is ${TARGETS[last.key][0]}, ${short(+(last.mean / best.mean).toPrecision(2))} times as far. Weighting “${about.config.weighting}” and rate are this run's and may suit one target better. n ${int(about.set.kind === "image" ? (tools.store.floor("n") ?? 200) : metrics.sliced_w1.n)}, ${seeds}.`;
  }

  find(".press").addEventListener("click", press);
  find("select").addEventListener("change", () => ((refused = ""), show(), foresee()));
  addEventListener("pagehide", () => going?.control.abort());
  return {
    update(next) {
      about = next;
      show();
      foresee();
    },
  };
}
