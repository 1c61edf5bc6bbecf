// From data units to pixels of the stage: equal aspect, the data with a margin in the middle, kept above a message plate.

const MARGIN = 0.35; // of the data's extent, for samples that miss and for labels around it
const EASE = 160; // ms

/** [x0, x1, y0, y1] of points, without the thousandth at either end: one far outlier must not shrink the rest. */
function extent(xy) {
  const ends = (offset) => {
    const values = Float32Array.from({ length: xy.length / 2 }, (_, i) => xy[2 * i + offset]).sort();
    const cut = Math.floor(values.length / 1000);
    return [values[cut], values[values.length - 1 - cut]];
  };
  return [...ends(0), ...ends(1)];
}

/** What should be seen: the data with a margin, else the whole of a map. @returns {[number, number, number, number]|null} */
export function boundsOf(backdrop, frame) {
  const find = (source, test) => source?.views.find((v) => v.panel === "stage" && test(v));
  const data = find(backdrop, (v) => v.type === "points" && v.role === "data") ?? find(backdrop, (v) => v.type === "points");
  if (data?.arrays.xy.length) {
    const [x0, x1, y0, y1] = extent(data.arrays.xy);
    const room = (Math.max(x1 - x0, y1 - y0, 1e-6) / 2) * MARGIN;
    return [x0 - room, x1 + room, y0 - room, y1 + room];
  }
  return find(frame, (v) => v.type === "heat")?.extent ?? null;
}

/** The view that shows `bounds` in width x height, `inset` px at the bottom left free. */
export function fit([x0, x1, y0, y1], width, height, inset = 0) {
  const free = Math.max(40, height - inset);
  const scale = Math.min(width / (x1 - x0), free / (y1 - y0));
  return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, scale, centre: free / 2 };
}

/** Maps data to pixels and back. @param {ReturnType<typeof fit>} view */
export function mapping(view, width) {
  const X = (x) => width / 2 + (x - view.x) * view.scale;
  const Y = (y) => view.centre - (y - view.y) * view.scale;
  const toData = (px, py) => ({ x: view.x + (px - width / 2) / view.scale, y: view.y + (view.centre - py) / view.scale });
  return { X, Y, toData };
}

/** Glides from view to view; jumps where the visitor prefers less motion, and where nothing was seen before. */
export class Camera {
  constructor() {
    this.from = this.to = null;
    this.start = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  aim(view, now) {
    if (this.to && ["x", "y", "scale", "centre"].every((k) => this.to[k] === view[k])) return;
    this.from = this.to && !this.still.matches ? this.at(now) : view;
    this.to = view;
    this.start = now;
  }

  /** Make the next aim a cut: another data set or another size of the stage. */
  cut() {
    this.to = null;
  }

  moving(now) {
    return now < this.start + EASE && this.from !== this.to;
  }

  at(now) {
    const t = Math.min(1, (now - this.start) / EASE);
    if (t >= 1) return this.to;
    const eased = 1 - (1 - t) ** 3;
    return Object.fromEntries(Object.keys(this.to).map((k) => [k, this.from[k] + (this.to[k] - this.from[k]) * eased]));
  }
}
