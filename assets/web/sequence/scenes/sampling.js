// Temperature, top-k and top-p over a whole continuation, from the same random numbers; and what each temperature does to how varied and how
// likely the text is, beside what people wrote.
import { fixed, int, percent, short } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createChart } from "./chart.js";
import { createText, defineScene, tell } from "./kit.js";

const WAYS = [
  { key: "temperature", words: "Temperature", lo: 0, hi: 2, step: 0.05, value: 1, write: (v) => fixed(v, 2) },
  { key: "top_k", words: "Top-k", note: "temperature 1", lo: 1, hi: 40, step: 1, value: 5, write: int, name: "top-k" },
  { key: "top_p", words: "Top-p", note: "temperature 1", lo: 0.05, hi: 1, step: 0.05, value: 0.8, write: (v) => fixed(v, 2), name: "top-p" },
];
const column = ({ key, words, note = "", lo, hi, step, value }) => `<section data-way="${key}"><label class="slide"><span>${words} <output></output> <small>${note}</small></span><input type="range" min="${lo}" max="${hi}" step="${step}" value="${value}" aria-label="${words}"></label><div class="text big"></div><p class="figures"></p></section>`;
const HTML = `<div class="bar"><label>Prompt <input type="text" class="prompt" maxlength="200" placeholder="a new line" aria-label="Prompt"></label><button type="button" class="button small again">New seed</button><span class="said"></span></div>
  <div class="seq-parts sampling-parts">${WAYS.map(column).join("")}<section class="charts-2"><div class="plot different"></div><div class="plot likely"></div></section></div>`;

function start({ container, find, say }, { session, store }) {
  const texts = WAYS.map(({ key, words }) => createText(find(`[data-way=${key}] .text`), { label: `Text by ${words.toLowerCase()}` }));
  const charts = [createChart(find(".different"), "distinct-3 against temperature"), createChart(find(".likely"), "Nats per token against temperature")];
  const three = createAsking({ session, store }, "sampling", { show, pause: 150 });
  const sweep = createAsking({ session, store }, "temperatures", { show, stale: 4000 });
  let about = null;
  let seed = 0;
  let wanted = false; // all temperatures are asked for once the run rests

  const values = () => Object.fromEntries(WAYS.map(({ key }) => [key, +find(`[data-way=${key}] input`).value]));
  const prompt = () => find(".prompt").value || "\n";

  function ask(all = true) {
    if (!ready(store)) return;
    three.ask({ ...values(), seed, prompt: prompt() });
    if (all) sweep.ask({ seed, prompt: prompt() });
  }

  function show() {
    if (!about) return;
    const views = three.frame?.views.filter((v) => v.panel === "text") ?? [];
    const m = three.frame?.metrics;
    WAYS.forEach(({ key, write, name = key }, i) => {
      find(`[data-way=${key}] output`).textContent = write(values()[key]);
      texts[i].update(views[i] ?? null, { tint: "surprise" });
      find(`[data-way=${key}] .figures`).textContent = m ? `distinct-3 ${percent(m[`distinct-3/${name}`], 0)} · ${fixed(m[`nats/${name}`], 2)} nats per token` : "";
    });
    curves();
    find(".said").textContent = m ? `${int(views[0].pieces.length - views[0].given)} tokens each, tint = surprise, seed ${three.values.seed}` : "";
    say(three.refused || sweep.refused || sentence(), three.refused || sweep.refused);
    tell(container, { step: three.frame?.step, seed: three.values?.seed, nats: m?.["nats/temperature"], likely: view(sweep.frame, "nll")?.arrays.y.join() });
  }

  function curves() {
    const m = sweep.frame?.metrics;
    const names = [["distinct", "distinct-3", "distinct-3/held out"], ["nll", "nats per token, as learned", "nats/held out"]];
    names.forEach(([panel, yName, held], i) => {
      const curve = view(sweep.frame, panel)?.arrays;
      if (!curve) return charts[i].update(null);
      const uprights = [{ x: values().temperature, label: "" }];
      charts[i].update({ xName: "temperature", yName, lines: [{ ...curve, color: "accent", dots: true }], levels: [{ y: m[held], label: "held-out text" }], uprights });
      return undefined;
    });
  }

  function sentence() {
    const m = sweep.frame?.metrics;
    const [different, likely] = ["distinct", "nll"].map((panel) => view(sweep.frame, panel)?.arrays);
    if (!m || !different) return about.running ? "All temperatures are written once the run rests." : "Writing at eight temperatures.";
    const nearest = [...likely.x].map((t, i) => [Math.abs(likely.y[i] - m["nats/held out"]), t]).sort((a, b) => a[0] - b[0])[0][1];
    const cold = `At temperature 0 the model's own favourites are ${likely.y[0] < m["nats/held out"] ? "likelier" : "no likelier"} than human text (${fixed(likely.y[0], 2)} against ${fixed(m["nats/held out"], 2)} nats per token) and ${different.y[0] < m["distinct-3/held out"] ? "repeat themselves" : "no less varied"}: distinct-3 ${percent(different.y[0], 0)} against ${percent(m["distinct-3/held out"], 0)}`;
    return `${elsewhere(store, sweep.frame)}${cold}. Text as likely as human text comes nearest at temperature ${short(nearest)}. Means over n ${int(m.n)} texts of 120 tokens, seed ${sweep.values.seed}; held out: ${int(m["pieces held out"])} pieces.`;
  }

  for (const { key } of WAYS) find(`[data-way=${key}] input`).addEventListener("input", () => (ask(false), show()));
  find(".prompt").addEventListener("change", () => ask());
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), ask()));

  return {
    update(next) {
      about = next;
      if ([three, sweep].map((a) => a.renew(next)).some(Boolean)) ask(false), (wanted = true);
      else three.again();
      if (wanted && !next.running && ready(store)) [wanted] = [false, sweep.ask({ seed, prompt: prompt() })];
      else if (!next.running) sweep.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Temperature, top-k, top-p",
  kinds: ["text"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and three ways of choosing the next token are set side by side.",
});
