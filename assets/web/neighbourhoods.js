// Precision and recall of two clouds in the plane (Kynkäänniemi et al., 2019, eq. 1-2), small enough to be redone for every picture of
// a run: balls that reach to the k-th neighbour within the same cloud. `engines/clouds.py` has the same for any dimension.

const K = 5;

/** Squared distance from each point of `xy` (n pairs) to its k-th nearest other point. @returns {Float64Array} */
export function radii(xy, k = K) {
  const n = xy.length / 2;
  const out = new Float64Array(n);
  const nearest = new Float64Array(k);
  for (let i = 0; i < n; i++) {
    nearest.fill(Infinity);
    for (let j = 0; j < n; j++) if (j !== i) keep(nearest, squared(xy, i, xy, j));
    out[i] = nearest[k - 1];
  }
  return out;
}

/** Put a value among the smallest so far, which are in order. */
function keep(nearest, value) {
  let at = nearest.length - 1;
  if (value >= nearest[at]) return;
  while (at > 0 && nearest[at - 1] > value) nearest[at] = nearest[--at];
  nearest[at] = value;
}

const squared = (a, i, b, j) => (a[2 * i] - b[2 * j]) ** 2 + (a[2 * i + 1] - b[2 * j + 1]) ** 2;

/** The share of points of `xy` inside some ball around `centres`. */
function inside(xy, centres, radius2) {
  const [n, m] = [xy.length / 2, centres.length / 2];
  let found = 0;
  for (let i = 0; i < n; i++) {
    let j = 0;
    while (j < m && squared(xy, i, centres, j) > radius2[j]) j++;
    found += j < m;
  }
  return found / n;
}

/** @param {ArrayLike<number>} real pairs @param {ArrayLike<number>} fake pairs @param {Float64Array} [realRadii] of `radii(real)` */
export function precisionRecall(real, fake, realRadii = radii(real)) {
  return { precision: inside(fake, real, realRadii), recall: inside(real, fake, radii(fake)) };
}
