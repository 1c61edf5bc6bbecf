// One walk from noise to data as the stage shows it: x_t step by step, what the network takes each for, and the noise levels. It comes as
// one answer, or from a picture of the training, which holds the paths of some samples.

/**
 * @typedef {object} Walk
 * @property {"points"|"images"} type
 * @property {object[]} x views of x_t: the noise, then one for each kept step, the last one the samples
 * @property {(object|null)[]} x0 what the network takes each of them for, null where it was not asked
 * @property {number[]} sigmas noise level of each @property {number[]} steps of the sampler that led to each @property {number} total
 * @property {number[]|null} share of the prediction's whole change that is done, 0 to 1
 * @property {Record<string, Float32Array>|null} table columns by step @property {boolean} asked whether it is an answer
 */

/** Flow time of a noise level. */
export const timeOf = (sigma) => sigma / (1 + sigma);

/** Signal-to-noise ratio of x0 + σε in dB, for data of unit variance. */
export const decibels = (sigma) => -20 * Math.log10(sigma);

const panel = (frame, name) => frame?.views.filter((v) => v.panel === name) ?? [];

/** @param {import("../decode.js").Frame} answer to the question "denoise" @returns {Walk} */
export function walkOf(answer) {
  const table = Object.fromEntries(panel(answer, "table").map((v) => [v.name, v.arrays.y]));
  const total = table.sigma.length;
  const x = [...panel(answer, "noise"), ...panel(answer, "x_t")];
  const steps = [0, ...panel(answer, "kept")[0].arrays.y];
  const done = cumulated(table["x0 change"]);
  return {
    type: x[0].type,
    x,
    x0: [...panel(answer, "x0"), x.at(-1)],
    steps,
    total,
    sigmas: steps.map((s) => (s < total ? table.sigma[s] : 0)),
    share: done && steps.map((s) => done[Math.min(s, total - 1)]),
    table,
    asked: true,
  };
}

/** Sum of the changes up to each step over the whole sum; null if nothing ever changes. */
function cumulated(changes) {
  let sum = 0;
  const sums = Array.from(changes, (c) => (sum += Number.isFinite(c) ? c : 0));
  return sum > 0 ? sums.map((s) => s / sum) : null;
}

/** The walk that a picture of the training holds, or null. @returns {Walk|null} */
export function walkInPicture(frame) {
  const samples = panel(frame, "stage").find((v) => v.name === "samples");
  if (!samples) return null;
  const paths = panel(frame, "stage").find((v) => v.type === "paths");
  const sigmas = panel(frame, "walk")[0]?.arrays.y;
  const common = { type: samples.type, share: null, table: null, asked: false };
  if (!paths || !sigmas) return { ...common, x: [samples], x0: [samples], steps: [0], total: 0, sigmas: [0] };
  const last = paths.shapes.xy[1] - 1;
  const x = Array.from({ length: last }, (_, k) => ({ ...samples, arrays: { xy: column(paths, k) } }));
  return { ...common, x: [...x, samples], x0: [...x.map(() => null), samples], steps: Array.from({ length: last + 1 }, (_, k) => k), total: last, sigmas: Array.from(sigmas) };
}

/** Places (n, 2) of all paths after k steps. */
export function column({ arrays: { xy }, shapes: { xy: [n, length] } }, k) {
  const out = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) out.set(xy.subarray(2 * (i * length + k), 2 * (i * length + k) + 2), 2 * i);
  return out;
}

/** Times of a walk's places: pure noise is at 1. */
export const timesOf = (sigmas) => sigmas.map((s, k) => (k ? timeOf(s) : sigmas.length > 1 ? 1 : timeOf(s)));

/** x_t or its prediction between two steps, for a film: straight from one to the next. @param {object[]} views @param {number} position */
export function between(views, position) {
  const k = Math.min(views.length - 1, Math.floor(position + 1e-6));
  const [a, b] = [views[k], views[k + 1]];
  const part = position - k;
  if (!a || !b || part < 1e-3 || a.type !== "points" || a.arrays.xy.length !== b.arrays.xy.length) return a;
  return { ...a, arrays: { ...a.arrays, xy: a.arrays.xy.map((v, i) => v + part * (b.arrays.xy[i] - v)) } };
}

/** A number between two steps. */
export function valueBetween(values, position) {
  const k = Math.min(values.length - 1, Math.floor(position + 1e-6));
  return k + 1 < values.length ? values[k] + (position - k) * (values[k + 1] - values[k]) : values[k];
}

/**
 * What unit noise is in data units: place = noise · scale + shift, from the same noise in both.
 * @returns {{scale: number, shift: [number, number]}|null}
 */
export function unitsOf(backdrop) {
  const [noise, start] = ["noise", "start"].map((name) => panel(backdrop, name)[0]?.arrays.xy);
  if (!noise || !start) return null;
  let [lo, hi] = [0, 0];
  for (let i = 0; i < noise.length; i += 2) {
    if (noise[i] < noise[lo]) lo = i;
    if (noise[i] > noise[hi]) hi = i;
  }
  const scale = (start[hi] - start[lo]) / (noise[hi] - noise[lo]);
  return { scale, shift: [start[lo] - scale * noise[lo], start[lo + 1] - scale * noise[lo + 1]] };
}
