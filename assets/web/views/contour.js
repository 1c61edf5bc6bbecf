// Contour: the lines along which a scalar on a grid takes one value, by marching squares, linear along the edges of the cells and joined
// end to end, so that they can be dashed.

const NONE = [];

/** Which edges of a cell are crossed, given its corners counter-clockwise from the lower left: [[edge, u, v], ...], two make a line.
 *  Edges: 0 below, 1 right, 2 above, 3 left. */
function crossings(a, b, c, d) {
  if (a > 0 === b > 0 && b > 0 === c > 0 && c > 0 === d > 0) return NONE;
  const found = [];
  if (a > 0 !== b > 0) found.push([0, a / (a - b), 0]);
  if (b > 0 !== c > 0) found.push([1, 1, b / (b - c)]);
  if (c > 0 !== d > 0) found.push([2, 1 - c / (c - d), 1]);
  if (d > 0 !== a > 0) found.push([3, 0, 1 - d / (d - a)]);
  return found;
}

/**
 * @param {ArrayLike<number>} level values (rows, cols), row 0 first @param {number} rows @param {number} cols @param {number} cut
 * @returns {number[][]} lines [u, v, u, v, ...] in cells; a closed line ends where it begins
 */
export function contours(level, rows, cols, cut) {
  const places = new Map(); // edge -> [u, v]
  const next = new Map(); // edge -> the edges its lines lead to
  const edge = (u, v, side) => 2 * ((v + (side === 2)) * cols + u + (side === 1)) + (side % 2);
  const join = (from, to) => (next.has(from) ? next.get(from).push(to) : next.set(from, [to]));
  for (let v = 0; v < rows - 1; v++) {
    for (let u = 0; u < cols - 1; u++) {
      const i = v * cols + u;
      const found = crossings(level[i] - cut, level[i + 1] - cut, level[i + cols + 1] - cut, level[i + cols] - cut);
      for (let k = 0; k + 1 < found.length; k += 2) {
        const [from, to] = [found[k], found[k + 1]].map(([side, x, y]) => {
          const id = edge(u, v, side);
          places.set(id, [u + x, v + y]);
          return id;
        });
        join(from, to);
        join(to, from);
      }
    }
  }
  return chains(places, next);
}

/** Lines as long as they go: the open ones from their ends, then the closed ones. */
function chains(places, next) {
  const left = new Set(places.keys());
  const walk = (start) => {
    const line = [];
    for (let at = start; at != null; at = next.get(at).find((id) => left.has(id))) {
      left.delete(at);
      line.push(...places.get(at));
    }
    return line;
  };
  const ends = [...left].filter((id) => next.get(id).length === 1);
  const lines = ends.filter((id) => left.has(id)).map(walk);
  for (const id of places.keys()) if (left.has(id)) lines.push([...walk(id), ...places.get(id)]);
  return lines;
}
