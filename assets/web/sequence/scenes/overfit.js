// Learning by heart: the gap between the loss on what was trained on and on what is held out, and copies of the training text in what it writes.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { average } from "../../views/curve.js";
import { createChart } from "./chart.js";
import { createText, defineScene, followed, tell } from "./kit.js";

const CALM = 0.5; // of the exponential average over the training loss
const HTML = `<div class="bar"><label>Copies of at least <select aria-label="Shortest copy in characters"><option>10</option><option selected>20</option><option>40</option></select> characters</label><button type="button" class="button small again">New seed</button>
    <button type="button" class="button small strong preset">Overfit it: 2,000 characters</button><span class="said"></span></div>
  <div class="seq-parts overfit-parts"><section><h3>Loss, nats per character <small>gap shaded</small></h3><div class="plot"></div></section><section><h3>What it writes <small>copies underlined</small></h3><div class="text big"></div></section></div>`;

function start({ container, find, say }, { session, store, commands }) {
  const chart = createChart(find(".plot"), "Training and held-out loss over the run");
  const text = createText(find(".text"), { label: "What it writes; copies of the training text are underlined" });
  const asking = createAsking({ session, store }, "memorised", { show, stale: 3000 });
  let about = null;
  let seed = 0;

  const ask = () => ready(store) && asking.ask({ least: +find("select").value, length: 300, seed, temperature: 0.8 });

  /** Both losses over the run: [steps, nats], the training loss averaged and read at the steps of the other. */
  function losses() {
    const val = store.series("val_nats_per_char").main;
    const raw = store.series("nats_per_char").main;
    const calm = average(raw.map(([, v]) => v), CALM);
    const at = (step) => calm[raw.findLastIndex(([s]) => s <= step)] ?? NaN;
    const x = val.map(([s]) => s);
    return { x, val: val.map(([, v]) => v), train: x.map(at) };
  }

  function show() {
    if (!about) return;
    const { x, val, train } = losses();
    const known = x.map((_, i) => i).filter((i) => Number.isFinite(train[i]));
    const pick = (values) => known.map((i) => values[i]);
    chart.update(known.length > 1 ? { xName: "step", yName: "", gap: [0, 2], xs: [0, x.at(-1)], lines: [{ x: pick(x), y: pick(train), color: "ink2", dash: [4, 3], width: 1.5, label: "training, averaged" }, { x: pick(x), y: pick(val), color: "accent", label: "held out" }, { x: pick(x), y: pick(x.map((_, i) => Math.max(val[i], train[i]))), color: "accent", width: 0 }] } : null);
    text.update(view(asking.frame, "text"));
    const m = asking.frame?.metrics;
    find(".said").textContent = m ? `300 tokens, temperature 0.8, seed ${asking.values.seed}` : "";
    const gap = known.length ? val[known.at(-1)] - train[known.at(-1)] : null;
    say(asking.refused || sentence(m, { x: pick(x), val: pick(val) }, gap), asking.refused);
    tell(container, { copied: m?.copied, longest: m?.["longest copy [characters]"], gap, least: asking.values?.least });
  }

  function sentence(m, { x, val }, gap) {
    if (!m || gap == null) return "Looking its text up in the text trained on.";
    const least = Math.min(...val);
    const turn = val.at(-1) - least > 0.02 ? `the held-out loss was lowest at step ${int(x[val.indexOf(least)])} (${fixed(least, 2)}) and has risen by ${fixed(val.at(-1) - least, 2)} since` : "the held-out loss has not risen";
    const copies = m.copied > 0 ? `${percent(m.copied, 0)} of its text lies in copies of at least ${asking.values.least} characters, the longest ${int(m["longest copy [characters]"])}` : `no copy of ${asking.values.least} characters; the longest has ${int(m["longest copy [characters]"])}`;
    const trained = about.config.limit ? `${int(about.config.limit)} characters` : "the whole text";
    return `${elsewhere(store, asking.frame)}Trained on ${trained}: held-out text costs ${fixed(Math.abs(gap), 2)} nats per character ${gap < 0 ? "less" : "more"} than training text, and ${turn}. ${copies[0].toUpperCase()}${copies.slice(1)}. Step ${int(asking.frame.step)}, n 1 text, seeds ${int(about.config.seed)} and ${asking.values.seed}.`;
  }

  find("select").addEventListener("change", ask);
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), ask()));
  find(".preset").addEventListener("click", () => commands.preset("overfit"));

  return followed(asking, { keep: (next) => (about = next), ask, show });
}

export const { title, kinds, create } = defineScene({
  title: "Learning by heart",
  kinds: ["text"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and what it has learned by heart is underlined. The preset “Overfit it” has only 2,000 characters to learn.",
});
