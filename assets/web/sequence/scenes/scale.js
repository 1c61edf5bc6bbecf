// From this to GPT-4: the code stays, numbers change. Parameters, tokens and FLOP of this run beside published ones, to scale on log axes.
import { decades, scale } from "../../axes.js";
import { resolve } from "../../api.js";
import { fixed, int } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, hairline } from "../../views/text.js";
import { large } from "./chart.js";
import { NAMES, defineScene, tell } from "./kit.js";
import { PUBLISHED, flopOf } from "./models.js";

const COLUMNS = [["parameters", [1e4, 1e12]], ["tokens", [1e4, 1e14]], ["FLOP of training", [1e10, 1e27]]];
const NAME = 116; // px for the names on the left
const HTML = `<h3>The same loss, the same loop <small>log axes, to scale; □ = not published</small></h3><div class="plot scale-plot"></div><dl class="numbers"></dl>`;

function start({ container, find, say }, { family, store }) {
  const surface = createSurface(find(".plot"), draw, { label: "Parameters, tokens and FLOP of this run and of published models" });
  let about = null;
  let known = null; // {key, cost}
  let asked = "";

  /** The server's own count of this run's parameters and FLOP. */
  function count() {
    const key = JSON.stringify(about.config);
    if (asked === key) return;
    asked = key;
    resolve(family.key, about.config).then(({ cost }) => ((known = { key, cost }), show()), () => {});
  }

  function own() {
    if (!known) return null;
    const { batch, block_size: block, accumulate, steps } = about.config;
    const done = store.step || steps;
    const tokens = batch * block * accumulate * done;
    return { name: "this run", parameters: known.cost.parameters, tokens, flop: known.cost.flop_per_step * done, own: true, done };
  }

  const rows = () => [...(own() ? [own()] : []), ...PUBLISHED, { name: "GPT-4", parameters: null, tokens: null, flop: null }];

  function draw(ctx, width, height, colors) {
    if (!about) return;
    const all = rows();
    const slim = width < 560;
    const gap = 18;
    const inner = width - (slim ? 0 : NAME);
    const pad = slim ? 10 : 0;
    const each = (inner - pad - gap * (COLUMNS.length - 1)) / COLUMNS.length;
    const [top, bottom] = [24, height - 20];
    const pitch = (bottom - top) / all.length;
    if (!slim) all.forEach((r, i) => label(ctx, r, 0, top + (i + 0.5) * pitch, colors));
    COLUMNS.forEach(([words, [lo, hi]], c) => {
      const left = (slim ? pad : NAME) + c * (each + gap);
      column(ctx, { words, lo, hi, left, right: left + each, top, bottom, pitch, slim, first: c === 0 }, all, c, colors);
    });
  }

  function label(ctx, { name, own: mine }, x, y, colors) {
    ctx.font = mine ? `700 ${LABEL}` : LABEL;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    ctx.fillStyle = mine ? colors.accent : colors.ink;
    ctx.fillText(name, x, y);
  }

  function column(ctx, { words, lo, hi, left, right, top, bottom, pitch, slim, first }, all, c, colors) {
    const X = scale(lo, hi, left, right - 52, true);
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    for (const v of decades(lo, hi, slim ? 2 : 4)) {
      hairline(ctx, X(v), top, X(v), bottom, colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.textAlign = "center";
      ctx.fillText(`10${sup(Math.round(Math.log10(v)))}`, X(v), bottom + 11);
    }
    ctx.textAlign = "left";
    ctx.fillStyle = colors.ink2;
    ctx.fillText(words, left, 9);
    all.forEach((r, i) => {
      const y = top + (i + 0.5) * pitch + (slim ? 6 : 0);
      if (slim && first) label(ctx, r, left, y - 13, colors);
      bar(ctx, { v: [r.parameters, r.tokens, flopOf(r)][c], left, X, y, high: Math.min(14, pitch * (slim ? 0.34 : 0.5)), mine: r.own, write: c === 2 ? power : large }, colors);
    });
  }

  function bar(ctx, { v, left, X, y, high, mine, write }, colors) {
    ctx.font = TICK;
    ctx.textAlign = "left";
    if (v == null) {
      ctx.strokeStyle = colors.lineStrong;
      ctx.lineWidth = 1.25;
      ctx.strokeRect(left + 0.5, y - high / 2, high, high);
      return;
    }
    ctx.fillStyle = mine ? colors.accent : colors.data;
    ctx.fillRect(left, y - high / 2, Math.max(2, X(v) - left), high);
    ctx.fillStyle = colors.ink2;
    ctx.fillText(write(v), X(v) + 5, y);
  }

  const power = (v) => `${fixed(v / 10 ** Math.floor(Math.log10(v)), 1)} · 10${sup(Math.floor(Math.log10(v)))}`;
  const sup = (k) => [...String(k)].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");

  function show() {
    if (!about) return;
    count();
    surface.schedule();
    const mine = own();
    find(".numbers").innerHTML = changes(mine).map(([a, b]) => `<div><dt>${a}</dt><dd>${b}</dd></div>`).join("");
    say(sentence(mine));
    tell(container, { parameters: mine?.parameters, tokens: mine?.tokens, flop: mine?.flop, rows: rows().length });
  }

  /** The numbers in the configuration that differ, this run's first. */
  function changes() {
    const c = about.config;
    const big = PUBLISHED.at(-1);
    const vocab = c.tokens === "bpe" ? c.vocab : { moby: 83, shakespeare: 65 }[c.dataset];
    const pairs = [["layers", c.layers, big.layers], ["width", c.width, big.width], ["heads", c.heads, big.heads], ["context", c.block_size, big.context], ["vocabulary", vocab, big.vocab]];
    return pairs.map(([name, here, there]) => [name, `${here == null ? "—" : int(here)} → ${int(there)}`]);
  }

  function sentence(mine) {
    if (!mine) return "Counting.";
    const big = PUBLISHED.at(-1);
    const times = (a, b) => `10${sup(Math.round(Math.log10(a / b)))}`;
    return `${NAMES[about.config.model]} here has ${large(mine.parameters)} parameters and reads ${large(mine.tokens)} tokens in ${int(mine.done)} steps; ${big.name} has ${times(big.parameters, mine.parameters)} times the parameters, read ${times(big.tokens, mine.tokens)} times the tokens and took ${times(flopOf(big), mine.flop)} times the FLOP (${fixed(flopOf(big) / 1e25, 1)} · 10²⁵). Sizes of GPT-4 are not published (OpenAI, 2023, section 2), so none is drawn. Sources: Radford et al., 2019; Brown et al., 2020; Llama 3 model card and Grattafiori et al., 2024; FLOP are 6 · parameters · tokens where a paper gives none, for this run the engine's count.`;
  }

  return {
    update(next) {
      about = next;
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "From this to GPT-4",
  kinds: ["text"],
  html: HTML,
  start,
  needsRun: false,
  fits: ({ model }) => (model === "ngram" ? { words: "Counts have no parameters to set beside those of GPT-4. Load a model that learns.", preset: "moby", button: "Load Moby Dick, small GPT" } : null),
});
