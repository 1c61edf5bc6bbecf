// Image tokens: a VQ-VAE makes grids of codes of images, the model of this tab learns what grids are like, and what it draws goes back through
// the VQ-VAE's decoder (van den Oord et al., 2017): the recipe behind DALL-E 1. Neither family knows the other; the server hands codes over.
import { fixed, int, percent } from "../../format.js";
import { keptForTab } from "../../kept.js";
import { createRow } from "../../latent/scenes/pixels.js";
import { createChart } from "./chart.js";
import { NAMES, defineScene, tell } from "./kit.js";

const [SHOWN, JUDGED] = [16, 1000]; // grids while it trains; where the run rests, as many as the judge's floor was measured on
const AGAIN = 3000; // ms between two draws while it trains
const STEPS = [300, 600, 1500];
const MODELS = ["image-gpt", "gated-pixelcnn"];
const PARTS = [
  ["data", "1 Images", "the first trained on"],
  ["given", "2 Their codes", "a shade each"],
  ["drawn", "3 Codes drawn", "by this run"],
  ["images", "4 Decoded", "by the VQ-VAE"],
];
const HTML = `<div class="bar"><label>VQ-VAE <select class="source" aria-label="VQ-VAE"><option value="kept">kept, MNIST</option><option value="own">from the VAE tab</option></select></label><button type="button" class="button small hand">Hand its codes over</button>
    <label>Prior <select class="model" aria-label="Model of the codes">${MODELS.map((m) => `<option value="${m}">${NAMES[m]}</option>`).join("")}</select></label><label><select class="steps" aria-label="Steps">${STEPS.map((n) => `<option value="${n}"${n === 1500 ? " selected" : ""}>${int(n)}</option>`).join("")}</select> steps</label><button type="button" class="button small strong press">Train the prior</button><button type="button" class="button small again">New seed</button><span class="said"></span></div>
  <div class="seq-parts token-parts">${PARTS.map(([key, words, small]) => `<section><h3>${words} <small>${small}</small></h3><div class="${key}"></div></section>`).join("")}
    <section class="learning"><h3>Bits per code <small>held out</small></h3><div class="plot"></div><table></table></section></div>`;

