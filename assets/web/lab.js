// One family's tab: joins the session, the store and the parts of the page. Decides what a change of a knob means in each state.
import { Refused, Session, resolve } from "./api.js";
import { createStrip } from "./ask/strip.js";
import { createCloser } from "./closer.js";
import { createCodePanel } from "./code.js";
import { createControls } from "./controls.js";
import { createDrawing } from "./drawing.js";
import { createExplain } from "./explain.js";
import { createHeader } from "./header.js";
import { shareLink } from "./link.js";
import { createPlate } from "./plate.js";
import { createRecording } from "./recording.js";
import { createSettings } from "./settings.js";
import { createShortcuts } from "./shortcuts.js";
import { Store } from "./store.js";
import { createTimeline } from "./timeline.js";
import { knobMarks, timelineOf } from "./timelinedata.js";
import { createWhatIf } from "./whatif.js";

const READABLE = 100; // ms between two updates of numbers while training
const NONE = [];

/**
 * What only one family's tab has.
 * @typedef {object} Tab
 * @property {Function} createArea (part, tools) -> the stage and what belongs to it: {draw, words, refuse, bounds, fullScreen, scenes, ...}
 * @property {Function} createReadings (part, {metrics, onPick, family, commands, session, store, knobs}) -> {update}
 * @property {Function} [createOwn] (part, {upload, bounds}) -> {open, files}: the visitor's own data, where they are not drawn
 * @property {Record<string, object>} scenes that can take the stage's place
 * @property {"triangle"|"square"} [mark] of the family, where the means of many runs stand
 * @property {Record<string, string>} home kind of data -> title of the usual stage
 * @property {{key: string, title: string, loss: string, grad: string}[]} steps of one round, for the code panel
 * @property {string[]} [sampling] knobs that change what is drawn from a model, and not the model
 * @property {string} [clock] what the timeline calls its steps where there are others beside it
 * @property {string[]} mayFork knobs that a fork may change though they are not live
 * @property {string[]} ofALoss knobs that another objective brings along
 * @property {(kind: string) => string} empty what to say before anything was trained
 * @property {[string, string]} tryFirst words and key of the preset offered there
 * @property {[string, string, string, string|null][]} keys of single steps: key, as written, what it does, part
 */

