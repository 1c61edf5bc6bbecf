// What only the GAN tab has: its stage, its readings, its scenes, and what a change of a knob means to a game of two networks.
import { createReadings } from "../readings.js";
import * as birthday from "../scenes/birthday.js";
import * as fidelity from "../scenes/fidelity.js";
import * as fixes from "../scenes/fixes.js";
import * as gradients from "../scenes/gradients.js";
import * as losses from "../scenes/losses.js";
import * as neighbours from "../scenes/neighbours.js";
import * as noise from "../scenes/noise.js";
import * as predictions from "../scenes/predictions.js";
import * as seeds from "../scenes/seeds.js";
import { createStageArea } from "../stagearea.js";

/** @type {import("../lab.js").Tab} */
export const gan = {
  createArea: createStageArea,
  createReadings,
  scenes: { noise, predictions, losses, gradients, fidelity, seeds, fixes, birthday, neighbours },
  mark: "triangle",
  home: { "2d": "Data space", image: "Samples" },
  steps: [
    { key: "g", title: "generator step", loss: "g_loss", grad: "g_grad_norm" },
    { key: "d", title: "discriminator step", loss: "d_loss", grad: "d_grad_norm" },
  ],
  mayFork: ["objective", "n_critic", "steps", "penalty_every", "lr_decay", "ema_decay", "beta1", "beta2", "batch"],
  ofALoss: ["r1", "r2", "gp", "clip"],
  empty: (kind) => `The grey ${kind === "image" ? "pictures" : "points"} are the data. Press Train and the generator starts from noise.`,
  tryFirst: ["Collapse it", "collapse"],
  keys: [
    ["d", "D", "Step D", "d"],
    ["g", "G", "step G", "g"],
    ["b", "B", "both", null],
  ],
};
