// A question that follows the model: the newest wording goes first, it is asked again when the model has trained on, a refusal is kept as
// the server's sentence, and it is said when the timeline shows another step than the one that answers.
import { int } from "../format.js";
import { ask as call, sentence } from "./call.js";
import { createNewest } from "./newest.js";

const STALE = 600; // ms between two answers to the same question while the model trains

/**
 * @param {{session: object, store: object}} tools @param {string} question
 * @param {{show: () => void, pause?: number, stale?: number, lasting?: (values: object) => boolean}} on `show` after each answer or refusal;
 *   `lasting` questions have the same answer at every step
 * @returns {{frame: object|null, values: object|null, refused: string, busy: boolean, ask: Function, again: Function, renew: Function}} `values` are
 *   those of the answer
 */
export function createAsking({ session, store }, question, { show, pause = 0, stale = STALE, lasting = () => false }) {
  let values = null;
  let askedAt = -Infinity;
  let refusedAt = -1; // step
  let run = "";
  const asking = { frame: null, values: null, refused: "", busy: false, ask, again, renew };
  const send = createNewest(
    ({ values: v, branch }) => call(session, question, v, { branch, quiet: Boolean(asking.frame), again: () => values && ask(values) }),
    { answer: (frame, asked) => answer(frame, asked), refuse },
    pause,
  );

  function answer(frame, asked) {
    if (asked.run !== run) return; // the visitor has gone on to another run
    Object.assign(asking, { frame, values: asked.values, refused: "", busy: false });
    show();
  }

  function refuse(error, asked) {
    if (asked.run !== run) return;
    asking.busy = false;
    if (error.status === 204) return show(); // about a run that is gone: what replaced it is asked anew
    asking.refused = sentence(error);
    refusedAt = store.active?.lastStep ?? 0;
    show();
  }

  /** Ask with these values; they are kept for when the model has trained on. */
  function ask(next) {
    values = next;
    askedAt = performance.now();
    asking.busy = true;
    return send({ values: next, branch: session.active, run }); // it may wait until another run has taken that one's place
  }

  /** The same question to a model that is further on. */
  function again() {
    if (!ready(store) || !values || performance.now() - askedAt < stale) return;
    const newest = store.active?.lastStep ?? 0;
    if (asking.busy || (asking.frame && (asking.frame.step === newest || lasting(values)))) return;
    if (asking.refused && refusedAt === newest) return;
    ask(values);
  }

  /** Whether another run, fork or kind of model is asked from now on: what was answered belongs to the old one. */
  function renew({ config }) {
    const key = [store.header.active, config.dataset, config.objective ?? config.model, config.latent, config.seed, ready(store)].join();
    if (key === run) return false;
    run = key;
    values = null;
    Object.assign(asking, { frame: null, values: null, refused: "", busy: false });
    return true;
  }

  return asking;
}

/** Whether there is a model to ask: one whose worker is still starting would keep a question waiting. */
export const ready = (store) => (store.active?.info.step ?? 0) > 0;

/** Whether the run on the server is still the one with these settings: one that was just replaced by another kind is asked nothing. */
export const same = (store, config) => ["dataset", "model", "objective", "tokens"].every((knob) => store.active?.info.config[knob] === config[knob]);

/** What must be said when the timeline is not at the step that answers. */
export function elsewhere(store, frame) {
  return store.live || !frame ? "" : `The timeline is at step ${int(store.step)}; answers come from the newest step, ${int(frame.step)}. `;
}

/** A view of an answer. */
export const view = (frame, panel, name) => frame?.views.find((v) => v.panel === panel && (name == null || v.name === name || v.type === name)) ?? null;

/** The newest picture there is of a trained run, whatever the timeline shows. */
export const newest = (store) => (ready(store) ? store.frameAt(store.active.lastStep) : null);

/** What nats are of when grey pixels are taken as they are: a cross-entropy, no likelihood. */
export const soft = ({ likelihood, binarisation }) => (likelihood === "bernoulli" && binarisation === "soft" ? " of soft pixels (no true likelihood)" : "");

/** The name of a class, in a sentence: "a 7", "a sneaker", "an object". */
export function named(classes, label) {
  const name = classes?.[label];
  if (name == null) return "";
  return `${/^([aeiou]|8$)/i.test(name) ? "an" : "a"} ${name}`;
}
