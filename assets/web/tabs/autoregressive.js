// What only the autoregressive tab has: text token by token or pixel by pixel as its stage, and scenes that open the predictions up.
import { createSequenceArea } from "../sequence/area.js";
import { createContext } from "../sequence/context.js";
import { createOwnText } from "../sequence/owntext.js";
import { createRowReadings } from "../rowreadings.js";
import * as cache from "../sequence/scenes/cache.js";
import * as complete from "../sequence/scenes/complete.js";
import * as context from "../sequence/scenes/context.js";
import * as imagetokens from "../sequence/scenes/imagetokens.js";
import * as ladder from "../sequence/scenes/ladder.js";
import * as lens from "../sequence/scenes/lens.js";
import * as mask from "../sequence/scenes/mask.js";
import * as order from "../sequence/scenes/order.js";
import * as overfit from "../sequence/scenes/overfit.js";
import * as receptive from "../sequence/scenes/receptive.js";
import * as reference from "../sequence/scenes/reference.js";
import * as sampling from "../sequence/scenes/sampling.js";
import * as scale from "../sequence/scenes/scale.js";
import * as surprise from "../sequence/scenes/surprise.js";

/** @type {import("../lab.js").Tab} */
export const autoregressive = {
  createArea: createSequenceArea,
  createReadings: (part, tools) => createRowReadings(part, { ...tools, tail: (box) => createContext(box, tools, tools.family.chart_height) }),
  createOwn: createOwnText,
  scenes: { sampling, surprise, receptive, complete, lens, context, ladder, order, overfit, mask, imagetokens, cache, reference, scale },
  home: { text: "Text", image: "Pixel by pixel", codes: "Code by code" },
  shortcuts: [
    ["surprise", "Surprise of anything", "pen"],
    ["sampling", "Temperature", "seed"],
    ["complete", "Complete", "right"],
    ["imagetokens", "Image tokens", "right"],
  ],
  steps: [{ key: "loss", title: "training step", loss: "loss", grad: "grad_norm" }],
  mayFork: ["steps", "batch", "causal", "beta2", "warmup", "lr_end", "ema_decay"],
  ofALoss: [],
  empty: () => "Nothing is learned yet. Press Train: the model learns to say what comes next.",
  tryFirst: ["Remove the mask", "leak"],
  keys: [["b", "B", "Step", null]],
};
