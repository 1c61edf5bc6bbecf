// One set of runs that differ in nothing but the seed: which seeds, what came of each, and how they are asked for one after the other.

const PATIENCE = 60_000; // ms that a page may be hidden before no further run is asked for
const TRIES = 6; // at one answer, where the server says "once more"
const PAUSE = 500; // ms between two of them
const PICTURE = { points: 200, images: 4 }; // examples kept for a thumbnail

/**
 * @typedef {object} Result
 * @property {number} seed
 * @property {Record<string, number|null>|null} values metrics at the end, null where training was lost
 * @property {string|null} lost why
 * @property {object|null} picture a view of a few samples
 */

/** `count` seeds after the visitor's own, from 0 again after the last there is. */
export const seedsAfter = (own, count, last = 9999) => Array.from({ length: count }, (_, i) => (own + 1 + i) % (last + 1));

export class SeedSet {
  /** @param {object} config its seed is the visitor's own @param {number} count */
  constructor(config, count) {
    this.config = config;
    this.seeds = seedsAfter(config.seed, count);
    this.results = new Map(); // seed -> Result
    this.floors = {};
    this.seconds = null; // of CPU time for one run, as foreseen
    this.twin = "";
    this.waited = []; // ms for each answer
  }

  /** The runs there are, in the order of their seeds. @returns {Result[]} */
  get done() {
    return this.seeds.filter((seed) => this.results.has(seed)).map((seed) => this.results.get(seed));
  }

  get missing() {
    return this.seeds.filter((seed) => !this.results.has(seed));
  }

  /** Whether these settings, the seed apart, are those of this set. */
  alike(config) {
    return Object.entries(config).every(([name, v]) => name === "seed" || this.config[name] === v);
  }

  /** The same set with more or fewer seeds; what is known of them is kept. */
  resized(count) {
    const next = Object.assign(new SeedSet(this.config, count), { floors: this.floors, seconds: this.seconds, twin: this.twin, waited: this.waited });
    for (const seed of next.seeds) if (this.results.has(seed)) next.results.set(seed, this.results.get(seed));
    return next;
  }

  /** Seconds until the last answer, by the pace so far or by what was foreseen. */
  get left() {
    const each = this.waited.length ? this.waited.reduce((a, b) => a + b, 0) / this.waited.length / 1000 : this.seconds;
    return each == null ? null : each * this.missing.length;
  }

  /** Take in an answer; one to a question about time alone holds no run. */
  take(seed, { rows, seconds, floors, twin, lost, frame }) {
    Object.assign(this, { floors, twin });
    this.seconds ??= seconds;
    if (rows.length || lost) this.results.set(seed, { seed, values: rows.at(-1)?.m ?? null, lost, picture: rows.length ? pictureOf(frame) : null });
  }
}

/** A few samples of the end, copied, so that the rest of the answer need not be kept. */
function pictureOf(frame) {
  const view = frame.views.find((v) => v.panel === "stage" && v.name === "samples");
  if (view?.type === "points") return { type: "points", role: "model", arrays: { xy: view.arrays.xy.slice(0, 2 * PICTURE.points) } };
  if (view?.type !== "images") return null;
  const [n, ...shape] = view.shapes.pixels;
  const count = Math.min(n, PICTURE.images);
  const pixels = view.arrays.pixels.slice(0, count * shape.reduce((a, b) => a * b, 1));
  return { type: "images", role: "model", arrays: { pixels }, shapes: { pixels: [count, ...shape] } };
}

/**
 * Train what is missing of a set, seed after seed. The first question is how long it takes.
 * @param {SeedSet} set
 * @param {{ask: (config: object, options: {foresee: boolean, signal: AbortSignal}) => Promise<object>, signal: AbortSignal, changed: () => void}} on
 * @throws what the server refuses, or an AbortError once the signal is given
 */
export async function trainSet(set, { ask, signal, changed }) {
  const answered = async (seed, foresee) => set.take(seed, await patiently(() => ask({ ...set.config, seed }, { foresee, signal }), signal));
  const hidden = watchHidden(signal);
  if (set.seconds == null) await answered(set.missing[0], true);
  changed();
  for (const seed of set.missing) {
    await hidden.tooLong();
    const begun = performance.now();
    await answered(seed, false);
    set.waited.push(performance.now() - begun);
    changed();
  }
}

/** Asks again where the run it was asked beside was replaced, the server has too much to do, or the connection broke. */
async function patiently(ask, signal) {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      const passing = error instanceof TypeError || [404, 429, 503].includes(error.status);
      if (signal.aborted || !passing || tries === TRIES) throw error;
    }
    await new Promise((go) => setTimeout(go, PAUSE));
    signal.throwIfAborted();
  }
}

/** A page that nobody looks at finishes what is under way, and asks for more only while it is not hidden for long. */
function watchHidden(signal) {
  let since = document.hidden ? performance.now() : Infinity;
  document.addEventListener("visibilitychange", () => (since = document.hidden ? performance.now() : Infinity), { signal });
  return {
    async tooLong() {
      while (performance.now() - since > PATIENCE) {
        await new Promise((go) => {
          document.addEventListener("visibilitychange", go, { once: true });
          signal.addEventListener("abort", go, { once: true });
        });
        signal.throwIfAborted();
      }
    },
  };
}