function start({ container, find, say }, { session, store, commands }) {
  const rows = Object.fromEntries(PARTS.map(([key, words]) => [key, createRow(find(`.${key}`), words)]));
  const chart = createChart(find(".plot"), "Bits per code against the step");
  let about = null;
  let codes = null; // frame of what was handed over
  let drawn = null; // {frame, step, seed, n, run}
  let [busy, refused, seed, drawnAt] = ["", "", 0, 0];

  const ours = () => about.config.dataset === "own-codes";
  const run = () => store.header.active;
  const step = () => (ours() ? (store.active?.lastStep ?? 0) : 0);

  async function doing(what, work) {
    [busy, refused] = [what, ""];
    show();
    try {
      await work();
    } catch (error) {
      if (error.status !== 204) refused = error.status ? error.message : "The server cannot be reached just now.";
    }
    busy = "";
    show();
  }

  /** The VQ-VAE of the VAE tab is known by that tab's own session. */
  const hand = () =>
    doing("hand", async () => {
      codes = await session.codes(find(".source").value === "own" ? (keptForTab.get("playground-vae") ?? "") : null);
      drawn = null;
      await look();
    });

  const look = () => commands.preview({ dataset: "own-codes", model: find(".model").value, steps: +find(".steps").value });

  async function press() {
    if (!codes) await hand();
    if (!codes) return;
    await doing("start", async () => {
      if (!ours() || step() > 0 || about.config.model !== find(".model").value || about.config.steps !== +find(".steps").value) await look();
      await commands.train();
    });
  }

  /** Grids drawn and decoded: few while it trains, enough for the judge where it rests. */
  function draw() {
    if (busy || refused || !ours() || !step()) return;
    const n = about.running ? SHOWN : JUDGED;
    const [at, mine] = [step(), run()];
    if (drawn && drawn.run === mine && drawn.step === at && drawn.seed === seed && drawn.n >= n) return;
    if (about.running && performance.now() - drawnAt < AGAIN) return;
    drawnAt = performance.now();
    doing("draw", async () => (drawn = { frame: await session.decoded(n, seed), step: at, seed, n, run: mine }));
  }

  const view = (frame, panel) => frame?.views.find((v) => v.panel === panel) ?? null;

  function show() {
    if (!about) return;
    const m = codes?.metrics;
    const mine = drawn && drawn.run === run() ? drawn : null;
    const shown = { data: view(codes, "data"), given: view(codes, "codes"), drawn: view(mine?.frame, "codes"), images: view(mine?.frame, "images") };
    for (const [key, row] of Object.entries(rows)) row.update(shown[key], { n: SHOWN });
    curve(m);
    table(m, mine?.frame.metrics);
    controls();
    say(refused || sentence(m, mine), refused);
    const held = bits();
    tell(container, { state: busy || "idle", used: m?.used, uniform: m?.["bits/uniform"], independent: m?.["bits/independent"], bits: held, drawn: mine?.step, judged: mine?.frame.metrics["frechet/prior"], copies: m?.["frechet/copies"] });
  }

  const series = () => (ours() && store.active ? store.active.series("bits_per_dim") : []);
  const bits = () => series().at(-1)?.[1] ?? null;

  function curve(m) {
    const points = series();
    const levels = m ? [{ y: m["bits/uniform"], label: `all ${int(m.K)} alike ${fixed(m["bits/uniform"], 2)}` }, { y: m["bits/independent"], label: `place by place ${fixed(m["bits/independent"], 2)}` }] : [];
    const ends = [...points.map(([, v]) => v), ...levels.map((l) => l.y)];
    chart.update(ends.length ? { xName: "step", yName: "", levels, lines: points.length ? [{ x: points.map(([s]) => s), y: points.map(([, v]) => v), color: "accent", dots: points.length < 3 }] : [], xs: [0, ours() ? about.config.steps : 1500], ys: [Math.min(...ends) - 0.3, Math.max(...ends) + 0.3] } : null);
  }

  function table(m, d) {
    const floor = m?.["frechet/floor"];
    const cell = (v) => (v == null || !floor ? "—" : fixed(v / floor, 1));
    const lines = [["codes shuffled by place", m?.["frechet/independent"]], ["codes of the prior", d?.["frechet/prior"]], ["codes of real images", m?.["frechet/copies"]]];
    const html = `<thead><tr><th>decoded</th><th>Fréchet, floors</th></tr></thead><tbody>${lines.map(([name, v], i) => `<tr${i === 1 ? ' class="own"' : ""}><td>${name}</td><td>${cell(v)}</td></tr>`).join("")}</tbody>`;
    if (find("table").dataset.html !== html) [find("table").innerHTML, find("table").dataset.html] = [html, html];
  }

  function controls() {
    const training = ours() && about.running;
    for (const part of [".hand", ".source", ".model", ".steps"]) find(part).disabled = Boolean(busy) || training;
    find(".press").textContent = training ? "Stop" : "Train the prior";
    find(".press").disabled = busy === "hand" || busy === "start";
    find(".again").disabled = !drawn || training;
    find(".said").textContent = busy === "hand" ? "encoding the images it was trained on…" : busy === "draw" && !about.running ? "drawing and decoding…" : "";
  }

  function sentence(m, mine) {
    if (!m) return "A VQ-VAE turns an image into a grid of codes, tokens like those of a text. A press hands over the codes of the images that it was trained on; the model of this tab learns which codes follow which, draws new grids, and the VQ-VAE decodes them: two stages, as in DALL-E 1 and today's image tokens. Your run is replaced.";
    const used = `${int(m.used)} of ${int(m.K)} codes are in use (perplexity ${fixed(m.perplexity, 1)}, n ${int(m.n)} images)`;
    const now = bits();
    if (now == null) return `${used}. A code costs ${fixed(m["bits/uniform"], 2)} bits if all are alike and ${fixed(m["bits/independent"], 2)} if each place has shares of its own. Train the prior: what it saves beyond that, it has learned of the neighbours.`;
    const saved = m["bits/independent"] - now;
    const worth = saved > 0.02 ? `${fixed(saved, 2)} below what the shares of each place allow: that much it knows of the neighbours` : "no better yet than the shares of each place";
    const d = mine?.frame.metrics;
    const judged = d?.["frechet/prior"] == null ? "" : ` Decoded, its grids lie ${fixed(d["frechet/prior"] / d["frechet/floor"], 1)} floors from the data, real codes ${fixed(m["frechet/copies"] / m["frechet/floor"], 1)}, codes shuffled by place ${fixed(m["frechet/independent"] / m["frechet/floor"], 1)} (Fréchet distance, n ${int(d.judged)}, seed ${mine.seed}).`;
    return `${used}. ${NAMES[about.config.model]}, step ${int(step())}, needs ${fixed(now, 2)} bits a code held out (${percent(now / m["bits/uniform"], 0)} of ${fixed(m["bits/uniform"], 0)}), ${worth}.${judged}`;
  }

  find(".hand").addEventListener("click", hand);
  find(".press").addEventListener("click", () => (ours() && about.running ? commands.pause() : press()));
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), (refused = ""), draw()));

  return {
    update(next) {
      about = next;
      if (ours() && !codes && !busy && !refused) doing("hand", async () => (codes = await session.codes())); // the page was loaded again
      draw();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({ title: "Image tokens: the VQ route", kinds: ["text", "image", "codes"], html: HTML, start, needsRun: false });
