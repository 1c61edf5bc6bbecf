// How samplers are called on the page, and which of them stand in the small table.

/** key -> [name, what kind it is] */
export const SAMPLERS = {
  ddpm: ["DDPM", "ancestral"],
  ddim: ["DDIM", "order 1"],
  euler: ["Euler", "order 1"],
  heun: ["Heun", "order 2"],
  "dpmpp-2m": ["DPM-Solver++", "2M, order 2"],
  "dpmpp-2m-sde": ["DPM-Solver++ SDE", "2M, fresh noise"],
  unipc: ["UniPC", "order 2"],
  "flow-euler": ["Flow Euler", "order 1"],
  "flow-heun": ["Flow Heun", "order 2"],
};
export const FOUR = ["ddpm", "ddim", "heun", "dpmpp-2m"];
export const CALLS = [1, 2, 5, 10, 20, 50];

/** Name of a sampler; DDIM with how much fresh noise it takes. */
export const kindOf = (sampler, config) => (sampler === "ddim" ? `η ${config.eta}` : sampler === "heun" && config.s_churn ? "churned" : SAMPLERS[sampler][1]);

/** Knobs that a sampler and its number of steps stand beside: what is measured changes with them. */
export const BESIDE = ["grid", "sigma_min", "sigma_max", "rho", "eta", "s_churn", "cfg_scale", "classifier_scale"];
export const OF_SAMPLING = ["sampler", "num_steps", ...BESIDE];
