// The stage and what belongs to it: the diagram above, the layers' toggles, the scenes that can take its place, the message at its foot.
import { createFlow } from "./flow.js";
import { createLayers } from "./layers.js";
import { createScenes } from "./scenes.js";
import { createStage } from "./stage.js";

/**
 * @param {HTMLElement} part
 * @param {{family: object, tab: import("./lab.js").Tab, metrics: object, session: object, store: object, commands: object, redraw: () => void, knobs: object}} lab
 */
export function createStageArea(part, { family, tab, metrics, session, store, commands, redraw, knobs, left }) {
  const stage = createStage(part.querySelector(".stage-canvas"), { onHover: () => {} });
  const layers = createLayers(part.querySelector(".stage-bar"), family, (shown) => stage.setLayers(shown));
  const scenes = createScenes(part, { session, store, family, tab, metrics, commands, redraw, knobs, left });
  const flow = createFlow(part.querySelector(".flow"), { family, onPick: pick, knobs, redraw });
  let shown = {};
  let traced = null; // the row whose hand step was shown slowly

  /** A node of the diagram becomes the stage: a scene of its own, or some layers of data space. */
  function pick({ scene, layers: wanted }) {
    scenes.show(scene ?? null);
    if (!scene) layers.only(wanted);
  }

  /** Every picture. */
  function draw({ frame: newest, backdrop, evidence, rival, ...state }) {
    const frame = flow.playing && store.live ? shown.frame : newest; // in slow motion the picture moves when the update does
    if (backdrop && backdrop !== shown.backdrop) stage.setBackdrop(backdrop);
    if (frame && frame !== shown.frame) stage.setFrame(frame);
    if (evidence !== shown.evidence) stage.setMarks(evidence.filter((e) => e.index != null).map((e) => ({ mode: e.index, number: e.number })));
    stage.setRival(rival);
    stage.setState(state);
    shown = { frame, backdrop, evidence };
    return frame;
  }

  /** What need not follow every picture. `about` as the scenes get it. */
  function words(about) {
    layers.update(about.kind, about.config, about.frame);
    stage.setGap(about.seen.value("d_gap", about.step));
    flow.update({ ...about, scene: scenes.current });
    scenes.update(about);
    const row = store.live ? store.active?.rowAt(about.step) : null;
    if (row?.trace && row !== traced) {
      traced = row;
      flow.play(row.trace, row).then(redraw);
    }
  }

  return {
    stage,
    layers,
    scenes,
    flow,
    draw,
    words,
    refuse: flow.refuse,
    bounds: () => stage.bounds(),
    fullScreen: () => layers.fullScreen(),
  };
}
