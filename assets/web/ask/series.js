// Several questions about one model, answered one after the other. While it trains nothing is asked but the first time; what was answered
// before stays in sight until the new answer is there, and it can be said of what it is.
import { OF_SAMPLING } from "../denoise/samplers.js";
import { int } from "../format.js";
import { ask, sentence } from "./call.js";
import { ready } from "./question.js";

export const OLD = "of the run before"; // the age of answers whose run has been replaced

const idOf = ([question, values]) => `${question} ${JSON.stringify(values)}`;

/** What a model is: its run, its training settings, and those of `of` that also count. */
export function modelOf(store, config, of = []) {
  const own = Object.entries(config).filter(([name]) => name !== "lr" && (!OF_SAMPLING.includes(name) || of.includes(name)));
  return JSON.stringify([store.header.active, own]);
}

/**
 * @param {{session: object, store: object}} tools @param {() => void} show after each answer or refusal
 * @returns {{want: Function, get: Function, age: () => string, refused: string, busy: boolean, step: number|null}}
 */
export function createSeries({ session, store }, show) {
  const series = { refused: "", busy: false, step: null, want, get, age, missing: () => list.filter((q) => !frames.has(idOf(q))).length };
  let key = "";
  let model = "";
  let frames = new Map(); // id -> frame, of the model as it is
  let before = new Map(); // the same, at an earlier step of it
  let list = [];
  let run = null; // name of the run that answered last

  /**
   * Have these answered.
   * @param {object} about as scenes are given it @param {[string, object][]} questions @param {string[]} [of] sampling knobs that they depend on
   */
  function want(about, questions, of = []) {
    if (!ready(store)) return void (list = []);
    const now = modelOf(store, about.config, of);
    const next = `${now} ${store.active.lastStep}`;
    if (next !== key && (now !== model || !about.running)) {
      before = now === model ? (frames.size ? frames : before) : new Map();
      [frames, key, model] = [new Map(), next, now];
      series.refused = "";
    }
    list = questions;
    pump();
  }

  /** The newest answer to a question, or null. */
  function get(question, values) {
    return frames.get(idOf([question, values])) ?? before.get(idOf([question, values])) ?? null;
  }

  /** Of what the answers in sight are, where it is not the model as it is now: "" | "of the run before" | "of step 4,000". */
  function age() {
    if (series.step == null || !(frames.size || before.size)) return "";
    if (run !== store.header.active) return OLD;
    return series.step === store.active?.lastStep ? "" : `of step ${int(series.step)}`;
  }

  async function pump() {
    if (series.busy || series.refused || !series.missing()) return;
    series.busy = true;
    let next = null;
    while (!series.refused && (next = list.find((q) => !frames.has(idOf(q))))) await answer(next);
    series.busy = false;
    show();
  }

  async function answer(question) {
    const mine = key;
    try {
      const frame = await ask(session, ...question, { quiet: before.has(idOf(question)), again: () => ((series.refused = ""), pump()) });
      if (mine === key) [run, series.step] = [store.header.active, frame.step];
      if (mine === key) frames.set(idOf(question), frame);
    } catch (error) {
      if (mine === key) series.refused = sentence(error);
    }
    show();
  }

  return series;
}
