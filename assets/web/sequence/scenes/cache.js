// The stopwatch: what each token costs with keys and values kept, and without; both write the same text. And drafts: a small model proposes,
// the large one checks several tokens in one pass.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createChart } from "./chart.js";
import { NAMES, createText, defineScene, tell } from "./kit.js";

const CONTEXTS = [64, 128, 256];
const DRAFTS = [1, 2, 4, 8];
const RECURRENT = ["rnn", "gru"];
const HTML = `<div class="seq-parts cache-parts"><section><div class="bar"><label>Context <select class="context" aria-label="Context in tokens">${CONTEXTS.map((n) => `<option${n === 128 ? " selected" : ""}>${n}</option>`).join("")}</select></label><button type="button" class="button small again">Measure again</button><span class="said"></span></div>
    <div class="plot"></div></section>
  <section class="drafts"><div class="bar"><h3>Speculative decoding</h3><label>drafted <select class="draft" aria-label="Tokens drafted at a time">${DRAFTS.map((n) => `<option${n === 4 ? " selected" : ""}>${n}</option>`).join("")}</select></label></div>
    <p class="figures"></p><div class="text"></div></section></div>`;

function start({ container, find, say }, { session, store }) {
  const chart = createChart(find(".plot"), "Milliseconds per token against position");
  const text = createText(find(".drafts .text"), { label: "Text written with drafts; marked tokens were drafted" });
  const watch = createAsking({ session, store }, "stopwatch", { show, lasting: () => true });
  const drafts = createAsking({ session, store }, "speculative", { show, stale: 4000 });
  let about = null;
  let wanted = false; // the measurement is asked for once the run rests

  const measure = () => ready(store) && watch.ask({ context: +find(".context").value, repeats: 3, seed: 0 });
  const draft = () => ready(store) && !RECURRENT.includes(about.config.model) && drafts.ask({ draft: +find(".draft").value, length: 160, seed: 0, temperature: 0.8 });

  function show() {
    if (!about) return;
    const lines = watch.frame?.views.filter((v) => v.panel === "time") ?? [];
    chart.update(lines.length ? { xName: "position", yName: "ms per token", right: 20, lines: lines.map((v) => ({ ...v.arrays, color: v.name === "without" ? "data" : "accent", label: v.name, width: v.name === "without" ? 1.5 : 2 })), ys: [0, ceiling(lines)] } : null);
    find(".said").textContent = watch.frame ? `${view(watch.frame, "machine").pieces.join("")}; shortest of 3` : "";
    drafted();
    say(watch.refused || sentence(), watch.refused);
    const m = watch.frame?.metrics;
    tell(container, { identical: m?.["identical tokens"], cached: m?.["with cache, all [ms]"], plain: m?.["without, all [ms]"], passes: drafts.frame?.metrics.passes, perpass: drafts.frame?.metrics["tokens per pass"] });
  }

  /** A single slow token does not set the scale. */
  function ceiling(lines) {
    const sorted = lines.flatMap((v) => [...v.arrays.y]).sort((a, b) => a - b);
    return 1.25 * sorted[Math.floor(0.99 * (sorted.length - 1))];
  }

  function drafted() {
    const shown = view(drafts.frame, "text");
    text.update(shown);
    const m = drafts.frame?.metrics;
    const none = RECURRENT.includes(about.config.model) ? `${NAMES[about.config.model]}: a state cannot take back what it has read, so drafts are not offered.` : drafts.refused;
    find(".figures").textContent = m ? `${fixed(m["tokens per pass"], 2)} tokens per pass of ${NAMES[about.config.model]}; of what a trigram drafted ${percent(m.accepted, 0)} was kept (marked). ${int(m.passes)} passes for 160 tokens, the same distribution as without drafts. n 1 text, seed 0.` : none;
  }

  function sentence() {
    const m = watch.frame?.metrics;
    if (!m) return about.running ? "Times are measured once the run rests." : "Writing the same text twice, with and without the cache, three times each.";
    const [cached, plain] = [m["with cache [ms]"], m["without [ms]"]];
    const ratio = plain / cached;
    const word = ratio > 1.05 ? `${fixed(ratio, 1)} times as long` : ratio < 0.95 ? `only ${fixed(ratio, 2)} of that: at this size the bookkeeping costs more than it saves` : "the same";
    const memory = m["cache [bytes]"] ? ` The price: ${int(m["cache [bytes]"] / 1000)} kB of keys and values.` : "";
    const all = `all ${int(m["identical tokens"])} tokens took ${int(m["with cache, all [ms]"])} ms and ${int(m["without, all [ms]"])} ms, and they are identical`;
    return `${elsewhere(store, watch.frame)}Near the end of a context of ${watch.values.context} a token takes ${fixed(cached, 2)} ms with the cache and ${fixed(plain, 2)} ms without, ${word}; ${all}.${memory} Measured on the server just now, n 1 text, seed 0.`;
  }

  find(".context").addEventListener("change", measure);
  find(".again").addEventListener("click", measure);
  find(".draft").addEventListener("change", draft);

  return {
    update(next) {
      about = next;
      if ([watch, drafts].map((a) => a.renew(next)).some(Boolean)) wanted = true;
      if (wanted && !next.running && ready(store)) [wanted] = [false, measure(), draft()];
      else if (!next.running) drafts.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Cache and drafts",
  kinds: ["text"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and the stopwatch says what the cache saves.",
});
