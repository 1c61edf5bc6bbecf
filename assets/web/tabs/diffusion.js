// What only the diffusion tab has: denoising step by step as its stage, and scenes that open the sampler up.
import { createDenoiseArea } from "../denoise/area.js";
import { SAMPLING } from "../denoise/asking.js";
import { createRowReadings } from "../rowreadings.js";
import * as seeds from "../scenes/seeds.js";

/** @type {import("../lab.js").Tab} */
export const diffusion = {
  createArea: createDenoiseArea,
  createReadings: createRowReadings,
  scenes: { seeds },
  mark: "square",
  home: { "2d": "From noise to data", image: "From noise to data" },
  shortcuts: [],
  clock: "training step",
  sampling: SAMPLING,
  steps: [{ key: "loss", title: "training step", loss: "mse", grad: "grad_norm" }],
  mayFork: ["objective", "steps", "lr_decay", "beta1", "beta2", "batch", "schedule", "weighting", "ema_decay", "noise_mean", "noise_std"],
  ofALoss: [],
  empty: (kind) => `The grey ${kind === "image" ? "pictures" : "points"} are the data. Press Train and the network learns to take noise away from them.`,
  tryFirst: ["DDPM as published", "ddpm"],
  keys: [["b", "B", "Step", null]],
};
