// What only the autoregressive tab has: text token by token or pixel by pixel as its stage, and scenes that open the predictions up.
import { createSequenceArea } from "../sequence/area.js";
import { createContext } from "../sequence/context.js";
import { createOwnText } from "../sequence/owntext.js";
import { createRowReadings } from "../rowreadings.js";

/** @type {import("../lab.js").Tab} */
export const autoregressive = {
  createArea: createSequenceArea,
  createReadings: (part, tools) => createRowReadings(part, { ...tools, tail: (box) => createContext(box, tools, tools.family.chart_height) }),
  createOwn: createOwnText,
  scenes: {},
  home: { text: "Text", image: "Pixel by pixel", codes: "Code by code" },
  shortcuts: [],
  steps: [{ key: "loss", title: "training step", loss: "loss", grad: "grad_norm" }],
  mayFork: ["steps", "batch", "causal", "beta2", "warmup", "lr_end", "ema_decay"],
  ofALoss: [],
  empty: () => "Nothing is learned yet. Press Train: the model learns to say what comes next.",
  tryFirst: ["Remove the mask", "leak"],
  keys: [["b", "B", "Step", null]],
};
