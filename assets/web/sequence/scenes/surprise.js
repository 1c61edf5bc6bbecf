// How surprised is the model by anything: a text that is typed, an image held out or drawn. The total is −log p, in nats and bits; whether it
// tells strange images from its own is an ROC curve.
import { fixed, int, percent } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { areaInterval } from "../../statistics.js";
import { createChart } from "./chart.js";
import { createGrid } from "./grid.js";
import { createText, defineScene, show as signs, tell } from "./kit.js";
import { createPad, imageName } from "./pad.js";

const AGAINST = { inverted: "black for white", shuffled: "pixels shuffled", noise: "noise", fashion: "clothes", mnist: "digits" };
const ORDERS = { words: "words shuffled", letters: "characters shuffled", reversed: "back to front" };
const N = 200; // images or texts of each kind

/** "0.93 (0.91–0.95)": with its 95 % interval. */
const areaText = (area) => `${fixed(area, 2)} (95 % ${areaInterval(area, N).map((v) => fixed(v, 2)).join("–")})`;
const HTML = `<div class="seq-parts surprise-text for-text"><section><h3>Type a text <small>any at all</small></h3><textarea maxlength="1500" spellcheck="false" aria-label="Text to read"></textarea><div class="row"><button type="button" class="button small strange">A strange text</button><button type="button" class="button small own-text">Held-out text</button></div></section>
    <section><h3>Surprise <small>tint = −log p, 0 … 6 nats</small></h3><div class="text huge"></div></section><section class="side"><dl class="totals"></dl></section>
    <section><h3>Told apart <label class="inline">from <select class="order" aria-label="Strange texts">${Object.entries(ORDERS).map(([key, words]) => `<option value="${key}">${words}</option>`).join("")}</select></label></h3><div class="plot roc-text"></div></section></div>
  <div class="seq-parts surprise-image for-image"><div class="pad"></div><section><h3>Surprise <small class="scale"></small></h3><div class="grid"></div></section>
    <section><h3>Among images held out <small>bits per pixel</small></h3><div class="plot held"></div></section>
    <section><h3>Told apart <label class="inline">from <select class="other" aria-label="Other images"></select></label></h3><div class="plot roc"></div></section></div>`;
const STRANGE = "zxq vvkj 8812 qqpx wzzt";

