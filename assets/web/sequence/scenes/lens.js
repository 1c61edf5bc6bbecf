// The logit lens: what the head would say of the residual stream after each layer (nostalgebraist, 2020).
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createText, defineScene, needsTransformer, show as signs, tell } from "./kit.js";

const SHOWN = 6;
const HTML = `<div class="bar"><label class="wide">Text <input type="text" class="typed" maxlength="600" placeholder="the beginning of the held-out text" aria-label="Text"></label><span class="said">press a token: what each layer expects after it</span></div>
  <div class="seq-parts lens-parts"><section><h3>Text <small>ringed = the last token read</small></h3><div class="text huge"></div></section><section><h3>What each layer would say next</h3><table class="lens"></table></section></div>`;

function start({ container, find, say }, { session, store }) {
  const text = createText(find(".text"), { label: "The text; press a token", onPick: (i) => ((position = i + 1), ask()) });
  const asking = createAsking({ session, store }, "lens", { show, pause: 60 });
  const reading = createAsking({ session, store }, "surprise", { show, stale: 2000 });
  let about = null;
  let position = 24;

  function ask() {
    if (!ready(store)) return;
    reading.ask({ text: find(".typed").value });
    asking.ask({ text: find(".typed").value, position, shown: SHOWN });
  }

  function show() {
    if (!about) return;
    const shown = view(reading.frame, "text");
    const at = position < 0 ? (shown?.pieces.length ?? 0) : position;
    text.update(shown, { tint: "surprise", picked: at - 1 });
    const layers = asking.frame?.views.filter((v) => v.panel === "lens") ?? [];
    const final = view(asking.frame, "final")?.arrays.y;
    table(layers, final);
    say(asking.refused || reading.refused || sentence(layers, final, shown?.pieces[at]), asking.refused || reading.refused);
    tell(container, { layers: layers.length, top: layers.at(-1)?.labels[0], p: layers.at(-1)?.arrays.values[0], position: at });
  }

  function table(layers, final) {
    const last = layers.at(-1)?.labels[0];
    const cell = (name, p) => `<td class="${name === last ? "final" : ""}" style="--t:${p.toFixed(3)}"><b>${escape(signs(name))}</b><small>${percent(p, 0)}</small></td>`;
    const row = (bars, i) => `<tr><th>${bars.name}</th>${bars.labels.map((name, k) => cell(name, bars.arrays.values[k])).join("")}<td class="sum">${fixed(final[i], 3)}</td></tr>`;
    const html = layers.length ? `<thead><tr><th></th><th colspan="${SHOWN}">likeliest first</th><th>p of “${escape(signs(last))}”</th></tr></thead><tbody>${layers.map(row).reverse().join("")}</tbody>` : "";
    if (find("table").dataset.html === html) return;
    find("table").innerHTML = html;
    find("table").dataset.html = html;
  }

  const escape = (words) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

  function sentence(layers, final, came) {
    if (!layers.length) return "Reading each layer.";
    const last = layers.at(-1);
    const name = (i) => (i ? `layer ${i}` : "the embedding");
    const settled = layers.findIndex((_, i) => layers.slice(i).every((l) => l.labels[0] === last.labels[0]));
    const jumps = [...final].map((p, i) => (i ? p - final[i - 1] : 0));
    const k = jumps.indexOf(Math.max(...jumps));
    const most = jumps[k] > 0 ? `; the largest step is ${name(k)}, from ${percent(final[k - 1], 0)} to ${percent(final[k], 0)}` : "";
    const truth = came == null ? "" : ` What came is “${signs(came)}”.`;
    return `${elsewhere(store, asking.frame)}The last layer expects “${signs(last.labels[0])}” with ${percent(last.arrays.values[0], 0)}; from ${name(settled)} on it is the favourite${most}.${truth} Step ${int(asking.frame.step)}, n 1 text.`;
  }

  find(".typed").addEventListener("input", () => ((position = -1), ask()));

  return {
    update(next) {
      about = next;
      if ([asking, reading].map((a) => a.renew(next)).some(Boolean)) (position = find(".typed").value ? -1 : 24), ask();
      else asking.again(), reading.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Logit lens",
  kinds: ["text"],
  html: HTML,
  start,
  fits: needsTransformer,
  empty: "Nothing trained yet. Train, and each layer says what it would write next.",
});
