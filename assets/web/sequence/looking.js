// The right view of a text: where one head looks, or for models without attention what the prediction depends on.
import { createAsking, view } from "../ask/question.js";
import { createAttention } from "./attention.js";
import { createReach } from "./reach.js";
import { before, visible } from "./tokens.js";

const AHEAD = 4; // tokens after the chosen one that are shown
const PAUSE = 60; // ms between two questions
const TRANSFORMERS = ["gpt2", "llama"];
const SEEN = { mlp: (c) => c.window, ngram: (c) => c.order - 1 }; // tokens that can matter at all
const HTML = `<h3><b></b> <span class="heads"><label>layer <select class="layer"></select></label><label>head <select class="head-of"></select></label></span></h3>
  <div class="canvas map"></div><div class="canvas reach" hidden></div><p class="said"></p>`;

/** Start of each token in the text, in characters. */
const starts = (pieces) => pieces.reduce((all, p) => [...all, all.at(-1) + p.length], [0]);

/** @param {HTMLElement} box @param {{session: object, store: object}} lab @param {{onLink: (pair: {row: number, column: number|null}|null) => void, onPick: (position: number) => void}} on */
export function createLooking(box, lab, { onLink, onPick }) {
  box.innerHTML = HTML;
  const find = (selector) => box.querySelector(selector);
  const [layer, head] = [find(".layer"), find(".head-of")];
  const attention = createAttention(find(".map"), { onHover: (pair) => onLink(pair && linked(pair)), onPick: (row) => onPick(linked({ row, column: null }).row + 1) });
  const reach = createReach(find(".reach"));
  const asked = createAsking(lab, "attention", { show, pause: PAUSE });
  const felt = createAsking(lab, "receptive", { show, pause: PAUSE });
  let now = null; // {text, position, about}
  let sent = "";
  let from = 0; // where in the text the piece begins that was asked about

  for (const select of [layer, head]) select.addEventListener("change", () => ((sent = ""), ask()));

  const attends = () => TRANSFORMERS.includes(now.about.config.model);

  function fill(select, n) {
    if (select.options.length === n) return;
    const was = Math.min(select.selectedIndex < 0 ? n - 1 : select.selectedIndex, n - 1);
    select.replaceChildren(...Array.from({ length: n }, (_, i) => new Option(String(i + 1), i)));
    select.selectedIndex = was;
  }

  /** A piece of the text that fits the context and ends a little behind the chosen token. */
  function piece() {
    const { text, position, about } = now;
    const to = Math.min(text.pieces.length, position + AHEAD);
    const start = Math.max(0, to - about.config.block_size);
    return { start, words: text.pieces.slice(start, to).join("") };
  }

  function ask() {
    if (!now?.text || now.position < 1) return;
    const { config } = now.about;
    if (config.model === "ngram") return show();
    const { start, words } = piece();
    const values = attends() ? { text: words, layer: +layer.value, head: +head.value } : { text: before(now.text, now.position) };
    const asking = attends() ? asked : felt;
    const key = JSON.stringify(values);
    if (key === sent) return asking.again();
    sent = key;
    from = start;
    asking.ask(values);
  }

  /** Tokens of the answer -> tokens of the text, by their characters: they may be cut differently. */
  function linked({ row, column }) {
    const own = starts(now.text.pieces);
    const offset = own[from];
    const theirs = starts(tokens(asked.frame));
    const at = (i) => (i == null ? null : own.findLastIndex((s) => s <= offset + theirs[i]));
    return { row: at(row), column: at(column) };
  }

  const tokens = (frame) => view(frame, "text")?.pieces ?? [];

  /** The row of the answer that predicts the chosen token. */
  function rowOf(pieces) {
    const own = starts(now.text.pieces);
    const wanted = own[now.position] - own[from];
    return Math.max(0, starts(pieces).findLastIndex((s) => s < wanted));
  }

  function show() {
    if (!now) return;
    const { config } = now.about;
    find(".map").hidden = find(".heads").hidden = !attends();
    find(".reach").hidden = attends();
    find("h3 b").textContent = attends() ? "Attention" : config.model === "ngram" ? "What counts see" : "What it depends on";
    if (!now.text) return;
    if (attends()) showMap();
    else showReach();
  }

  function showMap() {
    const heat = view(asked.frame, "attention");
    const pieces = tokens(asked.frame);
    if (!heat) return attention.update(null);
    const row = rowOf(pieces);
    attention.update({ view: heat, pieces, row, masked: now.about.config.causal, name: heat.name });
    const { layer: l, head: h } = asked.values;
    box.dataset.shown = `${l}.${h}`;
    find(".said").textContent = asked.refused || `Row reads column. The framed row, ${visible(pieces[row] ?? "")}, predicts ${visible(now.text.pieces[now.position] ?? "")}.`;
  }

  function showReach() {
    const { config } = now.about;
    const limit = SEEN[config.model]?.(config) ?? null;
    if (config.model === "ngram") {
      const pieces = now.text.pieces.slice(Math.max(0, now.position - 18), now.position);
      reach.update({ pieces, value: pieces.map((_, i) => (pieces.length - i <= limit ? 1 : 0)), limit });
      find(".said").textContent = limit ? `Counts of ${config.order} look back ${limit} ${limit === 1 ? "token" : "tokens"} and no further.` : "Counts of single tokens look at nothing.";
      return;
    }
    const answer = view(felt.frame, "text");
    reach.update(answer && { pieces: answer.pieces, value: answer.arrays.value, limit });
    find(".said").textContent = felt.refused || "Gradient of the likeliest token's log p at each token before it, in percent of the largest.";
  }

  return {
    /** The token of the text that is pointed at: its row is framed. @param {number|null} i */
    hover(i) {
      if (!now?.text || !attends()) return;
      const [own, theirs] = [starts(now.text.pieces), starts(tokens(asked.frame))];
      const row = i == null ? -1 : theirs.indexOf(own[i] - own[from]);
      attention.hold(row >= 0 && row < theirs.length - 1 ? row : null);
    },
    /** @param {{text: object|null, position: number, about: object, resting: boolean}} next */
    update(next) {
      now = next;
      fill(layer, next.about.config.layers);
      fill(head, next.about.config.heads);
      if ([asked.renew(next.about), felt.renew(next.about)].some(Boolean)) sent = "";
      if (next.resting) ask();
      show();
    },
  };
}
