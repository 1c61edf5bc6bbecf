// Many seeds: one press trains the settings on screen from up to 32 other beginnings, so that no claim rests on one lucky run. The set
// before stays below as a ghost.
import { Range } from "../axes.js";
import { createDotRow } from "../dotrow.js";
import { int } from "../format.js";
import { bandText, ceiling, written } from "../readings.js";
import { createThumbs } from "../seedthumbs.js";
import { SeedSet, seedsAfter, trainSet } from "../seedset.js";
import { briefly, changes, comparison, covering, finding, meanText, measured, progress, runText, seedRange } from "../seedwords.js";
import { bandOf } from "../store.js";

export const title = "32 seeds";

const COUNTS = [8, 16, 32];

export function create(container, { session, family, tab, metrics, commands, knobs }) {
  container.dataset.mark = tab.mark;
  container.innerHTML = `<div class="row"><button type="button" class="button small strong press"></button>
    <select aria-label="Number of seeds">${COUNTS.map((n) => `<option${n === 32 ? " selected" : ""}>${n}</option>`).join("")}</select><p class="progress"></p></div>
    <p class="scene-words"></p><div class="dot-rows"></div><p class="key"></p><div class="thumbs"></div><output class="spoken" aria-live="polite"></output>`;
  const find = (selector) => container.querySelector(selector);
  const thumbs = createThumbs(find(".thumbs"), { onHover: hold, onPick: pick });
  let about = null;
  let current = null; // the newest set
  let ghost = null; // the one before, with other settings
  let going = null; // AbortController of the set under way
  let refused = "";
  let held = null; // seed pointed at
  let rows = new Map(); // metric -> {element, dots, range}
  let shape = "";

  // --- pressing -------------------------------------------------------------------------------------------------------------------
  const count = () => +find("select").value;
  const settings = () => knobs.config();
  const here = (set) => (set && set.config.dataset === settings().dataset ? set : null);

  /** A seed of the set that was loaded as the visitor's own run does not move the set: the next one has the same seeds. */
  function base(config) {
    const set = here(current);
    return set?.seeds.includes(config.seed) || set?.config.seed === config.seed ? { ...config, seed: set.config.seed } : config;
  }

  /** The set that a press would train: what is left of the present one, or a new one. */
  function next() {
    const config = base(settings());
    const set = here(current);
    return set?.alike(config) && set.config.seed === config.seed ? set.resized(count()) : new SeedSet(config, count());
  }

  async function press() {
    if (going) return going.abort();
    const set = next();
    if (!set.missing.length) return undefined;
    if (!here(current)) ghost = null;
    else if (current.done.length && !current.alike(set.config)) ghost = current;
    current = set;
    refused = "";
    going = new AbortController();
    show();
    try {
      await trainSet(set, { ask: (config, options) => session.exact(config, options), signal: going.signal, changed: show });
    } catch (error) {
      if (error.name !== "AbortError") refused = error.name === "TypeError" ? "The server cannot be reached just now; what there is stays." : error.message;
    }
    going = null;
    show();
    find(".spoken").textContent = refused || (set.done.length ? finding(set, terms()) : "");
    return undefined;
  }

  function hold(seed, set = "now") {
    if (seed === held?.seed && set === held?.set) return;
    held = seed == null ? null : { seed, set };
    show();
  }

  /** One of the runs becomes the visitor's own, on the stage. */
  function pick(seed) {
    const set = here(current);
    if (!set?.results.has(seed)) return;
    commands.scene(null);
    commands.load({ ...set.config, seed });
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  const dataset = () => family.datasets[settings().dataset];
  const headline = () => family.headline[settings().dataset];
  const terms = () => ({ headline: headline(), metrics, dataset: dataset(), cover: covering(headline(), metrics, dataset()) });

  function show() {
    if (!about) return;
    layout();
    const set = here(current) ?? new SeedSet(settings(), count());
    const before = here(current) && here(ghost);
    const floors = set.done.length ? set.floors : (about.backdrop?.metrics ?? {});
    for (const [name, row] of rows) drawRow(name, row, set, before, floors);
    const wanted = next();
    const seeds = !going && wanted.alike(set.config) && wanted.seeds.length > set.seeds.length ? wanted.seeds : set.seeds;
    const marks = new Map(set.done.map((r) => [r.seed, { kind: kindOf(r), count: countOf(r), words: runText(r, terms()) }]));
    thumbs.update({ seeds, results: set.results, marks, backdrop: about.set.key === settings().dataset ? about.backdrop : null, held: held?.seed ?? null });
    words(set, before, wanted);
    Object.assign(container.dataset, { state: going ? "busy" : "idle", done: set.done.length, of: set.seeds.length, ghost: before?.done.length ?? 0 });
  }

  /** Rows for the metrics of this data set. Their axes only widen. */
  function layout() {
    const key = settings().dataset;
    if (key === shape) return;
    shape = key;
    for (const { dots } of rows.values()) dots.destroy();
    rows = new Map(headline().map((name) => [name, makeRow(metrics[name])]));
    find(".dot-rows").replaceChildren(...[...rows.values()].map((r) => r.element));
  }

  function makeRow(info) {
    const element = document.createElement("section");
    element.dataset.metric = info.name;
    element.title = info.about;
    element.innerHTML = `<h3>${info.title} <small></small><b></b></h3><div class="dots"></div>`;
    return { element, range: new Range(), dots: createDotRow(element.querySelector(".dots"), { label: info.title, mark: tab.mark, onHover: hold, onPick: pick }) };
  }

  function drawRow(name, { element, range, dots }, set, before, floors) {
    const info = metrics[name];
    const all = ceiling(info, dataset());
    const line = (info.decimals === 0 ? all : null) ?? floors[name] ?? all ?? info.target;
    const log = info.scale === "log";
    const bounded = info.decimals === 0 ? [0, all] : info.unit === "%" ? [0, 1] : null;
    const band = info.decimals === 0 ? null : bandOf(floors, name);
    range.include([...[set, before].flatMap((s) => s?.done.map((r) => r.values?.[name] ?? NaN) ?? []), ...(line ? [line] : []), ...(band ?? [])], log);
    const [lo, hi] = bounded ?? (range.lo < range.hi ? [range.lo, range.hi] : log ? [0.01, 1] : [0, 1]);
    const lane = (s) => {
      if (!s) return s;
      const mean = measured(s, info, dataset());
      const marks = s.done.map((r) => ({ seed: r.seed, value: r.values?.[name] ?? null, kind: kindOf(r, name) }));
      return { marks, ...mean, text: meanText(info, mean) };
    };
    const now = lane(set);
    element.querySelector("small").textContent = notes(info, { line, all, band });
    element.querySelector("b").textContent = set.done.length ? now.text : "";
    dots.update({ lo, hi, log, whole: info.decimals === 0, percent: info.scale === "percent", line, band, now, ghost: lane(before), held: held?.seed ?? null });
  }

  /** What the dashed line is. */
  function notes(info, { line, all, band }) {
    if (info.decimals === 0) return `of ${all}`;
    const unit = info.unit && info.unit !== "%" ? `${info.unit}, ` : "";
    if (line == null) return `${unit}${info.scale === "log" ? "log" : ""}`;
    if (band) return `${info.scale === "log" ? "log, " : unit}real data ${bandText(info, band)}`;
    const what = all != null ? "ceiling" : info.better === "none" ? "balance" : "floor";
    return `${info.scale === "log" ? "log, " : unit}${what} ${written(info, line)}${info.unit === "%" ? " %" : ""}`;
  }

  /** Full, or short of some modes; lost; without a value of this metric. */
  function kindOf(result, name) {
    const { cover } = terms();
    if (result.lost) return "lost";
    if (name && result.values[name] == null) return "undefined";
    return cover && result.values[cover.name] !== cover.all ? "part" : "full";
  }

  function countOf(result) {
    const { cover } = terms();
    return result.lost || !cover || kindOf(result) === "full" ? "" : int(result.values[cover.name]);
  }

  // --- words ----------------------------------------------------------------------------------------------------------------------
  function words(set, before, wanted) {
    const own = set.config.seed;
    button(wanted, set);
    find(".progress").textContent = going || set.done.length ? progress(set, { busy: Boolean(going), own }) : `seeds ${seedRange(seedsAfter(own, count()))}, after yours (${int(own)})`;
    find(".scene-words").replaceChildren(...sentences(set, before, wanted).flatMap((text, i) => (i ? [document.createElement("br"), text] : [text])));
    find(".scene-words").classList.toggle("field-error", Boolean(refused));
    find(".key").innerHTML = "";
    find(".key").append(...key(set, before));
  }

  function button(wanted, set) {
    const press = find(".press");
    const [left, kept] = [wanted.missing.length, wanted.done.length];
    press.textContent = going ? "Stop" : left && kept ? `Train ${left} more` : `Train ${count()} seeds`;
    press.setAttribute("aria-disabled", !going && !left);
    press.title = going ? "Stop after what there is" : left ? "Train these settings from other seeds" : "All of these are trained; change a setting or the number of seeds";
    find("select").disabled = Boolean(going);
    container.toggleAttribute("data-other", !going && set.done.length > 0 && !set.alike(base(settings())));
  }

  function sentences(set, before, wanted) {
    if (refused) return [refused];
    if (!set.done.length) return [`One run may be lucky. A press trains these settings from ${wanted.seeds.length} other seeds and shows every one of them.`];
    const found = finding(set, terms());
    if (before?.done.length) return [`${found.slice(0, -1)}; before: ${briefly(before, terms())}.`, `${changes(family.knobs, before.config, set.config)}. ${going ? "" : comparison(set, before, terms())}`];
    return [found, ...(going || wanted.alike(set.config) ? [] : ["Settings have changed since. Train again, and this set stays below as a ghost."])];
  }

  /** What the marks mean, or the run that is pointed at. */
  function key(set, before) {
    const source = held?.set === "ghost" ? before : set;
    const result = held && source?.results.get(held.seed);
    if (result) return [`${held.set === "ghost" ? "Before, s" : "S"}${runText(result, terms()).slice(1)}`];
    const { cover } = terms();
    const legend = (className, text) => Object.assign(document.createElement("span"), { className: `mark ${className}`, textContent: text });
    const lost = [set, before].some((s) => s?.done.some((r) => r.lost));
    return [
      legend("full", cover ? `all ${cover.all} ${cover.what}` : "one seed"),
      ...(cover ? [legend("fewer", "fewer")] : []),
      ...(lost ? [legend("lost", "lost")] : []),
      legend("mean", "mean, 95 % interval (Student, cut at its bounds)"),
      legend("best", "optimum, or real data with 90 % of their draws"),
      ...(before ? [legend("ghost", "before")] : []),
    ];
  }

  find(".press").addEventListener("click", press);
  find("select").addEventListener("change", show);
  addEventListener("pagehide", () => going?.abort());
  return {
    update(now) {
      about = now;
      show();
    },
  };
}
