// The bar above the stage: one toggle per layer, and full screen.
import { icon } from "./icons.js";

/** Why the best D is not there, "" if it is. */
function whyNoBest({ objective, pack, minibatch_discrimination: kernels }, labelled, frame) {
  if (!labelled.includes(objective)) return "Critics and relativistic losses have no single best probability to compare with";
  if (pack > 1 || kernels) return "D judges several examples together here, so no single place has a best answer";
  const known = !frame?.views.some((v) => v.type === "heat") || frame.views.some((v) => v.type === "heat" && v.role === "exact");
  return known ? "" : "The density of these data is not known exactly";
}

/**
 * @param {HTMLElement} bar
 * @param {{layers: Record<string, [string, string, string, boolean?][]>, labelled?: string[]}} family kind -> [key, title, role,
 *   shown at first]; the losses that have a best D
 * @param {(shown: object) => void} onChange
 */
export function createLayers(bar, { layers, labelled = [] }, onChange) {
  const box = bar.querySelector(".layers");
  const usual = Object.fromEntries(Object.values(layers).flat().map(([key, , , on = true]) => [key, on]));
  const shown = { ...usual };
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

  /** @param {string} kind of data @param {object} config @param {object|null} frame newest picture */
  function update(kind, config, frame) {
    const critic = ["wgan", "wgan-gp", "r3gan"].includes(config.objective); // no probability, only higher and lower
    const why = { best: kind === "2d" ? whyNoBest(config, labelled, frame) : "" };
    const flat = config.noise_dim === 1; // one noise number makes a line, not a grid
    const key = [kind, critic, why.best, flat].join();
    if (key === built) return;
    built = key;
    again = () => build(layers[kind].filter(([name]) => name !== "grid" || !flat), critic, why);
    again();
  }

  function build(offered, critic, why) {
    box.replaceChildren(
      ...offered.map(([name, title, role]) => {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "toggle", innerHTML: `<i data-role="${role}"></i>` });
        button.append(name === "heat" && critic ? "Critic" : title);
        button.dataset.layer = name;
        button.setAttribute("aria-pressed", shown[name] && !why[name]);
        if (why[name]) button.title = why[name];
        if (why[name]) button.setAttribute("aria-disabled", true);
        button.addEventListener("click", () => {
          if (why[name]) return;
          shown[name] = !shown[name];
          button.setAttribute("aria-pressed", shown[name]);
          onChange({ ...shown });
        });
        return button;
      }),
    );
  }

  /** Show these layers and no others; those shown at first if none are given. */
  function only(names) {
    for (const key of Object.keys(shown)) shown[key] = names?.includes(key) ?? usual[key];
    again();
    onChange({ ...shown });
  }

  return { update, only, fullScreen };
}