function start({ container, find, say }, { session, store }) {
  const text = createText(find(".text.huge"), { label: "The text, tint = surprise of each token" });
  const pad = createPad(find(".pad"), { onChange: askImage });
  const grid = createGrid(find(".grid"), "Surprise of each pixel");
  const charts = [createChart(find(".held"), "Bits per pixel of images held out, and of this one"), createChart(find(".roc"), "ROC: other images told from held-out ones")];
  const orders = createChart(find(".roc-text"), "ROC: strange texts told from held-out ones by nats per character");
  const reading = createAsking({ session, store }, "surprise", { show, pause: 80 });
  const weighing = createAsking({ session, store }, "likelihood", { show, pause: 80 });
  const telling = createAsking({ session, store }, "anomaly", { show, stale: 4000 });
  const ordering = createAsking({ session, store }, "strange", { show, stale: 4000 });
  let about = null;

  const image = () => about.kind !== "text";

  function ask() {
    if (!ready(store)) return;
    if (image()) askImage(), askOthers();
    else readText(), askOrders();
  }

  const readText = () => reading.ask({ text: find("textarea").value });
  const askOrders = () => ready(store) && ordering.ask({ against: find(".order").value, n: N, seed: 0 });

  function askImage() {
    if (ready(store)) weighing.ask(pad.question());
    show();
  }

  const askOthers = () => ready(store) && !about.config.conditional && telling.ask({ against: find(".other").value, n: N, seed: 0 });

  function show() {
    if (!about) return;
    for (const part of container.querySelectorAll(".for-image")) part.hidden = !image();
    for (const part of container.querySelectorAll(".for-text")) part.hidden = image();
    if (image()) showImage();
    else showText();
  }

  function curveOf(frame) {
    const roc = view(frame, "roc")?.arrays;
    return roc ? { xName: "false alarms", yName: "found", lines: [{ ...roc, color: "accent" }, { x: [0, 1], y: [0, 1], color: "exact", dash: [4, 3], width: 1 }], xs: [0, 1], ys: [0, 1] } : null;
  }

  // --- text ---------------------------------------------------------------------------------------------------------------------------
  function showText() {
    const shown = view(reading.frame, "text");
    text.update(shown, { tint: "surprise", most: 6 });
    const m = reading.frame?.metrics;
    const facts = m ? [["total", `${fixed(m["nll [nats]"], 1)} nats`], ["", `${fixed(m["nll [bits]"], 1)} bits`], ["per character", `${fixed(m.nats_per_char, 2)} nats`], ["per byte", `${fixed(m.bits_per_byte, 2)} bits`], ["perplexity", fixed(m.perplexity, 1)], ["held-out pieces less likely", percent(m["rank held out"], 0)]] : [];
    find(".totals").innerHTML = facts.map(([a, b]) => `<dt>${a}</dt><dd>${b}</dd>`).join("");
    orders.update(curveOf(ordering.frame));
    const refused = reading.refused || ordering.refused;
    say(refused || textWords(shown, m), refused);
    tell(container, { nats: m?.["nll [nats]"], bits: m?.["nll [bits]"], auroc: ordering.frame?.metrics.auroc, against: ordering.values?.against, step: reading.frame?.step });
  }

  function textWords(shown, m) {
    if (!m) return "Reading.";
    const { surprise } = shown.arrays;
    let k = 1;
    for (let i = 1; i < surprise.length; i++) if (surprise[i] > surprise[k]) k = i;
    const rank = m["rank held out"];
    const verdict = rank < 0.05 ? "strange to this model" : rank > 0.95 ? "unusually easy for it" : "as held-out text is";
    return `${elsewhere(store, reading.frame)}${int(surprise.length - 1)} tokens cost ${fixed(m["nll [nats]"], 1)} nats (${fixed(m["nll [bits]"], 1)} bits); the most surprising is “${signs(shown.pieces[k])}”, token ${k + 1}, with p = ${percent(Math.exp(-surprise[k]), 2)}. ${percent(rank, 0)} of held-out pieces of this length are less likely: ${verdict} (n 64 pieces).${orderWords(ordering.frame?.metrics)} Step ${int(reading.frame.step)}.`;
  }

  function orderWords(m) {
    if (!m) return "";
    const [held, strange] = ["held out", "strange"].map((k) => fixed(m[`nats_per_char/${k}`], 2));
    return ` The same texts, ${ORDERS[ordering.values.against]}, cost ${strange} nats a character, not ${held}: area under the curve ${areaText(m.auroc)}, where 0.5 is chance (n ${N} of each, seed ${ordering.values.seed}).`;
  }

  // --- images ---------------------------------------------------------------------------------------------------------------------------
  function showImage() {
    const bits = view(weighing.frame, "bits");
    pad.take(view(weighing.frame, "image"), weighing.frame);
    grid.update(bits && { view: bits });
    find(".scale").textContent = bits ? `0 … ${fixed(bits.hi, 1)} bits of a pixel` : "";
    const m = weighing.frame?.metrics;
    const held = view(weighing.frame, "held out")?.arrays;
    charts[0].update(held && { xName: "bits per pixel", yName: "images", lines: [{ ...held, color: "data" }], uprights: [{ x: m.bits_per_dim, label: "this image" }], xs: [Math.min(held.x[0], m.bits_per_dim) * 0.98, Math.max(held.x.at(-1), m.bits_per_dim) * 1.02] });
    const { auroc } = telling.frame?.metrics ?? {};
    charts[1].update(curveOf(telling.frame));
    const refused = weighing.refused || telling.refused;
    say(refused || imageWords(m, auroc), refused);
    tell(container, { nats: m?.["nll [nats]"], auroc, source: pad.source, against: telling.values?.against, step: weighing.frame?.step });
  }

  function imageWords(m, auroc) {
    if (!m) return "Weighing the image.";
    const rank = m["rank held out"];
    const verdict = rank < 0.05 ? "stranger than nearly all" : rank > 0.95 ? "likelier than nearly all" : "like them";
    const own = `${imageName(weighing.values)} costs ${fixed(m["nll [nats]"], 1)} nats (${fixed(m["nll [nats]"] / Math.LN2, 1)} bits, ${fixed(m.bits_per_dim, 3)} per pixel): ${percent(rank, 0)} of 200 images held out are less likely, so it is ${verdict}.`;
    if (about.config.conditional) return `${own} A model that is told the class cannot weigh images without one. Step ${int(weighing.frame.step)}.`;
    if (auroc == null) return own;
    const [low, high] = areaInterval(auroc, N);
    const word = low > 0.85 ? "tells them apart" : low > 0.5 ? "tells some of them apart" : high >= 0.5 ? "cannot tell them apart" : "finds the strangers likelier";
    return `${elsewhere(store, weighing.frame)}${own} Against ${AGAINST[telling.values.against]} it ${word}: area under the curve ${areaText(auroc)}, where 0.5 is chance. Step ${int(telling.frame.step)}, n ${N} of each, seed ${telling.values.seed}.`;
  }

  /** Other images of the same size. */
  function fill() {
    const side = about.backdrop?.views.find((v) => v.type === "images")?.shapes.pixels.at(-1);
    const keys = Object.keys(AGAINST).filter((key) => !["fashion", "mnist"].includes(key) || (side === 28 && key !== about.config.dataset));
    if (find(".other").dataset.keys === keys.join()) return;
    find(".other").dataset.keys = keys.join();
    find(".other").replaceChildren(...keys.map((key) => new Option(AGAINST[key], key)));
  }

  find(".other").addEventListener("change", askOthers);
  find(".order").addEventListener("change", askOrders);
  find("textarea").addEventListener("input", readText);
  find(".strange").addEventListener("click", () => ((find("textarea").value = STRANGE), readText()));
  find(".own-text").addEventListener("click", () => ((find("textarea").value = ""), readText()));

  return {
    update(next) {
      about = next;
      pad.setUp(next.backdrop);
      fill();
      if ([reading, weighing, telling, ordering].map((a) => a.renew(next)).some(Boolean)) ask();
      else {
        reading.again();
        weighing.again();
        if (!next.running) telling.again(), ordering.again();
      }
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Surprise of anything",
  kinds: ["text", "image"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and whatever is typed or drawn is weighed.",
});
