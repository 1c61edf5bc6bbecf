// The bar above the stage: one toggle per layer, and full screen.
import { icon } from "./icons.js";

/** @param {HTMLElement} bar @param {Record<string, string[][]>} layers kind -> [[key, title, role]] @param {(shown: object) => void} onChange */
export function createLayers(bar, layers, onChange) {
  const box = bar.querySelector(".layers");
  const shown = Object.fromEntries(Object.values(layers).flat().map(([key]) => [key, true]));
  let built = "";
  let again = () => {};
  const full = Object.assign(document.createElement("button"), { type: "button", className: "icon-button full-screen", innerHTML: icon("full"), title: "Full screen" });
  full.setAttribute("aria-label", "Full screen");
  full.addEventListener("click", fullScreen);
  bar.append(full);

  function fullScreen() {
    const stage = bar.closest(".stage");
    if (document.fullscreenElement) document.exitFullscreen();
    else stage.requestFullscreen?.().catch(() => {});
  }

  function update(kind, config) {
    const critic = ["wgan", "wgan-gp", "r3gan"].includes(config.objective); // no probability, only higher and lower
    const key = kind + critic;
    if (key === built) return;
    built = key;
    build(kind, critic);
    again = () => build(kind, critic);
  }

  function build(kind, critic) {
    box.replaceChildren(
      ...layers[kind].map(([name, title, role]) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "toggle", innerHTML: `<i data-role="${role}"></i>` });
        button.append(name === "heat" && critic ? "Critic" : title);
        button.dataset.layer = name;
        button.setAttribute("aria-pressed", shown[name]);
        button.addEventListener("click", () => {
          shown[name] = !shown[name];
          button.setAttribute("aria-pressed", shown[name]);
          onChange({ ...shown });
        });
        return button;
      }),
    );
  }

  /** Show these layers and no others. */
  function only(names) {
    for (const key of Object.keys(shown)) shown[key] = names.includes(key);
    again();
    onChange({ ...shown });
  }

  return { update, only, fullScreen };
}
