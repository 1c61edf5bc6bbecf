// What β buys, and what more latents buy: whole runs with the settings of this one, the same seed, one knob moved from run to run. β trades
// KL against reconstruction; this run moves through that plane while it trains.
import { fixed, duration, int, short } from "../../format.js";
import { createSurface } from "../../surface.js";
import { trainSet } from "../../seedset.js";
import { newest, view } from "../../ask/question.js";
import { drawLatents, drawPlane } from "./sweepplots.js";
import { KNOBS, SweepSet } from "./sweepset.js";
import { caveat } from "./reals.js";

export const title = "β sweep";

const SHARES = [1, 2, 4, 10]; // of the run's steps that a run of the sweep may have
const LEAST = 20; // steps
const BELOW = 0.1; // nats under the line that count
const MODES = { beta: "β against its price", latent: "Number of latents" };

export function create(container, { session, store, redraw }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar">${Object.entries(MODES).map(([key, words]) => `<button type="button" class="button small" data-mode="${key}" aria-pressed="${key === "beta"}">${words}</button>`).join("")}
    <label>Steps each <select aria-label="Steps of each run"></select></label><button type="button" class="button small strong press"></button><span class="said"></span></div>
    <div class="sweep-parts"><section><h3></h3><div class="plot"></div></section><section class="side"><table></table></section></div><p class="scene-words"></p><output class="spoken" aria-live="polite"></output>`;
  const find = (selector) => container.querySelector(selector);
  const plot = createSurface(find(".plot"), draw, { label: "Reconstruction against KL" });
  const sets = new Map(); // key -> SweepSet: what was trained stays as long as the page
  let about = null;
  let mode = "beta";
  let steps = 0;
  let going = null; // {set, control} under way
  let refused = "";
  let foreseen = ""; // key of the set whose time was asked for
  let before = Promise.resolve(); // settled when no such question is under way

  /** The set of the settings on the stage. */
  function current() {
    const set = new SweepSet(about.config, mode, steps || about.config.steps);
    if (!sets.has(set.key)) sets.set(set.key, set);
    return sets.get(set.key);
  }

  const offered = () => KNOBS[mode].objectives.includes(about.config.objective);

  async function press() {
    if (going) return going.control.abort();
    const set = current();
    if (!set.missing.length || !offered()) return undefined;
    refused = "";
    going = { set, control: new AbortController() };
    show();
    // a set of seeds puts its seed into the settings; here that is the value of the knob
    const ask = ({ seed: value }, options) => session.exact(set.at(value), options);
    await before;
    try {
      await trainSet(set, { ask, signal: going.control.signal, changed: show });
    } catch (error) {
      if (error.name !== "AbortError") refused = error.name === "TypeError" ? "The server cannot be reached just now; what there is stays." : error.message;
    }
    going = null;
    show();
    find(".spoken").textContent = sentence();
    redraw();
    return undefined;
  }

  /** How long the first of them takes, before anybody presses. */
  function foresee() {
    const set = current();
    if (set.seconds != null || foreseen === set.key || going || !offered() || about.running) return;
    foreseen = set.key;
    const value = set.seeds[0];
    const ask = () => session.exact(set.at(value), { foresee: true });
    const taken = (answer) => (set.take(value, answer), (refused = ""));
    const failed = (error) => (current() === set ? (refused = error.message) : null);
    before = before.then(ask).then(taken, failed).then(show); // one after the other: a second question takes the place of the first
  }

  // --- the run on the stage -----------------------------------------------------------------------------------------------------------
  /** Where this run was at each step, where it is now, and where its forks ended. */
  function path() {
    const [kl, recon] = ["test_kl", "test_recon"].map((name) => new Map(store.series(name).main));
    const points = [...kl].filter(([step]) => recon.has(step)).map(([step, v]) => ({ step, kl: v, recon: recon.get(step) }));
    const now = points.filter((p) => p.step <= store.step).at(-1) ?? null;
    const line = new Set(store.lineage());
    const others = [...store.branches.values()]
      .filter((b) => !line.has(b))
      .map((b) => ({ title: b.info.title, kl: b.value("test_kl", Infinity), recon: b.value("test_recon", Infinity), beta: b.info.config.beta }))
      .filter((b) => b.kl != null && b.recon != null);
    return { points, now, others };
  }

  function draw(ctx, width, height, colors) {
    if (!about) return;
    const set = current();
    if (mode === "beta") drawPlane(ctx, { width, height, colors }, { ...path(), beta: about.config.beta, runs: set.measured, key: set.key });
    else drawLatents(ctx, { width, height, colors }, { runs: set.measured, values: set.seeds, own: own() });
  }

  /** The run on the stage as a mark among the runs of the other sweep. */
  function own() {
    const [neg, iwae] = ["test_neg_elbo", "test_iwae"].map((name) => store.value(name));
    return neg == null ? null : { latent: about.config.latent, neg, iwae };
  }

  // --- words ------------------------------------------------------------------------------------------------------------------------
  const name = (value) => (mode === "beta" ? `β ${short(value)}` : `${value} latent${value === 1 ? "" : "s"}`);

  function said(set) {
    const [all, left] = [set.seeds.length, set.missing.length];
    const seed = `seed ${int(about.config.seed)}`;
    if (going && going.set !== set) return "another sweep is under way";
    if (going) return `${all - left} of ${all} · ${set.left == null ? "asking how long they take" : `about ${duration(set.left)} left`} · ${seed}`;
    if (!left) return `${all} of ${all} trained, ${seed}`;
    return `${set.seconds == null ? "" : `about ${duration(set.seconds * left)} on one core · `}${seed}`;
  }

  function sentence() {
    if (!about.started || !path().now) return "Nothing trained yet. Train, and the run draws its path through this plane.";
    if (!offered()) return mode === "beta" ? "β is a knob of the ELBO, of β-VAE, of warm-up and of free bits; the objective on the stage has none." : "This objective has no bound to compare latents by.";
    if (refused) return refused;
    const set = current();
    return (mode === "beta" ? planeWords(set) : latentWords(set)) + caveat(about.config, about.set);
  }

  /** How many test examples a metric at the end is the mean of. */
  const tested = () => (view(newest(store), "latent", "points")?.arrays.xy.length ?? 0) / 2;

  function planeWords(set) {
    const { now } = path();
    const { beta, seed } = about.config;
    const least = store.floor("test_recon");
    const copy = least ? ` (a perfect copy of grey pixels costs ${fixed(least, 1)} of them)` : "";
    const here = `At step ${int(now.step)} this run pays ${fixed(now.kl, 1)} nats of KL and ${fixed(now.recon, 1)} for reconstruction${copy}`;
    const line = `along the dashed line one nat of KL buys ${beta === 1 ? "one nat" : `${short(beta)} nats`} of reconstruction: β = ${short(beta)} asks for no worse a rate`;
    const runs = set.measured;
    if (!runs.length) return `${here}; ${line}. A press trains the same settings at ${set.seeds.length} values of β and traces the frontier.`;
    const score = (p) => p.recon + beta * p.kl;
    const best = runs.map(({ value, m }) => ({ value, gain: score(now) - score({ kl: m.test_kl, recon: m.test_recon }) })).sort((a, b) => b.gain - a.gain)[0];
    const under = best.gain > BELOW ? `the run at β ${short(best.value)} lies below it by ${fixed(best.gain, 1)}` : "no run of the sweep lies below it";
    return `${here}; ${line}, and ${under}. The sweep's runs have ${int(set.rest.steps)} steps; n ${int(tested())} test examples, seed ${int(seed)}.`;
  }

  function latentWords(set) {
    const runs = set.measured;
    if (!runs.length) return `A press trains the same settings with ${set.seeds.join(", ")} latents. −ELBO is what is minimised; IWAE-50 is nearer to −log p(x).`;
    const by = (metric) => runs.filter((r) => r.m[metric] != null).reduce((a, b) => (b.m[metric] < a.m[metric] ? b : a));
    const best = by("test_neg_elbo");
    const last = runs.at(-1);
    const worse = last.m.test_neg_elbo - best.m.test_neg_elbo;
    const used = last.m.active_units == null ? "" : `, of which ${int(last.m.active_units)} ${last.m.active_units === 1 ? "is" : "are"} in use,`;
    const more = last === best ? `${int(last.m.active_units)} of them are in use` : `the run with ${name(last.value)}${used} is ${fixed(worse, 1)} nats worse`;
    return `The lowest −ELBO, ${fixed(best.m.test_neg_elbo, 1)} nats, has ${name(best.value)}; ${more}. Runs of ${int(set.rest.steps)} steps, n ${int(tested())} test examples, one seed (${int(about.config.seed)}): a difference of a few tenths may be chance.`;
  }

  function table(set) {
    const columns = mode === "beta" ? [["KL", "test_kl", 2], ["reconstruction", "test_recon", 1], ["−ELBO", "test_neg_elbo", 1], ["sharp", "sharpness", 2], ["in use", "active_units", 0]] : [["−ELBO", "test_neg_elbo", 1], ["IWAE-50", "test_iwae", 1], ["KL", "test_kl", 2], ["sharp", "sharpness", 2], ["in use", "active_units", 0]];
    const known = new Map(set.measured.map((r) => [r.value, r.m]));
    const lost = new Set(set.done.filter((r) => r.lost).map((r) => r.seed));
    const next = going?.set === set ? set.missing[0] : null;
    const row = (value) => {
      const m = known.get(value);
      const cells = lost.has(value) ? `<td colspan="5">training was lost</td>` : columns.map(([, metric, decimals]) => `<td data-metric="${metric}" data-value="${m?.[metric] ?? ""}">${m ? fixed(m[metric] ?? null, decimals) : value === next ? "…" : "—"}</td>`).join("");
      return `<tr data-value="${value}"${value === about.config[mode] ? ' class="own"' : ""}><td>${name(value)}</td>${cells}</tr>`;
    };
    const html = `<thead><tr><th>${mode === "beta" ? "β" : "latents"}</th>${columns.map(([words]) => `<th>${words}</th>`).join("")}</tr></thead><tbody>${set.seeds.map(row).join("")}</tbody>`;
    if (find("table").dataset.html === html) return;
    find("table").innerHTML = html;
    find("table").dataset.html = html;
  }

  function lengths() {
    const own = about.config.steps;
    const choices = [...new Set(SHARES.map((s) => Math.max(LEAST, Math.round(own / s))))];
    const key = choices.join();
    if (find("select").dataset.key === key) return;
    find("select").dataset.key = key;
    find("select").innerHTML = choices.map((n) => `<option value="${n}">${int(n)}</option>`).join("");
    steps = choices[Math.min(1, choices.length - 1)];
    find("select").value = steps;
  }

  function show() {
    if (!about) return;
    lengths();
    const set = current();
    const busy = going?.set === set;
    const press = find(".press");
    press.textContent = going ? "Stop" : set.done.length && set.missing.length ? `Train ${set.missing.length} more` : `Train ${set.seeds.length} runs`;
    press.disabled = !going && (!offered() || !about.started || !set.missing.length);
    press.title = going ? "Stop after what there is" : "Whole runs with the settings on the stage; only this knob differs";
    find("select").disabled = Boolean(going);
    for (const button of container.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", button.dataset.mode === mode);
    find("section h3").innerHTML = mode === "beta" ? `Reconstruction against KL <small class="key"><span class="legend line model">this run</span> <span class="legend ringed">a run at each β</span> <span class="legend dash">slope −β</span></small>` : `Bounds by number of latents <small class="key"><span class="legend line model">−ELBO</span> <span class="legend dotted">IWAE-50</span></small>`;
    find(".said").textContent = said(set);
    find(".scene-words").textContent = sentence();
    container.classList.toggle("nothing", !about.started);
    table(set);
    Object.assign(container.dataset, { mode, state: busy ? "busy" : "idle", done: set.done.length, of: set.seeds.length, dots: JSON.stringify(set.measured.map((r) => [r.value, r.m.test_kl, r.m.test_recon])), steps: set.rest.steps });
    plot.schedule();
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-mode]")?.dataset.mode;
    if (!next) return;
    mode = next;
    refused = "";
    show();
    foresee();
  });
  find("select").addEventListener("change", () => {
    steps = +find("select").value;
    refused = "";
    show();
    foresee();
  });
  find(".press").addEventListener("click", press);
  addEventListener("pagehide", () => going?.control.abort());

  return {
    update(next) {
      about = next;
      show();
      if (next.started) foresee();
    },
  };
}
