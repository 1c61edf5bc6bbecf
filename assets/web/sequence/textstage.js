// The stage of a text: what the model writes, what could have come at the chosen place, where it looked. Answers come from the model as it
// is now; the texts follow the timeline.
import { fixed, int } from "../format.js";
import { icon } from "../icons.js";
import { createAsking, elsewhere, ready, same, view } from "../ask/question.js";
import { createGeneration, TEMPERATURE, TOP_K, TOP_P } from "./generation.js";
import { createHistory } from "./history.js";
import { createLooking } from "./looking.js";
import { createNext } from "./next.js";
import { before, neutral, textOf, tokensIn, visible } from "./tokens.js";
import { createWriting } from "./writing.js";
import { createWritten } from "./written.js";

const PAUSE = 40; // ms between two questions about what comes next
const SHOWN = 100; // of the likeliest tokens that are asked for
const REST = 350; // ms without a change of the timeline before anything is asked
const TAIL = 10; // characters of the text before the chosen one, in the heading
export const LAYERS = [
  { key: "surprise", title: "Surprise", role: "model", on: true },
  { key: "entropy", title: "Entropy", role: "model", on: false },
  { key: "mask", title: "Causal mask", role: "exact", on: false },
  { key: "copies", title: "Memorised ≥ 20", role: "exact", on: false },
];
const HTML = `<form class="seq-bar"><label class="prompt"><span>Prompt</span><input type="text" maxlength="2000" placeholder="a new line" spellcheck="false" autocomplete="off"></label>
    <span class="sliders"></span><span class="space"></span><button type="button" class="button small next-token" title="Draw one token and add it">Next token</button><button type="submit" class="button small generate" title="Write a new text from the prompt">Generate</button></form>
  <div class="seq-views"><section class="view view-text"><h3><b>Generated text</b> <small></small></h3><div class="text"></div>
    <div class="legend-row"><span>0</span><i class="ramp"></i><span class="top"></span><span class="mean"></span><button type="button" class="button small quiet follow" hidden>Back to the run's text</button></div><div class="history"></div></section>
  <section class="view view-next"><h3><b>Next</b> <span class="after"></span></h3><div class="rows"></div><p class="said"></p>
    <div class="row forks"><button type="button" class="button small another">${icon("fork")}<span>Choose another and continue</span></button><button type="button" class="icon-button undo" aria-label="Undo" title="Undo">${icon("reset")}</button></div></section>
  <section class="view view-looking"></section></div>`;

/** A place worth looking at: unsure, and not the likeliest chosen. */
function worth({ pieces, surprise, entropy, given }) {
  const good = pieces.findIndex((p, i) => i > given + 24 && entropy[i] > 1.5 && surprise[i] > 0.8 && surprise[i] < 2.3 && /[a-z]/i.test(p));
  return good > 0 ? good : Math.min(pieces.length - 1, given + 40);
}

/** How many tokens before it a prediction can see. */
const reaches = ({ model, block_size: block, window, order }) => ({ mlp: window, ngram: order - 1, rnn: Infinity, gru: Infinity })[model] ?? block;

