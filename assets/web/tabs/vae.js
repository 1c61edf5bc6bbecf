// What only the VAE tab has: latent space as its stage, its charts in a row, and scenes that open latent space up.
import { createLatentArea } from "../latent/area.js";
import * as arithmetic from "../latent/scenes/arithmetic.js";
import * as draw from "../latent/scenes/draw.js";
import * as interpolate from "../latent/scenes/interpolate.js";
import * as reparameterise from "../latent/scenes/reparameterise.js";
import * as blur from "../latent/scenes/blur.js";
import * as aggregate from "../latent/scenes/aggregate.js";
import * as bounds from "../latent/scenes/bounds.js";
import * as latents3d from "../latent/scenes/latents3d.js";
import * as units from "../latent/scenes/perlatent.js";
import * as posterior from "../latent/scenes/posterior.js";
import * as prior from "../latent/scenes/prior.js";
import * as sweep from "../latent/scenes/sweep.js";
import { createUnits } from "../latent/units.js";
import { createRowReadings } from "../rowreadings.js";

const WITHOUT_PRIOR = ["autoencoder", "vq-vae"];
const hasPrior = ({ objective }) => !WITHOUT_PRIOR.includes(objective);

/** @type {import("../lab.js").Tab} */
export const vae = {
  createArea: createLatentArea,
  createReadings: (part, tools) => createRowReadings(part, { ...tools, tail: createUnits }),
  scenes: { draw, interpolate, arithmetic, blur, prior, aggregate, reparameterise, bounds, posterior, units, latents3d, sweep },
  home: { "2d": "Latent space", image: "Latent space" },
  shortcuts: [
    ["draw", "Draw a digit", "pen"],
    ["interpolate", "Interpolate", "right"],
    ["prior", "The prior matters", "seed"],
  ],
  hasPrior,
  samplesOf: (config) => (hasPrior(config) ? "each z drawn from N(0, I)" : "codes drawn at random"),
  steps: [{ key: "loss", title: "training step", loss: "loss", grad: "encoder_grad_norm" }],
  mayFork: ["objective", "steps", "lr_decay", "beta1", "beta2", "batch", "k", "estimator"],
  ofALoss: ["beta"],
  empty: (kind) => `Nothing is encoded yet. Press Train: each ${kind === "image" ? "image" : "point"} finds its place in latent space.`,
  tryFirst: ["Collapse it", "collapse"],
  keys: [["b", "B", "Step", null]],
};
