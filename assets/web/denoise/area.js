// The stage of the diffusion tab.
import { createScenes } from "../scenes.js";
import { createStage } from "../stage.js";
import { createWideBar } from "../widebar.js";

/**
 * @param {HTMLElement} part
 * @param {{family: object, tab: import("../lab.js").Tab, metrics: object, session: object, store: object, commands: object, redraw: () => void, knobs: object}} lab
 */
export function createDenoiseArea(part, { family, tab, metrics, session, store, commands, redraw, knobs }) {
  const stage = createStage(part.querySelector(".stage-canvas"), { onHover: () => {} });
  const scenes = createScenes(part, { session, store, family, tab, metrics, commands, redraw, knobs });
  const wide = createWideBar(part, tab, scenes);

  return {
    scenes,
    stage,
    fullScreen: wide.fullScreen,
    flow: { playing: false, refuse: () => false },
    refuse: () => false,
    bounds: () => stage.bounds(),
    /** Every picture. */
    draw({ frame, backdrop, ...state }) {
      stage.setBackdrop(backdrop);
      stage.setFrame(frame);
      stage.setState(state);
      return frame;
    },
    /** What need not follow every picture. */
    words(about) {
      wide.update(about.kind);
      scenes.update(about);
    },
  };
}
