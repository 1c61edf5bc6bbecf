// What the timeline and the charts show of a store: the headline metric as an area, events as flags, forks as lanes.

/** Changes of knobs and forks as dotted lines in every chart. */
export const knobMarks = (branch) => (branch ? branch.events.filter((e) => ["knob", "fork"].includes(e.kind)).map((e) => ({ x: e.s, label: e.title })) : []);

/** The value that fills the lane: all modes, all classes, the target, or the largest early value where less is better. */
function full(info, set, values) {
  if (info.name === "modes_covered") return set.modes;
  if (info.name === "classes_covered") return set.classes.length;
  return Math.max(1e-9, ...values.slice(0, 200).map(([, v]) => v));
}

const LOW = { val_nats_per_char: 0.3, bits_per_dim: 0.35 }; // of the first value, where less is better but never nothing

/** What was noted along a line: each title once, where it was first seen. Finished runs that come with the project have their rows only. */
function notes(store, line) {
  const found = new Map();
  for (const branch of store.lineage()) for (const { s, note } of branch.rows) if (s <= store.leaves(branch, line) && note && !(found.get(note.title)?.step < s)) found.set(note.title, { step: s, title: note.title, kind: note.kind });
  return [...found.values()];
}

/** Events as flags. Which counts a text model has overtaken may be said again and again: once is enough. */
function flags(store, line) {
  const of = (b) => b.events.filter((e) => e.s <= store.leaves(b, line));
  const told = [...line].flatMap(of).map((e) => ({ step: e.s, title: e.title, kind: e.kind }));
  const kinds = new Set(told.map((e) => e.kind));
  const all = [...told, ...notes(store, line).filter((n) => !kinds.has(n.kind))].sort((a, b) => a.step - b.step);
  return all.filter((e, i) => e.kind !== "ladder" || all.findIndex((o) => o.title === e.title) === i);
}

/** @param {import("./store.js").Store} store @param {{config: object, set: object, info: object, canFork: boolean}} about */
export function timelineOf(store, { config, set, info, canFork }) {
  const branch = store.active;
  const line = new Set(store.lineage());
  const values = store.series(info.name).main;
  const max = full(info, set, values);
  const branches = [...store.branches.values()];
  return {
    total: branch?.info.total ?? config.steps,
    steps: store.steps(),
    values: info.better === "down" ? values.map(([s, v]) => [s, Math.max(0, max - v)]) : values,
    max: max * (1 - (LOW[info.name] ?? 0)),
    cursor: store.step,
    live: store.live,
    last: branch?.lastStep ?? 0,
    running: store.header.state === "running",
    events: flags(store, line).filter((e) => e.step <= store.told),
    replay: store.horizon != null,
    forks: branches.filter((b) => b.info.parent != null).map((b) => ({ id: b.info.id, from: b.info.from_step, to: b.lastStep, title: b.info.title, active: line.has(b) })),
    branches: branches.map((b) => ({ id: b.info.id, title: b.info.title, active: b === branch })),
    canFork,
  };
}
