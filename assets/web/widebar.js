// The tools in the bar of a wide stage: a button for each scene that deserves one, and full screen.
import { icon } from "./icons.js";

/**
 * @param {HTMLElement} part the stage's panel
 * @param {{shortcuts: [string, string, string][], scenes: Record<string, object>}} tab scene, words and icon of each button
 * @param {{show: (name: string|null) => void, current: string|null}} scenes
 * @returns {{update: (kind: string) => void, fullScreen: () => void}}
 */
export function createWideBar(part, tab, scenes) {
  const bar = part.querySelector(".stage-bar");
  const buttons = tab.shortcuts.map(([name, title, glyph]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small", innerHTML: `${icon(glyph)}<span>${title}</span>` });
    button.dataset.opens = name;
    button.addEventListener("click", () => scenes.show(scenes.current === name ? null : name));
    return button;
  });
  const full = Object.assign(document.createElement("button"), { type: "button", className: "icon-button full-screen", innerHTML: icon("full"), title: "Full screen" });
  full.setAttribute("aria-label", "Full screen");
  full.addEventListener("click", fullScreen);
  bar.append(...buttons, full);

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else part.requestFullscreen?.().catch(() => {});
  }

  return {
    fullScreen,
    /** Only what this kind of data has. */
    update(kind) {
      for (const button of buttons) {
        const { opens } = button.dataset;
        button.setAttribute("aria-pressed", scenes.current === opens);
        button.hidden = !(tab.scenes[opens].kinds ?? [kind]).includes(kind);
      }
    },
  };
}
