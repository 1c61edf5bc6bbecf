// The stage of the autoregressive tab: a text written token by token, or an image drawn pixel by pixel, with toggles of what is shown of
// it. Scenes can take its place.
import { createToggles } from "../latent/toggles.js";
import { createScenes } from "../scenes.js";
import { createWideBar } from "../widebar.js";
import * as pixels from "./pixelstage.js";
import * as text from "./textstage.js";

/**
 * @param {HTMLElement} part
 * @param {{family: object, tab: import("../lab.js").Tab, metrics: object, session: object, store: object, commands: object, redraw: () => void, knobs: object}} lab
 */
export function createSequenceArea(part, { family, tab, metrics, session, store, commands, redraw, knobs, left }) {
  const home = part.querySelector(".stage-canvas");
  home.classList.add("sequence");
  home.innerHTML = '<div class="seq seq-text"></div><div class="seq seq-pixels" hidden></div>';
  const [textBox, pixelBox] = home.children;
  const bar = part.querySelector(".stage-bar .layers");
  const lab = { session, store, commands };
  const sets = { text: row("text"), image: row("image") };
  const texts = text.createTextStage(textBox, lab, sets.text.shown);
  const images = pixels.createPixelStage(pixelBox, lab, sets.image.shown);
  const scenes = createScenes(part, { session, store, family, tab, metrics, commands, redraw, knobs, left });
  const wide = createWideBar(part, tab, scenes);
  let kind = "text";
  let tint = "surprise";

  function row(name) {
    const box = document.createElement("span");
    box.className = "layer-set";
    bar.append(box);
    const toggles = createToggles(box, (name === "text" ? text : pixels).LAYERS, (shown) => changed(name, shown));
    return { box, toggles, shown: toggles.shown };
  }

  /** One tint at a time: switching one on switches the other off. */
  function changed(name, shown) {
    if (shown.surprise && shown.entropy) return sets[name].box.querySelector(`[data-layer=${tint}]`).click();
    tint = shown.entropy ? "entropy" : "surprise";
    (name === "text" ? texts : images).show();
  }

  const current = () => (kind === "text" ? texts : images);

  return {
    scenes,
    texts,
    images,
    fullScreen: wide.fullScreen,
    flow: { playing: false, refuse: () => false },
    refuse: () => false,
    bounds: () => null,
    /** Every picture. */
    draw({ frame, backdrop, faded }) {
      current().draw({ frame, backdrop, faded });
      return frame;
    },
    /** What need not follow every picture. */
    words(about) {
      kind = about.kind === "text" ? "text" : "image";
      textBox.hidden = kind !== "text";
      pixelBox.hidden = kind === "text";
      for (const [name, { box }] of Object.entries(sets)) box.hidden = name !== kind;
      const { config } = about;
      sets.text.toggles.explain({ mask: config.causal ? "" : "This run was trained without a mask" });
      wide.update(about.kind);
      scenes.update(about);
      current().words(about);
    },
  };
}
