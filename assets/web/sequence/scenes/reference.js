// The exported folder in Hugging Face's hands: `from_pretrained` opens it, `generate` writes. The same text, the largest difference, both speeds.
import { fixed, int, short } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createText, defineScene, needsTransformer, tell } from "./kit.js";

const WAYS = ["greedy", "drawn"];
const HTML = `<div class="bar"><label>Prompt <input type="text" class="prompt" maxlength="40" placeholder="a new line" aria-label="Prompt"></label><label class="slide">Temperature <output>0.80</output><input type="range" min="0.1" max="2" step="0.05" value="0.8" aria-label="Temperature"></label><button type="button" class="button small again">New seed</button><span class="said"></span></div>
  <div class="seq-parts reference-parts">${["ours", "theirs"].map((who) => `<section data-who="${who}"><h3>${who === "ours" ? "Ours <small>PyTorch, from scratch</small>" : "transformers <small>AutoModelForCausalLM.from_pretrained(folder)</small>"}</h3>${WAYS.map((way) => `<h4>${way === "greedy" ? "Always the likeliest" : "Drawn, the same random numbers"}</h4><div class="text" data-way="${way}"></div>`).join("")}<p class="figures"></p></section>`).join("")}
  <section class="side"><h3>Largest difference</h3><table></table></section></div>`;

function start({ container, find, say }, { session, store }) {
  const names = ["ours", "theirs"].flatMap((who) => WAYS.map((way) => [who, way]));
  const texts = names.map(([who, way]) => createText(find(`[data-who=${who}] [data-way=${way}]`), { label: `${who}, ${way}` }));
  const asking = createAsking({ session, store }, "reference", { show, pause: 200 });
  let about = null;
  let seed = 0;
  let wanted = false; // asked once the run rests

  const ask = () => ready(store) && asking.ask({ prompt: find(".prompt").value || "\n", seed, temperature: +find("input[type=range]").value, length: 60 });

  function show() {
    if (!about) return;
    const m = asking.frame?.metrics;
    names.forEach(([who, way], i) => texts[i].update(view(asking.frame, "text", `${who}, ${way}`)));
    find("output").textContent = fixed(+find("input[type=range]").value, 2);
    for (const who of ["ours", "theirs"]) find(`[data-who=${who}] .figures`).textContent = m ? `${WAYS.map((way) => `${int(m[`${who}/${way} [tokens/s]`])} tokens/s ${way}`).join(", ")}` : "";
    const bars = view(asking.frame, "difference");
    const html = bars ? `<thead><tr><th>after</th><th>largest |Δ|</th></tr></thead><tbody>${bars.labels.map((name, i) => `<tr><td>${name}</td><td>${short(bars.arrays.values[i])}</td></tr>`).join("")}</tbody>` : "";
    if (find("table").dataset.html !== html) [find("table").innerHTML, find("table").dataset.html] = [html, html];
    find(".said").textContent = m ? `${view(asking.frame, "machine").pieces.join("")}` : "";
    say(asking.refused || sentence(m), asking.refused);
    tell(container, { step: asking.frame?.step, logit: m?.["largest logit difference"], greedy: m?.["same/greedy"], drawn: m?.["same/drawn"], tokens: m?.tokens });
  }

  function sentence(m) {
    if (!m) return about.running ? "The run is exported once it rests." : "Exporting the run and opening it with transformers, which takes a few seconds to load.";
    const [greedy, drawn] = WAYS.map((way) => m[`same/${way}`]);
    const same = greedy === m.tokens && drawn === m.tokens ? `Both write the same ${int(m.tokens)} tokens, greedy and drawn` : `Of ${int(m.tokens)} tokens ${int(greedy)} greedy and ${int(drawn)} drawn ones agree`;
    const speed = m["ours/greedy [tokens/s]"] / m["theirs/greedy [tokens/s]"];
    const faster = speed >= 1 ? `ours is ${fixed(speed, 1)} times as fast` : `theirs is ${fixed(1 / speed, 1)} times as fast`;
    return `${elsewhere(store, asking.frame)}${same}; no logit differs by more than ${short(m["largest logit difference"])} over ${int(m["tokens compared"])} held-out tokens. At this size, n 1 text, ${faster}. Step ${int(asking.frame.step)}, seed ${asking.values.seed}, times measured on the server just now.`;
  }

  for (const part of [".prompt", "input[type=range]"]) find(part).addEventListener("change", ask);
  find("input[type=range]").addEventListener("input", show);
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), ask()));

  return {
    update(next) {
      about = next;
      if (asking.renew(next)) wanted = true;
      if (wanted && !next.running && ready(store)) [wanted] = [false, ask()];
      else if (!next.running) asking.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Beside transformers",
  kinds: ["text"],
  html: HTML,
  start,
  fits: (config) => needsTransformer(config) ?? (config.causal ? null : { words: "transformers has no such model without its causal mask. Load one that has the mask.", preset: "moby", button: "Load Moby Dick, small GPT" }),
  empty: "Nothing trained yet. Train, and Hugging Face opens the same weights.",
});
