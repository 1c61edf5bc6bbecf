// What if this knob were elsewhere: while it is dragged, a whole short run with the same seed is redrawn under the finger, beside the
// one from before the drag. One question is under way at a time; of those asked meanwhile only the newest is sent.

/** A short run, seen through the same windows as a store. */
class Trial {
  constructor({ rows, frame }, before, store) {
    Object.assign(this, { rows, frame, before, store });
  }

  get step() {
    return this.rows.at(-1)?.s ?? 0;
  }

  get note() {
    return { text: `What if: a whole run of ${this.step.toLocaleString("en-GB")} steps with these settings and the same seed. Dotted: before the drag.`, evidence: [] };
  }

  points(rows, metric) {
    return rows.filter((r) => r.m[metric] != null).map((r) => [r.s, r.m[metric]]);
  }

  series(metric) {
    const others = this.before ? [{ id: "before", title: "before", points: this.points(this.before.rows, metric) }] : [];
    return { main: this.points(this.rows, metric), others };
  }

  value(metric) {
    return this.points(this.rows, metric).at(-1)?.[1] ?? null;
  }

  floor(metric) {
    return this.store.floor(metric);
  }

  band(metric) {
    return this.store.band(metric);
  }

  frameAt() {
    return this.frame;
  }
}

/** @param {{session: object, store: object, redraw: () => void, begin: () => void}} lab */
export function createWhatIf({ session, store, redraw, begin }) {
  let trial = null;
  let before = null; // the answer for the settings at the start of the drag
  let asked = false;
  let next = null;
  let kept = null; // {active, step} when the knob was let go: the answer stays until a run of these settings is there
  let dragging = 0; // grows when a drag ends: answers to an older one are dropped

  async function ask(config) {
    if (asked) return (next = config);
    asked = true;
    const mine = dragging;
    try {
      const found = await session.whatIf(config);
      if (mine === dragging) {
        trial = new Trial(found, before, store);
        before ??= found;
        redraw();
      }
    } catch {
      next = null; // the exact run says what is wrong with these settings
    }
    asked = false;
    if (next && mine === dragging) {
      const config = next;
      next = null;
      ask(config);
    }
  }

  function end() {
    dragging++;
    trial = before = next = kept = null;
  }

  return {
    /** A knob moves from `old` to `config`. */
    drag(old, config) {
      begin();
      kept = null;
      if (!before && !asked) ask(old);
      ask(config);
    },
    /** The knob is let go: a run of these settings is trained, and what was foreseen stays in sight until then.
     *  @returns {boolean} whether anything was */
    release() {
      dragging++;
      before = next = null;
      if (trial) kept = { active: store.header.active, step: store.active?.info.step ?? 0 };
      return Boolean(trial);
    },
    /** News of the run: it takes the place of what was foreseen once it has begun. */
    follow() {
      if (!kept) return;
      const { active, step } = { active: store.header.active, step: store.active?.info.step ?? 0 };
      if (step > 0 && (active !== kept.active || step !== kept.step)) end();
    },
    end,
    /** What is to be drawn instead of the run, or null. */
    get trial() {
      return trial;
    },
  };
}
