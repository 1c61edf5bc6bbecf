// What this page knows of a run: branches with their rows (metrics) and frames (pictures), and the step being looked at.
// Scrubbing reads from here only; nothing is asked of the server twice.

const MAX_FRAMES = 1500; // a branch; beyond it every second one goes

/** One line of training: a run, or a fork of one. */
class Branch {
  constructor(info) {
    this.info = info;
    this.rows = [];
    this.frames = [];
    this.events = [];
    this.fine = new Map(); // step -> metrics of that step alone, where single steps were asked for
    this.backdrop = null;
  }

  /** Forget what came after `step`: the run was rewound to it. */
  rewind(step) {
    this.rows = this.rows.filter((r) => r.s <= step);
    this.frames = this.frames.filter((f) => f.s <= step);
    for (const s of this.fine.keys()) if (s > step) this.fine.delete(s);
  }

  addRow(row) {
    insert(this.rows, row);
  }

  addFrame(step, frame) {
    insert(this.frames, { s: step, frame });
    if (this.frames.length > MAX_FRAMES) this.frames = this.frames.filter((_, i, all) => i % 2 === 0 || i > all.length - 3);
  }

  /** The last entry at or before `step` (or the first there is). */
  frameAt(step) {
    return at(this.frames, step);
  }

  rowAt(step) {
    return at(this.rows, step);
  }

  /** [[step, value], ...] of one metric, gaps left out. */
  series(metric) {
    const points = [];
    for (const { s, m } of this.rows) if (m[metric] != null) points.push([s, m[metric]]);
    return points;
  }

  /** The newest value of a metric at or before a step; null if it was never measured. */
  value(metric, step) {
    if (this.fine.get(step)?.[metric] != null) return this.fine.get(step)[metric];
    for (let i = this.rows.length - 1; i >= 0; i--) {
      const { s, m } = this.rows[i];
      if (s <= step && m[metric] != null) return m[metric];
    }
    return null;
  }

  get lastStep() {
    return this.info.step ?? this.frames.at(-1)?.s ?? 0;
  }
}

/** Keep a list sorted by step; an entry with the same step is replaced. */
function insert(list, entry) {
  let i = list.length;
  while (i > 0 && list[i - 1].s > entry.s) i--;
  if (i > 0 && list[i - 1].s === entry.s) list[i - 1] = entry;
  else list.splice(i, 0, entry);
}

function at(list, step) {
  let lo = 0;
  let hi = list.length - 1;
  if (hi < 0) return null;
  while (lo < hi) {
    const mid = (lo + hi + 1) >> 1;
    if (list[mid].s <= step) lo = mid;
    else hi = mid - 1;
  }
  return list[lo];
}

/** The whole of one session as this page has seen it. */
export class Store {
  constructor() {
    this.clear();
  }

  clear() {
    this.branches = new Map();
    this.header = { state: "empty", branches: [] };
    this.cursor = null; // null: follow the newest step
    this.offline = null;
    this.horizon = null; // while a run is played for the first time: the last step that was seen, which nothing on the page is ahead of
    this.door = null; // {message, place} while there is no seat yet
    this.lasting = new Map(); // views that were asked for and hold for a whole run
  }

  /** Take in one pull. Rewinds come first: the server has already dropped the rows behind them. */
  apply({ header, frames }) {
    this.header = header;
    this.offline = null;
    const known = new Set(header.branches.map((b) => b.id));
    for (const id of [...this.branches.keys()]) if (!known.has(id)) this.branches.delete(id);
    for (const info of header.branches) {
      if (this.branches.has(info.id)) this.branches.get(info.id).info = info;
      else this.branches.set(info.id, new Branch(info));
    }
    for (const event of header.events) {
      const branch = this.branches.get(event.b);
      if (!branch) continue;
      if (event.cut) branch.rewind(event.s);
      branch.events.push(event);
    }
    for (const row of header.rows) this.branches.get(row.b)?.addRow(row);
    for (const { b, s, backdrop, frame } of frames) {
      const branch = this.branches.get(b);
      if (!branch) continue;
      if (backdrop) branch.backdrop = frame;
      else branch.addFrame(s, frame);
    }
  }

