// What only the diffusion tab has: denoising step by step as its stage, and scenes that open the sampler up.
import { createDenoiseArea } from "../denoise/area.js";
import * as anatomy from "../denoise/scenes/anatomy.js";
import { createDenoiseReadings } from "../denoise/readings.js";
import { OF_SAMPLING } from "../denoise/samplers.js";
import * as averages from "../denoise/scenes/averages.js";
import * as bound from "../denoise/scenes/bound.js";
import * as distil from "../denoise/scenes/distil.js";
import * as edit from "../denoise/scenes/edit.js";
import * as eta from "../denoise/scenes/eta.js";
import * as forward from "../denoise/scenes/forward.js";
import * as grids from "../denoise/scenes/grids.js";
import * as guidance from "../denoise/scenes/guidance.js";
import * as inpaint from "../denoise/scenes/inpaint.js";
import * as invert from "../denoise/scenes/invert.js";
import * as matrix from "../denoise/scenes/matrix.js";
import * as reference from "../denoise/scenes/reference.js";
import * as score from "../denoise/scenes/score.js";
import * as targets from "../denoise/scenes/targets.js";
import * as trajectories from "../denoise/scenes/trajectories.js";
import * as seeds from "../scenes/seeds.js";

/** @type {import("../lab.js").Tab} */
export const diffusion = {
  createArea: createDenoiseArea,
  createReadings: createDenoiseReadings,
  scenes: { anatomy, forward, matrix, trajectories, grids, eta, score, targets, averages, distil, edit, guidance, inpaint, invert, bound, reference, seeds },
  mark: "square",
  home: { "2d": "From noise to data", image: "From noise to data" },
  shortcuts: [
    ["forward", "Data to noise", "right"],
    ["grids", "Step 20 of 40", "seed"],
    ["edit", "Edit x\u209c and continue", "pen"],
    ["reference", "Reference", "check"],
  ],
  clock: "training step",
  sampling: OF_SAMPLING,
  steps: [{ key: "loss", title: "training step", loss: "mse", grad: "grad_norm" }],
  mayFork: ["objective", "steps", "lr_decay", "beta1", "beta2", "batch", "schedule", "weighting", "ema_decay", "noise_mean", "noise_std"],
  ofALoss: [],
  empty: (kind) => `The grey ${kind === "image" ? "pictures" : "points"} are the data. Press Train and the network learns to take noise away from them.`,
  tryFirst: ["DDPM as published", "ddpm"],
  keys: [["b", "B", "Step", null]],
};
