// Which samplers the paths from the starting point are drawn for: the run's own, and up to two beside it.
import { icon } from "../icons.js";
import { MARKS } from "./journey.js";
import { MOST } from "./start.js";

const GLYPHS = { circle: "●", square: "■", triangle: "▲" };

/**
 * @param {HTMLElement} box @param {[string, string][]} all key and title of each sampler
 * @param {{onToggle: (sampler: string) => void}} on
 */
export function createChooser(box, all, { onToggle }) {
  const titles = Object.fromEntries(all);
  box.innerHTML = `<span class="chosen"></span><button type="button" class="choose" aria-haspopup="true" aria-expanded="false" title="Samplers whose paths are drawn, ${MOST} at most">${icon("down", 12)}<span class="spoken">Choose samplers</span></button><div class="menu" hidden></div>`;
  const [chosen, button, menu] = [".chosen", ".choose", ".menu"].map((s) => box.querySelector(s));
  let shown = "";

  for (const [key, title] of all) {
    const label = document.createElement("label");
    const check = Object.assign(document.createElement("input"), { type: "checkbox", value: key });
    check.addEventListener("change", () => onToggle(key));
    label.append(check, title);
    menu.append(label);
  }

  function open(yes) {
    menu.hidden = !yes;
    button.setAttribute("aria-expanded", yes);
    if (yes) menu.querySelector("input:not(:disabled)").focus();
  }

  button.addEventListener("click", () => open(menu.hidden));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || menu.hidden) return;
    event.stopPropagation();
    open(false);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => box.contains(event.target) || open(false));

  return {
    /** @param {string[]} samplers the first is the run's own */
    update(samplers) {
      const key = samplers.join();
      if (key === shown) return;
      shown = key;
      chosen.textContent = samplers.map((s, i) => `${GLYPHS[MARKS[i]]} ${titles[s]}`).join("  ");
      for (const check of menu.querySelectorAll("input")) Object.assign(check, { checked: samplers.includes(check.value), disabled: check.value === samplers[0] });
    },
  };
}