  get active() {
    return this.branches.get(this.header.active) ?? null;
  }

  /** A fork inherits its parent's past: rows and frames up to the step at which it left. */
  lineage(branch = this.active) {
    const line = [];
    for (let b = branch; b; b = this.branches.get(b.info.parent)) line.push(b);
    return line;
  }

  /** The step being looked at. */
  get step() {
    return this.cursor ?? this.active?.lastStep ?? 0;
  }

  get live() {
    return this.cursor === null;
  }

  /** The newest step that the page may tell of. */
  get told() {
    return Math.min(this.active?.lastStep ?? 0, this.horizon ?? Infinity);
  }

  /** The picture at a step of the active line. */
  frameAt(step) {
    return this.owner(step)?.frameAt(step)?.frame ?? null;
  }

  /** The branch of the active line that holds a step. */
  owner(step) {
    for (const b of this.lineage()) if (b.info.parent == null || step >= b.info.from_step) return b.frames.length ? b : (this.branches.get(b.info.parent) ?? b);
    return null;
  }

  backdrop() {
    return this.lineage().find((b) => b.backdrop)?.backdrop ?? null;
  }

  /** Steps with a picture, along the active line, oldest first. */
  steps() {
    const steps = [];
    let until = Infinity;
    for (const b of this.lineage()) {
      steps.push(...b.frames.map((f) => f.s).filter((s) => s <= until).reverse());
      until = (b.info.from_step ?? 0) - 1;
    }
    return steps.reverse();
  }

  /** The other future: where the line shown has left another run, or was left by one, that run at its step nearest to this one.
   *  @returns {{branch: object, frame: object, title: string}|null} */
  rival(step) {
    const line = new Set(this.lineage());
    const parent = this.branches.get(this.active?.info.parent);
    const forks = [...this.branches.values()].filter((b) => !line.has(b) && b.info.from_step != null && step > b.info.from_step && b.frames.length);
    const other = parent && step > this.active.info.from_step ? parent : forks.at(-1);
    const found = other?.frameAt(step);
    return found ? { branch: other, frame: found.frame, title: other.info.title || "first run" } : null;
  }

  /** A metric along the active line, and one series per other branch. */
  series(metric) {
    const main = [];
    let until = Infinity;
    for (const b of this.lineage()) {
      main.unshift(...b.series(metric).filter(([s]) => s <= until));
      until = (b.info.from_step ?? 0) - 1;
    }
    const line = new Set(this.lineage());
    const others = [...this.branches.values()]
      .map((b) => ({ id: b.info.id, title: b.info.title, points: line.has(b) ? b.series(metric).filter(([s]) => s > this.leaves(b, line)) : b.series(metric) }))
      .filter((o) => o.points.length > 1);
    const { horizon } = this;
    return { main: horizon == null ? main : main.filter(([s]) => s <= horizon), others };
  }

  /** The step at which the active line leaves an ancestor (Infinity for the active branch itself). */
  leaves(branch, line) {
    for (const b of line) if (b.info.parent === branch.info.id) return b.info.from_step;
    return Infinity;
  }

  value(metric, step = this.step) {
    for (const b of this.lineage()) {
      if (b.info.parent != null && step < b.info.from_step) continue;
      const v = b.value(metric, step);
      if (v != null) return v;
    }
    return null;
  }

  /** The diagnosis that held at a step. */
  note(step = this.step) {
    return this.owner(step)?.rowAt(step)?.note ?? null;
  }

  /** What real data score on average, by metric. */
  floor(metric) {
    return this.backdrop()?.metrics?.[metric] ?? null;
  }

  /** Where the middle 90 % of real draws lie, by metric. @returns {[number, number]|null} */
  band(metric) {
    return bandOf(this.backdrop()?.metrics, metric);
  }
}

/** The middle 90 % of what real draws score, among floors: {name, "name/lo", "name/hi"}. @returns {[number, number]|null} */
export function bandOf(floors, metric) {
  const ends = [floors?.[`${metric}/lo`], floors?.[`${metric}/hi`]];
  return ends.every((v) => v != null) ? ends : null;
}
