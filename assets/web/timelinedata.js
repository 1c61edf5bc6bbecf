// What the timeline and the charts show of a store: the headline metric as an area, events as flags, forks as lanes.

/** Changes of knobs and forks as dotted lines in every chart. */
export const knobMarks = (branch) => (branch ? branch.events.filter((e) => ["knob", "fork"].includes(e.kind)).map((e) => ({ x: e.s, label: e.title })) : []);

/** The value that fills the lane: all modes, all classes, the target, or the largest early value where less is better. */
function full(info, set, values) {
  if (info.name === "modes_covered") return set.modes;
  if (info.name === "classes_covered") return set.classes.length;
  return Math.max(1e-9, ...values.slice(0, 200).map(([, v]) => v));
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
    max,
    cursor: store.step,
    live: store.live,
    last: branch?.lastStep ?? 0,
    running: store.header.state === "running",
    events: [...line].flatMap((b) => b.events).map((e) => ({ step: e.s, title: e.title, kind: e.kind })),
    forks: branches.filter((b) => b.info.parent != null).map((b) => ({ id: b.info.id, from: b.info.from_step, to: b.lastStep, title: b.info.title, active: line.has(b) })),
    branches: branches.map((b) => ({ id: b.info.id, title: b.info.title, active: b === branch })),
    canFork,
  };
}
