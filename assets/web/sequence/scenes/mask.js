// The leak: without the causal mask each token sees the one it is to predict. The loss falls towards 0, and what is written is nonsense: read
// token by token, as it must be when it writes, the model knows nothing.
import { fixed, int } from "../../format.js";
import { createAsking, ready } from "../../ask/question.js";
import { createChart } from "./chart.js";
import { createText, defineScene, followed, needsTransformer, tell } from "./kit.js";

const SIDES = { true: "With the mask", false: "Without" };
const HTML = `<div class="bar"><button type="button" class="button small strong fork">Remove the mask here</button><button type="button" class="button small preset">Train without it from the start</button><span class="said"></span></div>
  <div class="seq-parts mask-parts"><section><h3>Loss of training, nats per character</h3><div class="plot"></div></section>
  ${Object.entries(SIDES).map(([key, words]) => `<section class="side" data-causal="${key}"><h3>${words} <small></small></h3><div class="text"></div><dl class="totals"></dl></section>`).join("")}</div>`;

function start({ container, find, say }, { session, store, commands }) {
  const chart = createChart(find(".plot"), "Loss of training with and without the mask");
  const texts = Object.fromEntries(Object.entries(SIDES).map(([key, words]) => [key, createText(find(`[data-causal=${key}] .text`), { label: `What is written ${words.toLowerCase()}` })]));
  const asking = createAsking({ session, store }, "leak", { show });
  const honest = new Map(); // branch -> what it is worth token by token, at which step
  const asker = new WeakMap(); // what was asked -> the branch it was asked of
  let about = null;

  /** The newest branch with the mask and the newest without. */
  function branches() {
    const all = [...store.branches.values()].filter((b) => b.info.step > 0);
    return { true: all.filter((b) => b.info.config.causal).at(-1) ?? null, false: all.filter((b) => !b.info.config.causal).at(-1) ?? null };
  }

  function lineOf(branch) {
    const points = branch.series("nats_per_char");
    return { x: points.map(([s]) => s), y: points.map(([, v]) => v) };
  }

  function show() {
    if (!about) return;
    if (asking.frame) honest.set(asker.get(asking.values), asking.frame);
    const found = branches();
    const lines = Object.entries(found).filter(([, b]) => b).map(([key, b]) => ({ ...lineOf(b), color: key === "true" ? "accent" : "ink", dash: key === "true" ? [] : [5, 3], label: SIDES[key].toLowerCase() }));
    chart.update(lines.some((l) => l.x.length > 1) ? { xName: "step", yName: "", lines, levels: [{ y: 0, label: "0: certain" }], ys: [-0.1, 0.1 + Math.max(...lines.flatMap((l) => l.y))] } : null);
    for (const [key, branch] of Object.entries(found)) side(key, branch);
    find(".fork").disabled = !about.config.causal || !about.started;
    find(".said").textContent = "temperature 0.8; a fork keeps your run beside it";
    say(asking.refused || sentence(found), asking.refused);
    const of = (key) => honest.get(found[key]?.info.id)?.metrics;
    tell(container, { masked: of("true")?.["token by token [nats]"], trained: of("false")?.["as trained [nats]"], worth: of("false")?.["token by token [nats]"] });
  }

  function side(key, branch) {
    const part = find(`[data-causal=${key}]`);
    const frame = branch?.frameAt(Infinity)?.frame ?? null;
    texts[key].update(frame?.views.find((v) => v.panel === "stage" && v.type === "tokens") ?? null);
    part.querySelector("small").textContent = branch ? `step ${int(frame?.step ?? branch.info.step)}` : "not trained here";
    const m = honest.get(branch?.info.id)?.metrics;
    part.querySelector("dl").innerHTML = m ? `<dt>all at once, as trained</dt><dd>${fixed(m["as trained [nats]"], 2)} nats</dd><dt>token by token</dt><dd>${fixed(m["token by token [nats]"], 2)} nats</dd>` : "";
  }

  function sentence(found) {
    const m = honest.get(found.false?.info.id)?.metrics;
    const w = honest.get(found.true?.info.id)?.metrics;
    const ends = "Held out, in nats per token";
    if (m) {
      const gap = m["token by token [nats]"] - m["as trained [nats]"];
      const beside = w ? ` With the mask both are ${fixed(w["token by token [nats]"], 2)}.` : "";
      return `Without the mask held-out text costs ${fixed(m["as trained [nats]"], 2)} nats per token as trained, but ${fixed(m["token by token [nats]"], 2)} token by token: ${gap > 0.3 ? `${fixed(gap, 2)} of it was read off the answer` : "it has not yet learned to read off the answer"}.${beside} Step ${int(honest.get(found.false.info.id).step)}, n ${int(m.n)} tokens, training seed ${int(found.false.info.config.seed)}.`;
    }
    if (!w) return "Reading held-out text token by token.";
    return `With the mask both ways of reading agree: ${fixed(w["as trained [nats]"], 2)} and ${fixed(w["token by token [nats]"], 2)}. ${ends}, n ${int(w.n)} tokens. Remove the mask, and the loss falls towards 0 while the text falls apart.`;
  }

  function ask() {
    if (!ready(store)) return;
    const values = { n: 16 };
    asker.set(values, store.header.active);
    asking.ask(values);
  }

  const fork = () => commands.fork({ causal: false }, null);
  find(".fork").addEventListener("click", fork);
  find(".preset").addEventListener("click", () => commands.preset("leak"));

  return followed(asking, { keep: (next) => (about = next), ask, show });
}

export const { title, kinds, create } = defineScene({
  title: "Remove the mask",
  kinds: ["text"],
  html: HTML,
  start,
  fits: needsTransformer,
  empty: "Nothing trained yet. Train with the mask first, then remove it and watch the loss.",
});
