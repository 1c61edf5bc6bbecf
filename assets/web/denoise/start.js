// A starting point that can be dragged: which way does it take, with the learned denoiser and with the exact one, by each chosen sampler?
// While it is dragged only the newest place is asked about.
import { ask as call, sentence } from "../ask/call.js";
import { createNewest } from "../ask/newest.js";
import { trainingOf } from "./walks.js";
import { BESIDE } from "./samplers.js";
import { timesOf } from "./walk.js";

const PAUSE = 35; // ms for each sampler between two questions
const STALE = 500; // ms between two questions about the same place while the model trains
export const MOST = 3; // samplers at once

/**
 * @typedef {object} Way
 * @property {string} sampler @property {object} learned view Paths (1, steps + 1, 2) @property {object|null} exact the same
 * @property {number[]} times of its places
 */

/** @param {{session: object, store: object, knobs: object}} tools @param {() => void} changed */
export function createStart({ session, store, knobs }, changed) {
  const start = { place: [0.55, 1.05], extra: [], ways: [], training: "", answered: null, apart: null, refused: "", moveTo, toggle, update, samplers };
  let wanted = "";
  let askedAt = 0;
  let seed = 0;
  const send = createNewest(ask, { answer, refuse });

  /** The run's sampler, and those chosen beside it. */
  function samplers() {
    const { sampler } = knobs.config();
    return [sampler, ...start.extra.filter((s) => s !== sampler)].slice(0, MOST);
  }

  async function ask(question) {
    const begun = performance.now();
    const answers = await Promise.all(question.samplers.map((sampler) => call(session, "trajectories", { starts: question.place, sampler, num_steps: question.num_steps, seed: question.seed }, { branch: question.branch, quiet: start.ways.length > 0 })));
    await new Promise((go) => setTimeout(go, Math.max(0, PAUSE * question.samplers.length - (performance.now() - begun))));
    return answers;
  }

  function answer(answers, question) {
    const view = (frame, panel) => frame.views.find((v) => v.panel === panel) ?? null;
    start.ways = answers.map((frame, i) => ({
      sampler: question.samplers[i],
      learned: view(frame, "learned"),
      exact: view(frame, "exact"),
      times: timesOf(Array.from(view(frame, "sigma").arrays.y)),
      step: frame.step,
    }));
    Object.assign(start, { answered: question.place, training: question.training, apart: answers[0].metrics.apart ?? null, refused: "" });
    changed();
  }

  function refuse(error) {
    Object.assign(start, { refused: error.status === 204 ? "" : sentence(error), ways: [] });
    if (error.status === 204) wanted = "";
    changed();
  }

  /** @param {[number, number]} place unit noise */
  function moveTo(place) {
    start.place = place.map((v) => Math.max(-4, Math.min(4, +v.toFixed(3))));
    asking();
    changed();
  }

  function toggle(sampler) {
    const on = start.extra.includes(sampler);
    start.extra = on ? start.extra.filter((s) => s !== sampler) : [...start.extra, sampler].slice(-(MOST - 1));
    wanted = "";
    asking();
    changed();
  }

  function asking() {
    const { active } = store;
    if (!active?.info.step) return;
    const { num_steps } = knobs.config();
    const own = BESIDE.map((name) => active.info.config[name]);
    const training = trainingOf(store);
    const key = JSON.stringify([start.place, samplers(), num_steps, seed, training, active.info.step, own]);
    if (key === wanted) return;
    wanted = key;
    askedAt = performance.now();
    send({ place: start.place, samplers: samplers(), num_steps, seed, training, branch: session.active });
  }

  /** The same place asked of a model that is further on, or with other settings. */
  function update(about, newSeed) {
    if (about.kind !== "2d" || !store.live) return;
    seed = newSeed;
    if (about.running && performance.now() - askedAt < STALE) return;
    asking();
  }

  return start;
}
