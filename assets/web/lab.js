// One family's tab: joins the session, the store and the parts of the page. Decides what a change of a knob means in each state.
import { Refused, Session, resolve } from "./api.js";
import { createCodePanel } from "./code.js";
import { createControls } from "./controls.js";
import { createDrawing } from "./drawing.js";
import { createExplain } from "./explain.js";
import { createHeader } from "./header.js";
import { makeLink } from "./link.js";
import { createPlate } from "./plate.js";
import { createReadings } from "./readings.js";
import { createRecording } from "./recording.js";
import { createShortcuts } from "./shortcuts.js";
import { createStage } from "./stage.js";
import { Store } from "./store.js";
import { createTimeline } from "./timeline.js";
import { knobMarks, timelineOf } from "./timelinedata.js";
import { createLayers } from "./layers.js";

/** Bring a tab to life. @returns an object the tests and the console can look at */
export function createLab({ root, parts, family, metrics, link }) {
  const session = new Session(family.key);
  const store = new Store();
  const preset = family.presets[0];
  const state = { config: preset.config, usual: preset.config, forking: null, error: null, touring: false };
  const dataset = () => family.datasets[state.config.dataset];
  const kind = () => dataset().kind;

  // --- commands ---------------------------------------------------------------------------------------------------------------
  /** Send a command; a refusal becomes a sentence under its knob, or in the plate. */
  async function act(what, details = {}) {
    state.error = null;
    controls.clearErrors();
    try {
      const answer = await session.act(what, details);
      schedule();
      return answer;
    } catch (error) {
      refuse(error);
      return null;
    }
  }

  function refuse(error) {
    if (!(error instanceof Refused)) {
      state.error = "The server cannot be reached just now. Nothing was lost; try again.";
    } else if (!controls.refuse(error.field, error.message)) state.error = error.message;
    schedule();
  }

  const started = () => (store.active?.info.step ?? 0) > 0 || ["running", "waiting", "starting"].includes(store.header.state);
  const running = () => ["running", "waiting", "starting"].includes(store.header.state);

  async function train() {
    store.cursor = null;
    if (state.forking) return fork(state.forking.changes());
    await act("train", { settings: state.config });
  }

  const commands = {
    train,
    pause: () => act("pause"),
    toggle: () => (running() ? commands.pause() : train()),
    step: (part) => ((store.cursor = null), act("step", { count: 1, ...(part ? { part } : {}) })),
    reset: () => ((store.cursor = null), act("reset")),
    leave: () => act("pause"),
    rewind: (settings) => ((store.cursor = null), act("rewind", settings ? { settings } : {})),
    select: (branch) => ((store.cursor = null), act("select", { branch })),
    mark: () => act("mark", { step: store.step, title: "marked" }),
    retry: () => session.retry?.(),
    preset: (key) => choosePreset(family.presets.find((p) => p.key === key)),
    startFork,
    cancelFork: () => endFork(),
    fork,
    draw: () => drawing.open(),
    tour: () => ((state.touring = !state.touring), schedule()),
    dismiss: () => ((state.error = null), schedule()),
  };

  async function choosePreset(chosen, andTrain = false) {
    if (!chosen) return;
    endFork();
    Object.assign(state, { config: chosen.config, usual: chosen.config, preset: chosen.key });
    store.cursor = null;
    showForm();
    await act("preview", { settings: state.config });
    if (andTrain) await train();
  }

  // --- forking ----------------------------------------------------------------------------------------------------------------
  /** From the step on screen, continue with other settings. With `settings` at once, else the form waits for a change. */
  function startFork() {
    const owner = store.owner(store.step) ?? store.active;
    if (!owner || !started()) return;
    const base = { ...owner.info.config };
    const late = store.step > 0.8 * base.steps; // near its end a fork needs a future of its own
    state.forking = {
      branch: owner.info.id,
      step: store.step,
      base,
      changes: () => Object.fromEntries(Object.entries(state.config).filter(([name, v]) => v !== base[name])),
    };
    store.cursor = store.step;
    Object.assign(state, { config: late ? { ...base, steps: longer(store.step, base) } : base, usual: base });
    showForm();
    schedule();
  }

  /** As many steps again from here on, within the knob's range. */
  const longer = (step, config) => Math.min(family.knobs.find((k) => k.name === "steps").hi, step + config.steps);

  function endFork() {
    if (!state.forking) return;
    state.forking = null;
    store.cursor = null;
    if (store.active) Object.assign(state, { config: store.active.info.config });
    showForm();
    schedule();
  }

  async function fork(settings, at = state.forking) {
    const owner = store.owner(store.step) ?? store.active;
    const from = at ?? { branch: owner.info.id, step: store.step };
    const ahead = at ? {} : { steps: longer(store.step, owner.info.config) }; // a cure offered in one press gets time to work
    if (!(await act("fork", { branch: from.branch, step: from.step, settings: { ...settings, ...ahead } }))) return;
    state.forking = null;
    store.cursor = null;
    schedule();
  }

  // --- the form ---------------------------------------------------------------------------------------------------------------
  const MAY_FORK = new Set(["objective", "n_critic", "steps", "penalty_every", "lr_decay", "ema_decay", "beta1", "beta2", "batch"]);
  const mayChange = (knob) => (state.forking ? knob.live || MAY_FORK.has(knob.name) : !running() || knob.live);

  function showForm() {
    controls.show(state.config, state.usual, kind());
  }

  let previewTimer = 0;
  async function changed(name, value, settled) {
    const before = state.config;
    state.config = { ...before, [name]: value };
    if (settled && (name === "dataset" || name === "objective")) await recommend(name, before);
    if (state.forking) return schedule();
    if (running()) return settled && act("set", { knobs: { [name]: value } });
    if (!started() && settled) {
      clearTimeout(previewTimer);
      previewTimer = setTimeout(() => act("preview", { settings: state.config }), 120);
    }
    schedule();
  }

  /** Another data set or loss brings its own recommended values along; a fork keeps all but the loss and its penalties. */
  async function recommend(name, before) {
    const { dataset: set, objective } = state.config;
    try {
      const { config } = await resolve(family.key, name === "dataset" ? { dataset: set } : { dataset: set, objective });
      if (state.forking || started()) {
        const own = Object.fromEntries(["r1", "r2", "gp", "clip"].map((k) => [k, config[k]]));
        state.config = { ...before, ...(name === "dataset" ? config : own), [name]: state.config[name] };
      } else {
        const same = { ...config, seed: before.seed };
        Object.assign(state, { config: same, usual: same, preset: null });
      }
      controls.show(state.config, state.usual, kind());
    } catch (error) {
      refuse(error);
    }
  }

  // --- parts ------------------------------------------------------------------------------------------------------------------
  const header = createHeader(parts.header);
  const controls = createControls(parts.controls, parts["phone-bar"], family, { ...commands, changed });
  const stageBox = parts.stage.querySelector(".stage-canvas");
  const stage = createStage(stageBox, { onHover: () => {} });
  const layers = createLayers(parts.stage.querySelector(".stage-bar"), family.layers, (shown) => stage.setLayers(shown));
  const plate = createPlate(parts.stage.querySelector(".plate"), commands, family);
  const scrub = (step) => {
    const last = store.active?.lastStep ?? 0;
    store.cursor = step >= last ? null : step;
    schedule();
  };
  const timeline = createTimeline(parts.stage.querySelector(".timeline"), {
    onScrub: scrub,
    onPick: scrub,
    onFork: startFork,
    onMark: commands.mark,
    onLive: () => ((store.cursor = null), schedule()),
    onBranch: commands.select,
  });
  const explain = createExplain(parts.explain, commands);
  const recording = createRecording(family.key, () => schedule());
  const readings = createReadings(parts.readings, { metrics, equilibrium: family.equilibrium, onPick: scrub });
  const code = createCodePanel(parts.code, family.code);
  const drawing = createDrawing(parts.stage, {
    upload: async (data) => {
      const answer = await session.upload(data);
      state.config = { ...state.config, dataset: answer.dataset };
      await recommend("dataset", state.config);
      await act("preview", { settings: state.config });
      return answer;
    },
    bounds: () => stage.bounds?.() ?? null,
  });
  controls.onOwnData(() => drawing.open(), (files) => drawing.files(files));
  createShortcuts(root, { ...commands, timeline, fork: startFork, full: () => layers.fullScreen() });
  document.addEventListener("playground:share", share);

  async function share() {
    const usual = (await resolve(family.key, { dataset: state.config.dataset, objective: state.config.objective })).config;
    await navigator.clipboard?.writeText(makeLink(family.key, state.config, usual)).catch(() => {});
    history.replaceState(null, "", makeLink(family.key, state.config, usual));
    plate.toast("The link to these settings is in the address bar and on the clipboard.");
  }

  // --- drawing: at most once per animation frame -----------------------------------------------------------------------------------
  let queued = false;
  function schedule() {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      draw();
    });
  }

  let shown = {};
  function draw() {
    const branch = store.active;
    const config = branch?.info.config ?? state.config;
    const set = family.datasets[config.dataset];
    const step = store.step;
    const note = store.note(step);
    const evidence = note?.evidence ?? [];
    header.update(store, config);
    controls.update({ store, started: started(), running: running(), forking: state.forking, changes: controls.changed(), mayChange, preset: state.preset });
    layers.update(set.kind, config);
    recording.set(state.touring && store.offline != null ? true : store.header.state === "waiting" && step === 0);
    const film = recording.now();
    const backdrop = film?.backdrop ?? store.backdrop();
    const frame = film?.frame ?? store.frameAt(step);
    if (backdrop && backdrop !== shown.backdrop) stage.setBackdrop(backdrop);
    if (frame && frame !== shown.frame) stage.setFrame(frame);
    if (evidence !== shown.evidence) stage.setMarks(evidence.filter((e) => e.index != null).map((e) => ({ mode: e.index, number: e.number })));
    shown = { backdrop, frame, evidence };
    const covered = plate.update(store, { error: state.error, started: started(), film: film?.words });
    stage.setState({ faded: !film && ["waiting", "starting"].includes(store.header.state), empty: !film && !started(), inset: covered });
    readings.update(store, { kind: set.kind, headline: family.headline[config.dataset], dataset: set, objective: config.objective, total: branch?.info.total ?? config.steps, marks: knobMarks(branch), evidence, run: store.lineage().at(-1)?.info.id });
    timeline.update(timelineOf(store, { config, set, info: metrics[family.headline[config.dataset][0]], canFork: started() && !state.forking }));
    explain.update({ note: note ?? stopped(), started: started(), about: family.objectives[config.objective], objective: config.objective });
    code.update({ objective: config.objective, values: { g_loss: store.value("g_loss"), d_loss: store.value("d_loss"), g_grad_norm: store.value("g_grad_norm"), d_grad_norm: store.value("d_grad_norm") } });
    root.dataset.state = store.header.state;
    root.dataset.step = branch?.info.step ?? 0;
    root.dataset.shown = frame?.step ?? "";
    root.dataset.branches = store.branches.size;
  }

  /** A diverged run has its reason in place of a diagnosis. */
  const stopped = () => (store.header.state === "diverged" && store.live ? { text: `${store.header.message} Nothing after the last healthy step was kept.` } : null);

  // --- start ------------------------------------------------------------------------------------------------------------------
  async function start() {
    showForm();
    draw();
    const resumed = await session.open();
    if (!resumed) {
      if (Object.keys(link).length) {
        try {
          const { config } = await resolve(family.key, link);
          Object.assign(state, { config, usual: config });
          showForm();
        } catch (error) {
          refuse(error);
        }
      }
      act("preview", { settings: state.config });
    }
    addEventListener("pagehide", () => session.leave());
    session.follow({ news, offline, lost });
    return resumed;
  }

  let reattached = false;
  function news(pull) {
    store.apply(pull);
    if (!reattached && store.active) {
      reattached = true;
      if (started()) {
        Object.assign(state, { config: store.active.info.config, usual: store.active.info.config });
        showForm();
      }
    }
    if (running() && !state.forking && store.active) followConfig(store.active.info.config);
    schedule();
  }

  /** The server's word on the running configuration wins over the form's. */
  function followConfig(config) {
    if (JSON.stringify(config) === JSON.stringify(state.config)) return;
    const focused = parts.controls.contains(document.activeElement);
    state.config = config;
    if (!focused) showForm();
  }

  function offline(seconds) {
    store.offline = seconds;
    schedule();
  }

  async function lost() {
    state.error = "The server was restarted and this run is gone from it. The page keeps what it has seen until you train again.";
    await session.open();
    schedule();
  }

  const ready = start().catch(refuse);
  return { session, store, state, commands, stage, timeline, ready, draw, family };
}
