// What a change in the form means: before a run it is looked at, while one trains live knobs are sent, in a fork it waits for the press.
import { resolve } from "./api.js";

const LATE = 0.8; // of a run: a fork from there on needs a future of its own
const QUIET = 120; // ms without a change before the data are looked at again

/** @param {object} lab {family, tab, state, store, session, whatIf, act, refuse, redraw, waiting, started, running, form: () => controls} */
export function createSettings({ family, tab, state, store, session, whatIf, act, refuse, redraw, waiting, started, running, form }) {
  let timer = 0;

  const show = () => form().show(state.config, state.usual, family.datasets[state.config.dataset].kind);

  const mayChange = (knob) => (state.forking ? knob.live || tab.mayFork.includes(knob.name) : !running() || knob.live);

  async function choosePreset(key) {
    const chosen = family.presets.find((p) => p.key === key);
    if (!chosen) return;
    endFork();
    whatIf.end();
    Object.assign(state, { config: chosen.config, usual: chosen.config, linked: null });
    store.cursor = null;
    show();
    await waiting(`Loading “${chosen.title}”`, () => begin(chosen));
  }

  /** The finished run that comes with a preset, or its data and an untrained model. */
  const begin = (preset) => (preset.finished ? act("revive", { preset: preset.key }) : act("preview", { settings: preset.config }));

  /** @param {boolean} settled false while a slider is being dragged */
  async function changed(name, value, settled) {
    const before = state.config;
    state.config = { ...before, [name]: value };
    if (settled && (name === "dataset" || name === family.method)) await recommend(name, before);
    if (state.forking) return redraw();
    if (started() && tab.sampling?.includes(name)) return settled ? act("set", { knobs: { [name]: value } }) : redraw();
    if (running()) return settled && act("set", { knobs: { [name]: value } });
    if (!settled) return session.film && !running() ? whatIf.drag(before, state.config) : redraw();
    const foreseen = whatIf.release();
    if ((started() || foreseen) && session.film && !running()) {
      if (!(await act("train", { settings: state.config }))) whatIf.end(); // the exact run
      return undefined;
    }
    whatIf.end();
    if (!started()) {
      clearTimeout(timer);
      timer = setTimeout(() => act("preview", { settings: state.config }), QUIET);
    }
    redraw();
  }

  /** Other settings than a preset's: what is recommended for their data and loss, and these. */
  async function preview(values) {
    const { config } = await resolve(family.key, values);
    Object.assign(state, { config, usual: config });
    store.cursor = null;
    show();
    return act("preview", { settings: config });
  }

  /** Another data set or loss brings its own recommended values along; a run that has begun keeps all but the loss's own. */
  async function recommend(name, before) {
    const { dataset, [family.method]: method } = state.config;
    try {
      const { config } = await resolve(family.key, name === "dataset" ? { dataset } : { dataset, [family.method]: method });
      if (name === family.method && (state.forking || started())) {
        const own = Object.fromEntries(tab.ofALoss.map((k) => [k, config[k]]));
        state.config = { ...before, ...own, [family.method]: method };
      } else {
        const same = { ...config, seed: before.seed };
        Object.assign(state, { config: same, usual: same });
      }
      show();
    } catch (error) {
      refuse(error);
    }
  }

  /** As many steps again from here on, within the knob's range. */
  const longer = (step, config) => Math.min(family.knobs.find((k) => k.name === "steps").hi, step + config.steps);

  /** Hold the step on screen and let the form be changed; the run button then forks. */
  function startFork() {
    const owner = store.owner(store.step) ?? store.active;
    if (!owner || !started()) return;
    const step = store.step;
    const base = { ...owner.info.config };
    const changes = () => Object.fromEntries(Object.entries(state.config).filter(([name, v]) => v !== base[name]));
    state.forking = { branch: owner.info.id, step, changes };
    store.cursor = step;
    Object.assign(state, { config: step > LATE * base.steps ? { ...base, steps: longer(step, base) } : base, usual: base });
    show();
    redraw();
  }

  function endFork() {
    if (!state.forking) return;
    state.forking = store.cursor = null;
    if (store.active) state.config = store.active.info.config;
    show();
    redraw();
  }

  /** Fork with changed knobs: from the held step, or at once from the one on screen. Then a cure gets as many steps as the run had. */
  async function fork(settings, at = state.forking) {
    const owner = store.owner(store.step) ?? store.active;
    const { branch, step } = at ?? { branch: owner.info.id, step: store.step };
    const ahead = at ? {} : { steps: longer(step, owner.info.config) };
    if (!(await act("fork", { branch, step, settings: { ...settings, ...ahead } }))) return;
    state.forking = store.cursor = null;
    redraw();
  }

  return { show, mayChange, changed, recommend, choosePreset, preview, begin, startFork, endFork, fork };
}
