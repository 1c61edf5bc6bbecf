// Several questions about one model, answered one after the other. While it trains nothing is asked but the first time; what was answered
// before stays in sight until the new answer is there.
import { ready } from "../latent/scenes/asking.js";
import { OF_SAMPLING } from "./samplers.js";

const PASSING = [204, 404, 429, 503]; // answers of a server that will do better in a moment
const PAUSE = 600; // ms before it is asked again
const TRIES = 5;

const idOf = ([question, values]) => `${question} ${JSON.stringify(values)}`;

/** What a model is: its run, its training settings, and those of `of` that also count. */
export function modelOf(store, config, of = []) {
  const own = Object.entries(config).filter(([name]) => name !== "lr" && (!OF_SAMPLING.includes(name) || of.includes(name)));
  return JSON.stringify([store.header.active, own]);
}

/**
 * @param {{session: object, store: object}} tools @param {() => void} show after each answer or refusal
 * @returns {{want: Function, get: Function, refused: string, busy: boolean, step: number|null}}
 */
export function createSeries({ session, store }, show) {
  const series = { refused: "", busy: false, step: null, want, get, missing: () => list.filter((q) => !frames.has(idOf(q))).length };
  let key = "";
  let model = "";
  let frames = new Map(); // id -> frame, of the model as it is
  let before = new Map(); // the same, at an earlier step of it
  let list = [];

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
    for (let tries = 1; mine === key; tries++) {
      try {
        const frame = await session.ask(...question);
        if (mine === key) frames.set(idOf(question), frame), (series.step = frame.step);
        return show();
      } catch (error) {
        const passing = error instanceof TypeError || PASSING.includes(error.status);
        if (mine === key && (!passing || tries === TRIES)) series.refused = error.message.replace(/^[a-z](?![\w]*=)/, (letter) => letter.toUpperCase());
        if (series.refused) return show();
        if (!passing) return undefined;
      }
      await new Promise((go) => setTimeout(go, PAUSE));
    }
    return undefined;
  }

  return series;
}
