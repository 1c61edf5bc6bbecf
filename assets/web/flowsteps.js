// One training step in slow motion: what lights up in the diagram, and the sentence that goes with it. All numbers are of that step.
import { fixed, fmt, int } from "./format.js";

const by = (shape) => shape.join("×");
const one = (shape) => (shape.length > 1 ? shape.slice(1).join("×") : "1");

/**
 * @param {Record<string, {shape: number[], norm: number}>} trace of the step, see engines/gan/trace.py
 * @param {{m: Record<string, number>}} row its metrics
 * @param {object} config
 * @returns {{lit: string[], words: string, moves?: boolean}[]} `moves`: here the samples or the map change
 */
export function phases(trace, row, config) {
  const { z, fake, real, d_fake, d_real, grad_d, grad_g } = trace;
  const out = [];
  if (z && fake) out.push({ lit: ["noise", "noise-g", "g", "g-fake", "fake"], words: `G turns noise, ${by(z.shape)}, into samples, ${by(fake.shape)}.` });
  if (grad_d) {
    const each = real ? ` and ${int(real.shape[0])} from the data` : "";
    const answers = d_real && d_fake ? ` Its raw answers: ${by(d_fake.shape)} each.` : "";
    out.push({ lit: ["fake", "real", "fake-d", "real-d", "d"], words: `D looks at ${int(fake.shape[0])} samples${each} without being told which are which.${answers}` });
    out.push({ lit: ["d", "d-says", "says", "says-loss_d", "loss_d"], words: `Compared with the truth, its answers cost D a loss of ${fixed(row.m.d_loss, 3)}.` });
    out.push({ lit: ["loss_d", "grad_d", "d"], words: `The loss is traced back to all ${int(grad_d.shape[0])} weights of D: a gradient of length ${fmt(grad_d.norm, 3)}.` });
    out.push({ lit: ["d"], moves: !grad_g, words: `D moves against it, at learning rate ${fmt(config.lr_d, 2)}. G has not moved.` });
  }
  if (grad_g) {
    const again = grad_d ? "D, just changed, looks at the samples again" : `D looks at the ${int(fake.shape[0])} samples`;
    out.push({ lit: ["fake", "fake-d", "d", "d-says", "says"], words: `${again}: one number for each example of ${one(fake.shape)}.` });
    out.push({ lit: ["says", "says-loss_g", "loss_g"], words: `How little D was fooled is the loss of G: ${fixed(row.m.g_loss, 3)}.` });
    out.push({ lit: ["loss_g", "grad_g", "g"], words: `The gradient runs back through D, which stands still, to all ${int(grad_g.shape[0])} weights of G: length ${fmt(grad_g.norm, 3)}.` });
    out.push({ lit: ["g", "g-fake", "fake"], moves: true, words: `G moves against it, at learning rate ${fmt(config.lr_g, 2)}, and so do its samples.` });
  }
  return out;
}

/** Shapes on the edges of the diagram: of a traced step, else what the settings say. @returns {Record<string, string>} edge -> words */
export function shapes(trace, config, example) {
  const packs = config.batch / config.pack;
  const expected = { z: [config.batch, config.noise_dim], fake: [packs, ...example], real: [packs, ...example], d_fake: [packs] };
  const of = (name) => by(trace?.[name]?.shape ?? expected[name]);
  return { "noise-g": of("z"), "g-fake": of("fake"), "d-says": `2 · ${of("d_fake")}` };
}
