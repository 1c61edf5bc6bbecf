// The ladder at an equal budget: each kind of model sees the same number of tokens, from the same seed, and is measured on the same held-out
// text. Counting is the dashed lines. A press on a point reads what that model writes.
import { resolve } from "../../api.js";
import { fixed, int } from "../../format.js";
import { createChart, large } from "./chart.js";
import { NAMES, baselines, createText, defineScene, tell, unit } from "./kit.js";
import { RunSet, createRuns } from "./runs.js";

const MODELS = ["mlp", "rnn", "gru", "gpt2", "llama"];
const KEPT = ["dataset", "tokens", "vocab", "block_size", "limit", "batch", "seed"]; // alike for all of them
const BUDGETS = [50, 150, 400]; // steps
const HTML = `<div class="bar"><label>Steps each <select aria-label="Steps of each run">${BUDGETS.map((n, i) => `<option value="${n}"${i === 1 ? " selected" : ""}>${n}</option>`).join("")}</select></label><button type="button" class="button small strong press"></button><span class="said"></span></div>
  <div class="seq-parts ladder-parts"><section><div class="plot"></div></section><section class="side"><table></table><h3></h3><div class="text"></div></section></div>`;

function start({ container, find, say }, { session, store, family }) {
  const chart = createChart(find(".plot"), "Nats per character against parameters", { onPick: pick });
  const text = createText(find(".text"), { label: "What the chosen model writes" });
  const runs = createRuns({ session, button: find(".press"), said: find(".said"), show, current, words: "models", seed: () => about.config.seed });
  const sizes = new Map(); // settings -> parameters, asked of the server
  let about = null;
  let picked = "";

  const steps = () => +find("select").value;

  function current() {
    const kept = Object.fromEntries(KEPT.map((name) => [name, about.config[name]]));
    return new RunSet(new Map(MODELS.map((model) => [model, { ...kept, model, steps: steps() }])));
  }

  /** Parameters of a run, from the server's own count. */
  function parameters(settings) {
    const key = JSON.stringify(settings);
    if (!sizes.has(key)) {
      sizes.set(key, null);
      resolve(family.key, settings).then(({ cost }) => (sizes.set(key, cost.parameters), show()), () => {});
    }
    return sizes.get(key);
  }

  function pick(key) {
    picked = key;
    show();
  }

  /** The run on the stage, as one more point; not one whose loss is worth nothing, or that has no parameters. */
  function own() {
    const nats = store.value("val_nats_per_char");
    const size = parameters(about.config);
    return nats == null || !size || about.config.model === "ngram" || !about.config.causal ? null : { x: size, y: nats, color: "accent", label: `this run, ${int(store.step)} steps, seed ${int(about.config.seed)}`, key: "own", strong: picked === "own" };
  }

  function points(set) {
    const found = set.seeds.map((model) => ({ model, m: set.at(model)?.values, size: parameters(set.settings.get(model)) })).filter(({ m, size }) => m && size);
    return found.map(({ model, m, size }) => ({ x: size, y: m.val_nats_per_char, color: "accent", hollow: true, label: NAMES[model], key: model, strong: picked === model }));
  }

  function show() {
    if (!about) return;
    const set = runs.label();
    const mine = own();
    const all = [...points(set), ...(mine ? [mine] : [])];
    const lines = baselines(about.backdrop).filter(({ name }) => name !== "gzip");
    const shape = { xName: "parameters, log", yName: `nats per character, held out; each ring ${int(steps())} steps, seed ${int(about.config.seed)}`, xLog: true };
    chart.update({ ...shape, points: all, levels: lines.map(({ name, value }) => ({ y: value, label: `${name} ${fixed(value, 2)}` })), ...(all.length ? {} : { xs: [1e4, 1e6] }) });
    table(set);
    sample(set);
    find("select").disabled = Boolean(runs.going);
    say(runs.refused || sentence(set), runs.refused);
    tell(container, { state: runs.busy ? "busy" : "idle", done: set.done.length, points: JSON.stringify(all.map((p) => [p.key, p.x, p.y])), picked });
  }

  function table(set) {
    const row = (model) => {
      const m = set.at(model)?.values;
      const size = parameters(set.settings.get(model));
      const value = set.at(model)?.lost ? "lost" : m ? fixed(m.val_nats_per_char, 3) : runs.busy && set.missing[0] === model ? "…" : "—";
      return `<tr data-model="${model}" tabindex="0"${picked === model ? ' class="own"' : ""}><td>${NAMES[model]}</td><td>${size ? large(size) : "—"}</td><td>${value}</td></tr>`;
    };
    const html = `<thead><tr><th>model</th><th>parameters</th><th>nats per character</th></tr></thead><tbody>${set.seeds.map(row).join("")}</tbody>`;
    if (find("table").dataset.html === html) return;
    find("table").innerHTML = html;
    find("table").dataset.html = html;
  }

  function sample(set) {
    const frame = picked === "own" ? store.frameAt(store.step) : set.at(picked)?.frame;
    const view = frame?.views.find((v) => v.panel === "stage" && v.type === "tokens") ?? null;
    text.update(view, { tint: "surprise" });
    const model = picked === "own" ? `this run (${NAMES[about.config.model]})` : NAMES[picked];
    find("h3").innerHTML = view ? `${model} writes <small>temperature 0.8, tint = surprise, step ${int(frame.step)}</small>` : set.done.length ? "Press a point or a row to read what it writes" : "";
  }

  function sentence(set) {
    const known = set.done.filter((r) => r.values).map((r) => ({ model: r.seed, nats: r.values.val_nats_per_char }));
    const { batch, block_size: block, seed } = about.config;
    const tokens = batch * block * steps();
    const budget = `${int(steps())} steps of ${batch} × ${block} = ${int(tokens)} tokens each, seed ${int(seed)}, recommended rate for each`;
    if (!known.length) return `A press trains five kinds of model on the same text with the same budget: ${budget}. The dashed lines are counts of the whole text.`;
    const best = known.reduce((a, b) => (b.nats < a.nats ? b : a));
    const worst = known.reduce((a, b) => (b.nats > a.nats ? b : a));
    const lines = baselines(about.backdrop).filter(({ name }) => name !== "gzip");
    const under = lines.filter(({ value }) => best.nats < value).at(-1);
    const counts = !lines.length ? "" : under ? `, below the ${under.name}` : ", above all counts";
    const apart = known.length > 1 ? ` and ${fixed(worst.nats - best.nats, 2)} below the ${NAMES[worst.model]}` : "";
    return `With ${budget}, ${NAMES[best.model]} is best at ${fixed(best.nats, 2)} nats per character${counts}${apart}. One seed: a few hundredths may be chance, and a longer budget may change the order. Per ${unit(about.config)}, each held-out window is read from its beginning.`;
  }

  find("select").addEventListener("change", () => (show(), runs.foresee()));
  const choose = (event) => {
    const row = event.target.closest("tr[data-model]");
    if (row && (event.type === "click" || event.key === "Enter")) pick(row.dataset.model);
  };
  find("table").addEventListener("click", choose);
  find("table").addEventListener("keydown", choose);

  return {
    update(next) {
      about = next;
      show();
      if (!next.running) runs.foresee();
    },
  };
}

export const { title, kinds, create } = defineScene({ title: "Ladder at equal budget", kinds: ["text"], html: HTML, start, needsRun: false });
