// Statistics of few runs: Student's interval of a mean and Wilson's of a share, both for 95 %.

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
 * Mean of independent values, and how far the ends of its 95 % Student interval lie from it.
 * @param {number[]} values
 * @returns {{n: number, mean: number|null, half: number|null}} no mean of nothing, no interval from one value
 */
export function meanInterval(values) {
  const n = values.length;
  if (!n) return { n, mean: null, half: null };
  const mean = values.reduce((a, b) => a + b, 0) / n;
  if (n === 1) return { n, mean, half: null };
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1);
  return { n, mean, half: studentQuantile(n - 1) * Math.sqrt(variance / n) };
}

/** 95 % interval of a share of which `count` in `n` were seen. Wilson, 1927. @returns {[number, number]} */
export function wilson(count, n) {
  const p = count / n;
  const middle = p + (Z * Z) / (2 * n);
  const half = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  const ends = [middle - half, middle + half].map((v) => v / (1 + (Z * Z) / n));
  return [count === 0 ? 0 : ends[0], count === n ? 1 : ends[1]];
}