/** @param {HTMLElement} box @param {object} lab @param {Record<string, boolean>} layers which toggles are on */
export function createTextStage(box, lab, layers) {
  const { session, store, commands } = lab;
  box.innerHTML = HTML;
  const find = (selector) => box.querySelector(selector);
  const choice = createGeneration(find(".sliders"), [TEMPERATURE, TOP_P, TOP_K], (settled) => (settled && writing.rewrite(), asking(), show()));
  const writing = createWriting(lab, { choice: choice.values, changed: () => (asking(), show()) });
  const written = createWritten(find(".text"), { onPick: pick, onHover: (i) => looking.hover(i) });
  const next = createNext(find(".rows"), { onChoose: choose });
  const looking = createLooking(find(".view-looking"), lab, { onLink: (pair) => ((link = pair), show()), onPick: pick });
  const history = createHistory(find(".history"), { onPick: commands.scrub });
  const after = createAsking(lab, "next", { show, pause: PAUSE });
  const learned = createAsking(lab, "next", { show, pause: PAUSE });
  const lookedUp = createAsking(lab, "memorised", { show });
  const known = createAsking(lab, "baselines", { show: () => (known.frame && store.lasting.set("baselines", view(known.frame, "baselines")), show()), lasting: () => true });
  let [about, seen, link] = [null, null, null];
  let position = -1;
  let sent = "";
  let counted = false; // whether it was asked how many symbols there are
  let checked = { text: null, of: null, marked: null }; // copies: of which text, and it with its marks
  let movedAt = 0;
  let shownStep = -1;

  // --- what a press does -----------------------------------------------------------------------------------------------------------
  function pick(at) {
    position = Math.max(1, Math.min(at, (writing.text?.pieces.length ?? 2) - 1));
    movedAt = 0;
    asking();
    show();
  }

  async function choose(piece) {
    const p = plain().get(piece);
    const token = { piece, surprise: p > 0 ? -Math.log(p) : NaN, entropy: learned.frame?.metrics["entropy [nats]"] ?? NaN };
    await writing.choose(position, token);
  }

  let tried = 0; // alternatives at this place so far
  find(".another").addEventListener("click", () => {
    const others = next.others();
    if (others.length) choose(others[tried++ % others.length]);
  });
  find(".undo").addEventListener("click", writing.undo);
  find(".follow").addEventListener("click", writing.follow);
  find(".next-token").addEventListener("click", async () => {
    const prompt = find(".prompt input");
    const fresh = prompt.value !== (prompt.dataset.used ?? "") ? prompt.value : "";
    prompt.dataset.used = prompt.value;
    const at = await writing.next(fresh);
    if (at) pick(at), written.keep(at);
  });
  find(".seq-bar").addEventListener("submit", async (event) => {
    event.preventDefault();
    const prompt = find(".prompt input");
    prompt.dataset.used = prompt.value;
    await writing.generate(prompt.value);
    if (writing.text) pick(worth(writing.text));
    find(".text").scrollTop = 0;
  });

  // --- asking ----------------------------------------------------------------------------------------------------------------------
  const may = () => about && ready(store) && same(store, about.config) && writing.text && (store.live || performance.now() - movedAt > REST);

  function asking() {
    if (!may()) return;
    const { text } = writing;
    if (position < 1 || position >= text.pieces.length) position = worth(text);
    const values = { text: before(text, position), shown: SHOWN, ...choice.values() };
    const key = JSON.stringify(values);
    if (key === sent) return [after, learned].forEach((a) => a.again());
    sent = key;
    tried = 0;
    if (!neutral(choice.values())) after.ask(values);
    learned.ask({ ...values, temperature: 1, top_p: 1, top_k: 0 });
  }

  function copies() {
    const { text } = writing;
    if (!layers.copies || !text || !may()) return;
    if (checked.text !== text && !writing.look().moving) {
      checked = { text, of: null, marked: null };
      lookedUp.ask({ text: text.pieces.join("").slice(0, 4_000), least: 20 });
    }
    const answer = lookedUp.frame;
    if (answer && checked.of !== answer && lookedUp.values.text === text.pieces.join("").slice(0, 4_000)) checked = { text, of: answer, marked: { ...text, mark: marksOn(text, view(answer, "text")) } };
  }

  /** Marks of the answer's tokens on the text's own, which may be cut differently. */
  function marksOn({ pieces }, { pieces: theirs, arrays }) {
    const each = theirs.flatMap((p, i) => new Array(p.length).fill(arrays.mark[i]));
    let from = 0;
    return Uint8Array.from(pieces, (p) => each.slice(from, (from += p.length)).some(Boolean));
  }

  // --- showing ---------------------------------------------------------------------------------------------------------------------
  const bars = (asked) => view(asked.frame, "next");
  const plain = () => new Map(bars(learned)?.labels.map((l, i) => [l, bars(learned).arrays.values[i]]) ?? []);
  const tint = () => (layers.entropy ? "entropy" : layers.surprise ? "surprise" : "");

  function show() {
    if (!about || !seen) return;
    const data = textOf(tokensIn(seen.backdrop, "stage"), 0);
    const text = (about.started && writing.text) || data;
    const trained = about.started && text !== data;
    const { shown, moving } = writing.look();
    copies();
    const marked = layers.copies && checked.text === text && checked.marked ? checked.marked : text;
    const mask = layers.mask && trained && about.config.causal ? reaches(about.config) : 0;
    written.update({ text: held(marked), tokens: about.config.tokens, tint: tint(), position: trained ? position : -1, shown, mask, row: link?.row, column: link?.column, faded: seen.faded });
    showLegend(text, trained);
    showNext(text, trained);
    if (trained) looking.update({ text, position, about, resting: may() });
    find(".view-looking").classList.toggle("blank", !trained);
    find(".next-token").disabled = find(".generate").disabled = writing.busy || !about.started;
    Object.assign(box.dataset, { position, tokens: text?.pieces.length ?? 0, own: writing.isOwn, step: text?.step ?? "" });
    if (moving) requestAnimationFrame(show);
  }

  let kept = null; // the data's text is made anew from each backdrop: one object, so that nothing is drawn twice
  function held(text) {
    if (text && kept && text !== writing.text && kept.pieces === text.pieces && kept.mark === text.mark) return kept;
    return (kept = text);
  }

  function showLegend(text, trained) {
    const unit = about.config.tokens === "bpe" ? "tokens" : "characters";
    const made = writing.isOwn ? { generated: `written from your prompt, seed ${int(writing.seed)}`, forked: "forked by you", grown: "token by token", given: "your text, as the model reads it" }[text.about] : "";
    find(".view-text b").textContent = !trained ? "Text held out" : writing.isOwn ? "Your text" : "Generated text";
    const tinted = { surprise: "tint = surprise of the chosen token, −log p", entropy: "tint = entropy before it was chosen" }[tint()] ?? "";
    find(".view-text small").textContent = !trained ? "what the model is to predict" : [made || `step ${int(text.step)}`, tinted].filter(Boolean).join(" · ");
    const found = layers.copies && checked.of ? `copied ${fixed(100 * checked.of.metrics.copied, 0)} %, longest ${int(checked.of.metrics["longest copy [characters]"])} characters` : "";
    const temperature = writing.isOwn ? `T ${fixed(choice.values().temperature, 2)}` : "T 0.8";
    const mean = trained && tint() ? `${written.words({ text, tint: tint() })} ${unit}, ${temperature}` : "";
    find(".mean").textContent = writing.refused || found || mean;
    find(".legend-row").classList.toggle("plain", !trained || !tint());
    find(".legend-row .top").textContent = tint() ? `${written.full(tint())} nats` : "";
    find(".follow").hidden = !writing.isOwn;
  }

  function showNext(text, trained) {
    const own = bars(learned);
    const answer = trained ? (neutral(choice.values()) ? own : bars(after)) : null;
    const chosen = trained ? (text.pieces[position] ?? null) : null;
    const locked = !store.live ? "Go to the newest step to choose" : writing.busy ? "Writing" : "";
    next.update(answer && { labels: answer.labels, p: answer.arrays.values, own: neutral(choice.values()) ? null : plain(), chosen, locked });
    find(".view-next b").textContent = about.config.tokens === "bpe" ? "Next token" : "Next character";
    find(".after").textContent = trained ? `after …${visible(before(text, position).slice(-TAIL))}` : "";
    find(".view-next .said").textContent = trained ? sentence(text, chosen) : "";
    find(".another").disabled = Boolean(locked) || !answer;
    find(".undo").disabled = !writing.canUndo;
    find(".forks").hidden = !trained || !store.live;
    find(".view-next").dataset.chosen = chosen ?? "";
  }

  function sentence(text, chosen) {
    if (learned.refused) return learned.refused;
    const entropy = Number.isFinite(text.entropy[position]) ? text.entropy[position] : learned.frame?.metrics["entropy [nats]"];
    const symbols = about.config.tokens === "bpe" ? about.config.vocab : known.frame?.metrics["different characters"];
    const of = symbols ? `, of ${fixed(Math.log(symbols), 2)} for ${int(symbols)} ${about.config.tokens === "bpe" ? "tokens" : "characters"}` : "";
    return `${elsewhere(store, learned.frame)}Chosen ${visible(chosen ?? "")}, surprise ${fixed(text.surprise[position], 2)} nats. Entropy here ${fixed(entropy, 2)} nats${of}.`;
  }

  return {
    writing,
    pick,
    show,
    choice,
    /** Every picture. */
    draw(next) {
      seen = next;
      if (store.step !== shownStep) [shownStep, movedAt] = [store.step, performance.now()];
      writing.update(next.frame);
      show();
    },
    /** What need not follow every picture. */
    words(nextAbout) {
      about = nextAbout;
      if ([after, learned, lookedUp, known].map((a) => a.renew(nextAbout)).some(Boolean)) {
        writing.clear();
        store.lasting.delete("baselines");
        writing.update(seen?.frame ?? null);
        [sent, position, counted, checked] = ["", -1, false, { text: null, of: null, marked: null }];
      }
      if (ready(store) && !counted) (counted = true), known.ask({});
      writing.fill(!nextAbout.running);
      asking();
      history.update(store, nextAbout.total);
      show();
      if (!store.live && !may()) setTimeout(() => (asking(), show()), REST);
    },
  };
}
