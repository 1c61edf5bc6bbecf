// Whole runs that differ in one knob: which values, what came of each, and how they are asked for. The seed stays that of the visitor's run.
import { SeedSet } from "../../seedset.js";

export const KNOBS = {
  beta: { values: [0.1, 0.3, 1, 3, 10, 20], objectives: ["elbo", "beta-vae", "warm-up", "free-bits"] },
  latent: { values: [1, 2, 4, 8, 16, 32], objectives: ["elbo", "beta-vae", "warm-up", "free-bits", "iwae"] },
};

/** The settings that a sweep keeps: all but the knob, the length chosen here. */
function kept(config, knob, steps) {
  const { [knob]: _, ...rest } = config;
  const objective = knob === "beta" && config.objective === "elbo" ? "beta-vae" : config.objective; // the same loss, with β for a knob
  return { ...rest, objective, steps };
}

/** A set of runs in which `value` stands where a set of seeds has its seed. */
export class SweepSet extends SeedSet {
  constructor(config, knob, steps) {
    super(config, 0);
    this.knob = knob;
    this.rest = kept(config, knob, steps);
    this.seeds = KNOBS[knob].values;
  }

  /** Settings of the run at one value. */
  at(value) {
    return { ...this.rest, [this.knob]: value };
  }

  get key() {
    return JSON.stringify([this.knob, this.rest]);
  }

  /** Take in an answer, a run or only how long it takes. */
  take(value, { rows, seconds, lost }) {
    this.seconds ??= seconds;
    if (rows.length || lost) this.results.set(value, { seed: value, values: rows.at(-1)?.m ?? null, lost, picture: null });
  }

  /** Runs that were not lost, in the order of their values. @returns {{value: number, m: Record<string, number>}[]} */
  get measured() {
    return this.done.filter((r) => r.values).map((r) => ({ value: r.seed, m: r.values }));
  }
}
