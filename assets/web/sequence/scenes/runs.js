// Whole runs that a scene has trained beside the visitor's own, one after the other, at a press: which, what came of each, how long they take.
import { duration, int } from "../../format.js";
import { SeedSet, trainSet } from "../../seedset.js";

/** A set of runs in which a key stands where a set of seeds has its seed. */
export class RunSet extends SeedSet {
  /** @param {Map<string, object>} settings by key, in the order in which they are trained */
  constructor(settings) {
    super({ seed: 0 }, 0);
    this.settings = settings;
    this.seeds = [...settings.keys()];
  }

  get key() {
    return JSON.stringify([...this.settings.values()]);
  }

  /** Take in an answer: metrics at the end, and what the run wrote or drew then. The time is that of the first. */
  take(key, { rows, seconds, lost, frame }) {
    this.seconds ??= seconds;
    if (rows.length || lost) this.results.set(key, { seed: key, values: rows.at(-1)?.m ?? null, lost, frame });
  }

  /** What is known of one. */
  at(key) {
    return this.results.get(key) ?? null;
  }
}

/**
 * @param {{session: object, button: HTMLButtonElement, said: HTMLElement, show: () => void, current: () => RunSet, words?: string, seed: () => number}} on
 *   `current` is the set of the settings on the stage, `show` is called after each change
 */
export function createRuns({ session, button, said, show, current, words = "runs", seed }) {
  const sets = new Map(); // what was trained stays as long as the page
  let going = null; // {set, control}
  let foreseen = "";
  let before = Promise.resolve();
  const runs = { refused: "", set: null, press, foresee, label, get busy() { return going?.set === runs.set; }, get going() { return going; } };

  function renew() {
    const set = current();
    if (!sets.has(set.key)) sets.set(set.key, set);
    runs.set = sets.get(set.key);
    return runs.set;
  }

  async function press() {
    if (going) return going.control.abort();
    const set = renew();
    if (!set.missing.length) return undefined;
    runs.refused = "";
    going = { set, control: new AbortController() };
    show();
    await before;
    try {
      await trainSet(set, { ask: ({ seed: key }, options) => session.exact(set.settings.get(key), options), signal: going.control.signal, changed: show });
    } catch (error) {
      if (error.name !== "AbortError") runs.refused = error.name === "TypeError" ? "The server cannot be reached just now; what there is stays." : error.message;
    }
    going = null;
    show();
    return undefined;
  }

  /** How long the first of them takes, before anybody presses. */
  function foresee() {
    const set = renew();
    if (set.seconds != null || foreseen === set.key || going) return;
    foreseen = set.key;
    const key = set.seeds.at(-1);
    const taken = (answer) => set.take(key, answer);
    const failed = (error) => (runs.set === set ? (runs.refused = error.message) : null);
    before = before.then(() => session.exact(set.settings.get(key), { foresee: true })).then(taken, failed).then(show);
  }

  /** Button and progress. */
  function label() {
    const set = renew();
    const [all, left] = [set.seeds.length, set.missing.length];
    button.textContent = going ? "Stop" : left && left < all ? `Train ${left} more` : `Train ${all} ${words}`;
    button.disabled = !going && !left;
    button.title = going ? "Stop after what there is" : "Whole runs beside yours, which stays as it is";
    const time = set.seconds == null ? "" : `about ${duration(set.seconds * left)} on one core · `;
    if (going && going.set !== set) said.textContent = "other settings are under way";
    else if (going) said.textContent = `${all - left} of ${all} · ${set.left == null ? "asking how long they take" : `about ${duration(set.left)} left`}`;
    else said.textContent = left ? `${time}seed ${int(seed())}` : `${all} of ${all} trained`;
    return set;
  }

  button.addEventListener("click", press);
  addEventListener("pagehide", () => going?.control.abort());
  return runs;
}
