// The knobs that belong to a node of the diagram, in one row under it. They take changes the way the form does.
import { icon } from "./icons.js";
import { createKnobs } from "./knobs.js";

/** @param {HTMLElement} box @param {object} family @param {{changed: Function, config: () => object, mayChange: Function, close: () => void}} on */
export function createNodePanel(box, family, { changed, config, mayChange, close }) {
  let form = null;
  let shown = "";

  /** @param {object|null} node of the diagram @param {object|null} about what the page shows now */
  function show(node, about) {
    const names = node && about ? node.knobs.filter((name) => fits(name, about.kind)) : [];
    box.hidden = !names.length;
    box.replaceChildren();
    form = null;
    shown = "";
    if (!names.length) return;
    const fields = document.createElement("form");
    const knobs = names.map((name) => family.knobs.find((k) => k.name === name));
    form = createKnobs(fields, knobs, { onChange: changed }, { plain: true, prefix: `${node.key}-knob-` });
    const shut = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", innerHTML: icon("x"), title: "Back to data space" });
    shut.setAttribute("aria-label", "Back to data space");
    shut.addEventListener("click", close);
    box.append(fields, shut);
    update(about);
  }

  function fits(name, kind) {
    const knob = family.knobs.find((k) => k.name === name);
    return knob && (!knob.kind || knob.kind === kind);
  }

  /** Follow the form, without touching a field while it is being typed in. */
  function update(about) {
    if (!form) return;
    const now = config();
    const key = JSON.stringify(now);
    if (key !== shown) {
      shown = key;
      form.show(now, now, about.kind);
    }
    form.lock(mayChange, "Pause to change");
  }

  return { show, update, refuse: (name, sentence) => Boolean(form?.refuse(name, sentence)) };
}