/** Bring a tab to life. @returns an object the tests and the console can look at */
export function createLab({ root, parts, family, tab, metrics, link }) {
  const session = new Session(family.key);
  const store = new Store();
  const preset = family.presets[0];
  const state = { config: preset.config, usual: preset.config, forking: null, error: null, touring: false, pending: null, linked: null };
  const running = () => ["running", "waiting", "starting"].includes(store.header.state);
  const started = () => (store.active?.info.step ?? 0) > 0 || running();
  const whatIf = createWhatIf({ session, store, redraw: schedule, begin: () => timeline.stop() });
  const settings = createSettings({ family, tab, state, store, session, whatIf, act, refuse, redraw: schedule, waiting, started, running, form: () => controls });

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
    } else if (![controls, area].map((form) => form.refuse(error.field, error.message)).some(Boolean)) state.error = error.message;
    schedule();
  }

  async function train() {
    if (controls.unread()) return;
    whatIf.end();
    store.cursor = store.horizon = null;
    Object.assign(state, { premiere: store.active?.info.step ?? 0, premiereOf: store.header.active });
    if (state.forking) return settings.fork(state.forking.changes());
    await waiting("Starting", () => act("train", { settings: state.config }));
  }

  /** A press is answered at once: until the server tells of another run, or of this one going on, the page says what it waits for. */
  async function waiting(words, send) {
    const old = started();
    const mine = (state.pending = { words: `${words} …`, text: old ? "The picture is of the run before." : "", was: told() });
    schedule();
    const answer = await send();
    if (!answer && state.pending === mine) state.pending = null;
    schedule();
  }

  /** What is known of the run, as far as a press could change it. */
  const told = () => [store.header.active, store.header.state, store.active?.info.step].join();

  /** Train with these settings in the form. */
  function load(config) {
    settings.endFork();
    state.config = config;
    settings.show();
    return train();
  }

  const commands = {
    train,
    load,
    pause: () => act("pause"),
    toggle: () => (running() ? commands.pause() : train()),
    step: (part) => ((store.cursor = null), act("step", { count: 1, ...(part ? { part } : {}) })),
    reset: () => ((store.cursor = null), act("reset")),
    leave: () => act("pause"),
    rewind: (settings) => ((store.cursor = null), act("rewind", settings ? { settings } : {})),
    select: (branch) => ((store.cursor = null), act("select", { branch })),
    mark: () => act("mark", { step: store.step, title: "marked" }),
    retry: () => session.retry?.(),
    preset: settings.choosePreset,
    preview: (values) => settings.preview(values),
    startFork: settings.startFork,
    cancelFork: settings.endFork,
    fork: settings.fork,
    /** What a button of the family does: a fork from here, or before any training a preset. */
    action: (action) => (started() ? settings.fork(action.fork, null) : settings.choosePreset(action.preset)),
    draw: () => drawing.open(),
    scrub: (step) => scrub(step),
    newest: () => ((store.horizon = null), timeline.stop(), scrub(Infinity)),
    scene: (name) => area.scenes.show(name),
    tour: () => ((state.touring = !state.touring), schedule()),
    dismiss: () => ((state.error = null), schedule()),
    redraw: () => schedule(),
  };

  // --- parts ------------------------------------------------------------------------------------------------------------------
  const header = createHeader(parts.header);
  const controls = createControls(parts.controls, { phone: parts["phone-bar"], header: parts.header }, family, { ...commands, changed: settings.changed });
  const knobs = { changed: (...change) => settings.changed(...change).then(settings.show), config: () => state.config, mayChange: settings.mayChange };
  const area = tab.createArea(parts.stage, { family, tab, metrics, session, store, commands, redraw: schedule, knobs, left: () => strip.forget() });
  const strip = createStrip(parts.stage, session);
  const plate = createPlate(parts.stage.querySelector(".plate"), commands, family, tab);
  const scrub = (step) => {
    const last = store.active?.lastStep ?? 0;
    store.cursor = step >= last ? null : step;
    if (store.horizon != null) store.horizon = store.live ? null : Math.max(store.horizon, step);
    schedule();
  };
  const timeline = createTimeline(parts.stage.querySelector(".timeline"), {
    clock: tab.clock,
    onScrub: scrub,
    onPick: scrub,
    onFork: settings.startFork,
    onMark: commands.mark,
    onNeed: createCloser({ session, store, refuse, redraw: schedule }),
    onPlay: (playing) => ((state.playing = playing), schedule()),
    onLive: () => ((store.cursor = store.horizon = null), schedule()),
    onBranch: commands.select,
  });
  const explain = createExplain(parts.explain, family, commands);
  const recording = createRecording(family.key, () => schedule());
  const readings = tab.createReadings(parts.readings, { metrics, family, onPick: scrub, commands, session, store, knobs });
  const code = createCodePanel(parts.code, family.code, tab.steps);
  const drawing = (tab.createOwn ?? createDrawing)(parts.stage, {
    upload: async (data) => {
      const answer = await session.upload(data);
      state.config = { ...state.config, dataset: answer.dataset };
      await settings.recommend("dataset", state.config);
      await act("preview", { settings: state.config });
      return answer;
    },
    bounds: () => area.bounds(),
  });
  controls.onOwnData(() => drawing.open(), (files) => drawing.files(files));
  createShortcuts(root, { ...commands, timeline, fork: settings.startFork, full: () => area.fullScreen() }, tab.keys, area.keys);
  // unless another tab's settings are meant
  document.addEventListener("playground:share", () => root.offsetParent && share());

  const share = () => shareLink(family, state.config, { toast: plate.toast, started: started(), forked: store.active?.info.parent != null }).catch(refuse);

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

  let wordsAt = 0;
  /** Stage and timeline follow every picture; numbers, charts and words no more often than they can be read. */
  function draw() {
    const branch = store.active;
    const config = branch?.info.config ?? state.config;
    const set = family.datasets[config.dataset];
    const note = whatIf.trial?.note ?? store.note(store.step);
    const about = { branch, config, set, note, evidence: note?.evidence ?? NONE };
    Object.assign(about, drawStage(about));
    timelineNow();
    const fast = store.offline == null && (state.playing || (store.live && store.header.state === "running")) && performance.now() - wordsAt < READABLE;
    if (fast) later();
    else drawWords(about);
  }

  function timelineNow() {
    const config = store.active?.info.config ?? state.config;
    const info = metrics[family.headline[config.dataset][0]];
    timeline.update(timelineOf(store, { config, set: family.datasets[config.dataset], info, canFork: started() && !state.forking }));
  }

  let due = 0;
  function later() {
    if (due) return;
    due = setTimeout(() => {
      due = 0;
      schedule();
    }, READABLE);
  }

  function drawStage({ branch, evidence }) {
    recording.set((state.touring && (store.offline != null || store.door)) || (store.header.state === "waiting" && store.step === 0) || first());
    const film = recording.now();
    const backdrop = film?.backdrop ?? store.backdrop();
    const frame = film?.frame ?? whatIf.trial?.frame ?? store.frameAt(store.step);
    const inset = plate.update(store, { error: state.error, started: started(), film: film?.about, linked: state.linked, whatIf: whatIf.trial, pending: state.pending, scene: area.scenes?.current });
    const faded = !film && !whatIf.trial && (Boolean(state.pending) || ["waiting", "starting"].includes(store.header.state));
    const rival = film || whatIf.trial ? null : store.rival(store.step);
    const drawn = area.draw({ frame, backdrop, evidence, faded, rival, empty: !film && !whatIf.trial && !started(), inset });
    Object.assign(root.dataset, { state: store.header.state, step: branch?.info.step ?? 0, shown: drawn?.step ?? "", branches: store.branches.size });
    return { frame: drawn, backdrop };
  }

  function drawWords({ branch, config, set, note, evidence, frame, backdrop }) {
    wordsAt = performance.now();
    header.update(store, config, { whatIf: whatIf.trial, pending: state.pending, scene: area.scenes?.current });
    controls.update({ store, started: started(), running: running(), forking: state.forking, changes: controls.changed(), mayChange: settings.mayChange });
    const run = store.lineage().at(-1)?.info.id;
    const seen = whatIf.trial ?? store;
    const total = whatIf.trial?.step ?? branch?.info.total ?? config.steps;
    const about = { kind: set.kind, headline: family.headline[config.dataset], dataset: set, objective: config[family.method], config, started: started(), running: running() };
    readings.update(seen, { ...about, total, marks: whatIf.trial ? NONE : knobMarks(branch), evidence, run: whatIf.trial ? "what if" : run });
    area.words({ frame, backdrop, config, set, kind: set.kind, step: seen.step, total, started: started(), running: running(), engine: store.header.engine, seen });
    const calm = state.pending ? `${state.pending.words} Nothing is measured yet.` : quiet();
    explain.update({ note: state.pending ? null : (note ?? stopped()), calm, config });
    code.update({ objective: config[family.method], values: Object.fromEntries(tab.steps.flatMap((s) => [s.loss, s.grad]).map((name) => [name, store.value(name)])) });
  }

  /** What is said where nothing is noted: only what was measured can be usual. */
  function quiet() {
    if (!started()) return "Nothing has run yet. Train, then drag the timeline: every plot follows.";
    return store.active?.rows.some((r) => r.note !== undefined || r.s > 0) ? "Nothing unusual." : "Waiting for the first measurement.";
  }

  /** The first thing on a tab that has nothing trained: a recorded run of its data, until the visitor does something. */
  const first = () => store.header.state === "empty" && Boolean(store.active) && !state.linked && !whatIf.trial && state.config.dataset === preset.config.dataset && !still.matches;
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  /** A diverged run has its reason in place of a diagnosis. */
  const stopped = () => (store.header.state === "diverged" && store.live ? { text: `${store.header.message} Nothing after the last healthy step was kept.` } : null);

  // --- start ------------------------------------------------------------------------------------------------------------------
  async function start() {
    settings.show();
    draw();
    session.onWait = (told) => ((store.door = told), schedule());
    const resumed = await session.open();
    if (!resumed) {
      if (Object.keys(link).length) {
        try {
          const { config } = await resolve(family.key, link);
          Object.assign(state, { config, usual: config, linked: Object.entries(link) });
          settings.show();
        } catch (error) {
          refuse(error);
        }
      }
      if (state.config === preset.config) settings.begin(preset);
      else act("preview", { settings: state.config });
    }
    addEventListener("pagehide", () => session.leave());
    session.follow({ news, offline, lost });
    return resumed;
  }

  /** A compiled engine is done before a person can look: its run is then played as a film, from where the press found it. */
  function premiere() {
    const starting = store.header.state === "starting"; // which engine it will be is not known yet
    session.film = store.header.engine === "numba" || starting;
    if (!session.film) state.premiere = null;
    if (state.premiere && store.header.active !== state.premiereOf) state.premiere = 0; // another run is seen from its beginning
    if (starting || state.premiere == null || store.steps().at(-1) <= state.premiere) return;
    store.cursor = store.horizon = state.premiere;
    state.premiere = null;
    timelineNow();
    timeline.play();
  }

  let reattached = false;
  function news(pull) {
    store.apply(pull);
    if (state.pending && told() !== state.pending.was) state.pending = null;
    whatIf.follow();
    if (!reattached && store.active) {
      reattached = true;
      if (started()) {
        Object.assign(state, { config: store.active.info.config, usual: store.active.info.config });
        settings.show();
      }
    }
    premiere();
    if (running() && !state.forking && store.active) followConfig(store.active.info.config);
    schedule();
  }

  /** The server's word on the running configuration wins over the form's. */
  function followConfig(config) {
    if (JSON.stringify(config) === JSON.stringify(state.config)) return;
    const focused = parts.controls.contains(document.activeElement);
    state.config = config;
    if (!focused) settings.show();
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
  return { root, session, store, state, commands, stage: area.stage, area, timeline, whatIf, ready, draw, family };
}
