// The text on the stage: the run's own, as each picture has it, or the visitor's: written from a prompt, forked at a token, grown token by
// token. What was there before each change can be had back. No drawing here.
import { ask as call, sentence } from "../ask/call.js";
import { ready, view } from "../ask/question.js";
import { before, cut, joined, textOf, tokensIn } from "./tokens.js";

const LENGTH = 400; // tokens of a text that is asked for
const FULL = 420; // tokens that fill the stage
const AGAIN = 160; // tokens at least after a fork
const RISE = 1_000; // ms in which new tokens appear
const SEEDS = 10_000;

/**
 * @param {{session: object, store: object}} lab
 * @param {{choice: () => {temperature: number, top_p: number, top_k: number}, changed: () => void}} on
 */
export function createWriting({ session, store }, { choice, changed }) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let run = { text: null, frame: null };
  let own = null;
  let fuller = { of: null, text: null }; // the run's newest text, gone on with while the run rests
  let past = [];
  let seed = 0;
  let life = 0; // grows with each run: an answer that comes late belongs to none
  let grown = null; // {text, from, since}: tokens that are still appearing
  const writing = { busy: false, refused: "", generate, rewrite, choose, next, undo, follow, clear, update, fill, look, paste };

  /** The text to be shown. */
  function text() {
    if (own && store.live) return own;
    return fuller.of === run.frame && store.live ? fuller.text : run.text;
  }

  function set(next, from) {
    if (text()) past.push(own);
    past = past.slice(-30);
    own = next;
    grown = still.matches ? null : { text: next, from, since: performance.now() };
    changed();
  }

  /** What the model writes; null if it is refused, or if another run has taken the place of the one that was asked. */
  async function ask(values) {
    const mine = life;
    writing.busy = true;
    writing.refused = "";
    changed();
    try {
      const frame = await call(session, "continue", { ...choice(), ...values });
      return mine === life ? textOf(tokensIn(frame, "text"), frame.step) : null;
    } catch (error) {
      if (mine === life) writing.refused = error.status === 204 ? "" : sentence(error);
      return null;
    } finally {
      writing.busy = false;
      changed();
    }
  }

  /** A new text from a prompt; an empty one begins as the run's own texts do. */
  async function generate(prompt, { again = false } = {}) {
    if (!again && own) seed = (seed + 1) % SEEDS;
    const start = prompt || run.text?.pieces.slice(0, run.text.given).join("") || "\n";
    const answer = await ask({ text: start, length: LENGTH, seed });
    if (answer) set({ ...answer, about: "generated", prompt }, answer.given);
  }

  /** The same random numbers under other settings. */
  function rewrite() {
    if (own?.about === "generated" && !writing.busy) generate(own.prompt, { again: true });
  }

  /** Put another token at a place and go on from there. @param {{piece: string, surprise: number, entropy: number}} token */
  async function choose(position, token) {
    const old = text();
    const start = cut(old, position);
    const answer = await ask({ text: before(old, position), token: token.piece, length: Math.max(AGAIN, old.pieces.length - position - 1), seed });
    if (!answer) return;
    const put = { ...start, pieces: [...start.pieces, token.piece], surprise: [...start.surprise, token.surprise], entropy: [...start.entropy, token.entropy] };
    set({ ...joined(put, answer), about: "forked" }, position + 1);
  }

  /** One more token at the end, drawn; resolves to where it stands. */
  async function next(prompt) {
    const old = prompt ? { pieces: [prompt], surprise: [NaN], entropy: [NaN], given: 1, mark: null, about: "grown" } : text();
    if (!old) return null;
    seed = (seed + 1) % SEEDS;
    const answer = await ask({ text: before(old, old.pieces.length), length: 1, seed });
    if (!answer) return null;
    set({ ...joined(old, answer), about: "grown" }, old.pieces.length);
    return old.pieces.length;
  }

  /** A text of the visitor's, read by the model. */
  async function paste(words) {
    const frame = await call(session, "surprise", { text: words });
    set(textOf(tokensIn(frame, "text"), frame.step, "given"), 0);
  }

  function undo() {
    if (!past.length) return;
    own = past.pop();
    grown = null;
    changed();
  }

  /** Back to the text of the run. */
  function follow() {
    own = null;
    past = [];
    writing.refused = "";
    changed();
  }

  function clear() {
    life++;
    [run, fuller, seed, grown] = [{ text: null, frame: null }, { of: null, text: null }, 0, null];
    follow();
  }

  function update(frame) {
    if (frame === run.frame) return;
    run = { frame, text: textOf(tokensIn(frame, "stage"), frame?.step ?? 0) };
  }

  /** While the run rests its newest text goes on until it fills the stage. */
  async function fill(resting) {
    const { frame, text: short } = run;
    if (!resting || !store.live || !ready(store) || !short || fuller.of === frame || short.pieces.length >= FULL) return;
    fuller = { of: frame, text: short };
    try {
      const answer = await call(session, "continue", { text: before(short, short.pieces.length), length: FULL - short.pieces.length, temperature: 0.8 }, { branch: session.active, quiet: true });
      const more = textOf(view(answer, "text"), frame.step);
      if (fuller.of === frame) fuller.text = { ...joined(short, more), step: frame.step };
    } catch {
      return; // the short one stands
    }
    changed();
  }

  /** How many tokens of the text are to be seen now, and whether that changes by itself. */
  function look() {
    const now = text();
    if (!grown || grown.text !== now) return { shown: Infinity, moving: false };
    const rest = now.pieces.length - grown.from;
    const shown = grown.from + Math.ceil((rest * (performance.now() - grown.since)) / Math.min(RISE, 60 * rest));
    if (shown < now.pieces.length) return { shown, moving: true };
    grown = null;
    return { shown: Infinity, moving: false };
  }

  return Object.defineProperties(writing, {
    text: { get: text },
    isOwn: { get: () => Boolean(own) && store.live },
    canUndo: { get: () => past.length > 0 && store.live },
    seed: { get: () => seed },
  });
}
