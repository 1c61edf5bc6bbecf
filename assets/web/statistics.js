// Statistics of few runs: Student's interval of a mean and Wilson's of a share, both for 95 %; tests of two settings, paired by seed where
// the seeds are the same.

const LEVEL = 0.95;
const Z = 1.959963984540054; // Φ(Z) = 0.975

/** P(|T| ≤ t) of Student's t with `df` whole degrees of freedom, t ≥ 0. Abramowitz & Stegun, 26.7.3 and 26.7.4. */
export function studentWithin(t, df) {
  const angle = Math.atan2(t, Math.sqrt(df));
  const cos2 = Math.cos(angle) ** 2;
  const odd = df % 2;
  let term = odd ? Math.cos(angle) : 1;
  let sum = df > 1 ? term : 0;
  for (let k = odd ? 3 : 2; k < df; k += 2) sum += term *= ((k - 1) / k) * cos2;
  return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
}

/** The t ≥ 0 that |T| stays below with probability `level`. @param {number} df whole, at least 1 @param {number} level in (0, 1) */
export function studentQuantile(df, level = LEVEL) {
  let [lo, hi] = [0, 1];
  while (studentWithin(hi, df) < level) hi *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (lo + hi) / 2;
    if (studentWithin(middle, df) < level) lo = middle;
    else hi = middle;
  }
  return (lo + hi) / 2;
}

/**
 * Mean of independent values with its 95 % Student interval. What cannot leave a range has an interval that does not either: cutting it there
 * loses nothing, since the mean is never outside. Values that are all the same have none, since their spread is not known to be 0.
 * @param {number[]} values @param {[number, number]} [range] that no value can leave
 * @returns {{n: number, mean: number|null, half: number|null, lo: number|null, hi: number|null}} no mean of nothing, no interval from one value
 */
export function meanInterval(values, range = [-Infinity, Infinity]) {
  const n = values.length;
  if (!n) return { n, mean: null, half: null, lo: null, hi: null };
  const mean = average(values);
  if (n === 1 || values.every((v) => v === values[0])) return { n, mean, half: null, lo: null, hi: null };
  const half = studentQuantile(n - 1) * Math.sqrt(variance(values) / n);
  return { n, mean, half, lo: Math.max(range[0], mean - half), hi: Math.min(range[1], mean + half) };
}

const average = (values) => values.reduce((a, b) => a + b, 0) / values.length;

/** Of independent values, unbiased. */
function variance(values) {
  const mean = average(values);
  return values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1);
}

/** 95 % interval of a share of which `count` in `n` were seen. Wilson, 1927. @returns {[number, number]} */
export function wilson(count, n) {
  const p = count / n;
  const middle = p + (Z * Z) / (2 * n);
  const half = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  const ends = [middle - half, middle + half].map((v) => v / (1 + (Z * Z) / n));
  return [count === 0 ? 0 : ends[0], count === n ? 1 : ends[1]];
}

/** log n!, by adding up. */
function logFactorial(n) {
  let sum = 0;
  for (let k = 2; k <= n; k++) sum += Math.log(k);
  return sum;
}

const logChoose = (n, k) => logFactorial(n) - logFactorial(k) - logFactorial(n - k);
const TIE = 1 + 1e-7; // probabilities that differ by less count as equal

/**
 * Two-sided McNemar test: of runs from the same seeds, `gained` reached something under the first setting alone, `lost` under the second alone.
 * `exact` is the binomial test, which never errs too often; `mid` counts half of what was seen itself, and errs as often as it says.
 * Fagerland, Lydersen & Laake, 2013. @returns {{exact: number, mid: number}}
 */
export function mcnemar(gained, lost) {
  const n = gained + lost;
  if (!n) return { exact: 1, mid: 1 };
  const chance = (k) => Math.exp(logChoose(n, k) - n * Math.LN2);
  const few = Math.min(gained, lost);
  let tail = 0;
  for (let k = 0; k <= few; k++) tail += chance(k);
  return { exact: Math.min(1, 2 * tail), mid: gained === lost ? 1 - 0.5 * chance(few) : 2 * tail - chance(few) };
}

/** Two-sided exact test that `a` of `n` and `b` of `m` have one probability. Fisher, 1935. @returns {number} p */
export function fisher(a, n, b, m) {
  const both = a + b;
  const chance = (k) => Math.exp(logChoose(n, k) + logChoose(m, both - k) - logChoose(n + m, both));
  const seen = chance(a);
  let p = 0;
  for (let k = Math.max(0, both - m); k <= Math.min(n, both); k++) if (chance(k) <= seen * TIE) p += chance(k);
  return Math.min(1, p);
}

const EXACT = 16; // differences of which all signs are tried
const FLIPS = 20_000; // tried of more

/**
 * Two-sided permutation test of paired differences: how often a random choice of their signs has a mean as far from 0. All choices are tried
 * of up to 16 differences, 20,000 always alike of more. Fisher, 1935. @param {number[]} differences @returns {number} p
 */
export function signFlip(differences) {
  const n = differences.length;
  if (!n) return 1;
  const seen = Math.abs(differences.reduce((a, b) => a + b, 0)) / TIE;
  const [all, random] = [n <= EXACT, generator(n)];
  const tries = all ? 2 ** n : FLIPS;
  let far = all ? 0 : 1; // the signs that were seen belong to the choices
  for (let i = 0; i < tries; i++) {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (all ? (i >> k) & 1 : random() < 0.5) ? differences[k] : -differences[k];
    if (Math.abs(sum) >= seen) far += 1;
  }
  return far / (all ? tries : tries + 1);
}

/** Numbers in [0, 1), the same ones for a seed. mulberry32. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A probability as it is written after "p": "= 0.031", "< 0.001". @param {number} p */
export const pText = (p) => (p < 0.001 ? "< 0.001" : `= ${p.toFixed(p < 0.1 ? 3 : 2)}`);

/**
 * 95 % interval of an area under the ROC curve of `n` against `n` examples. Hanley & McNeil, 1982. @param {number} area @returns {[number, number]}
 */
export function areaInterval(area, n) {
  const [one, two] = [area / (2 - area), (2 * area * area) / (1 + area)];
  const square = area * (1 - area) + (n - 1) * (one + two - 2 * area * area);
  const half = (Z * Math.sqrt(Math.max(0, square))) / n;
  return [Math.max(0, area - half), Math.min(1, area + half)];
}
