// What the stage asks of a model that does not train at the moment: one whole walk from noise to data as one answer, and the score at the
// walk's noise levels as another. From then on everything is here: a scrub asks for nothing.
import { ask as call, sentence } from "../ask/call.js";
import { createNewest } from "../ask/newest.js";
import { BESIDE, OF_SAMPLING } from "./samplers.js";
import { walkOf } from "./walk.js";

const EXAMPLES = { "2d": 300 };
const IMAGE_ROWS = 5; // of a grid with a column for each class
const IMAGES = 50; // most
const FIELDS = 40; // noise levels with a score field of their own, at most
const ROWS = 16; // arrows in each direction
const LEVELS = [1e-3, 1e3]; // that may be asked for

/** Indices of at most `most` places of a walk, evenly, the noiseless end left out. */
function chosen(sigmas, most) {
  const last = sigmas.length - 2;
  const n = Math.min(most, last + 1);
  return [...new Set(Array.from({ length: n }, (_, i) => Math.round((i * last) / Math.max(1, n - 1))))];
}

/** Which training: its branch, and all its settings but those of sampling. */
export function trainingOf({ header, active }) {
  return JSON.stringify([header.active, active?.info.from_step, Object.entries(active?.info.config ?? {}).filter(([name]) => !OF_SAMPLING.includes(name) && name !== "lr")]);
}

/**
 * @param {{session: object, store: object, knobs: {config: () => object}}} tools
 * @param {() => void} changed
 */
export function createRuns({ session, store, knobs }, changed) {
  let wanted = ""; // what was asked for last
  const send = createNewest(ask, { answer: () => {}, refuse });

  /** Which weights: a training at a step. */
  const modelNow = () => `${trainingOf(store)} ${store.active?.lastStep}`;

  const runs = { walk: null, fields: null, model: "", refused: "", seed: 0, busy: false, update, modelNow };

  async function ask({ key, model, kind, classes, config, branch }) {
    runs.busy = true;
    changed();
    const n = EXAMPLES[kind] ?? (classes ? Math.min(64, Math.max(1, Math.min(IMAGE_ROWS, Math.floor(IMAGES / classes))) * classes) : 25);
    const { sampler, num_steps } = config;
    const guided = kind === "image" && config.conditional ? { cfg_scale: config.cfg_scale } : {};
    const frame = await call(session, "denoise", { n, sampler, num_steps, seed: runs.seed, ...guided }, { branch, quiet: Boolean(runs.walk), again });
    Object.assign(runs, { walk: walkOf(frame), model, refused: "", busy: false });
    changed();
    if (kind !== "2d" || key !== wanted) return;
    const at = chosen(runs.walk.sigmas, FIELDS);
    const sigmas = at.map((k) => Math.max(LEVELS[0], Math.min(LEVELS[1], runs.walk.sigmas[k])));
    const answer = await call(session, "score_field", { sigmas, rows: ROWS, zoomed: true }, { branch, quiet: true });
    const layers = (name) => answer.views.filter((v) => v.panel === name);
    const fields = { learned: layers("learned"), exact: layers("exact"), error: layers("error"), cosine: layers("cosine")[0]?.arrays.y ?? null };
    Object.assign(runs, { fields: { ...fields, at, sigmas, model } });
    changed();
  }

  /** The same once more, at the next look. */
  function again() {
    wanted = "";
    changed();
  }

  function refuse(error) {
    Object.assign(runs, { busy: false, refused: error.status === 204 ? "" : sentence(error) });
    if (error.status === 204) wanted = "";
    changed();
  }

  /** Ask where something is new. `about` as the scenes get it. */
  function update({ kind, set, started, running }) {
    const config = knobs.config();
    const active = store.active;
    if (!started || running || !active?.lastStep || !store.header.active) return;
    if (active.info.config.dataset !== config.dataset) return;
    const model = modelNow();
    const settled = BESIDE.filter((name) => name !== "cfg_scale").map((name) => active.info.config[name]); // those that only the run's own settings tell
    const key = JSON.stringify([model, runs.seed, config.sampler, config.num_steps, config.cfg_scale, settled]);
    if (key === wanted) return;
    wanted = key;
    send({ key, model, kind, classes: set.classes.length, config: { ...config }, branch: session.active });
  }

  return runs;
}
