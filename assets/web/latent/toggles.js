// Toggles of layers over a stage: a swatch in the role's colour and a word; one that means nothing for this run says why.

/**
 * @param {HTMLElement} box
 * @param {{key: string, title: string, role: string, on: boolean}[]} layers
 * @param {(shown: Record<string, boolean>) => void} onChange
 * @returns {{shown: Record<string, boolean>, explain: (why: Record<string, string>) => void}}
 */
export function createToggles(box, layers, onChange) {
  const shown = Object.fromEntries(layers.map(({ key, on }) => [key, on]));
  const buttons = new Map();
  let reasons = {};
  for (const { key, title, role } of layers) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "toggle", innerHTML: `<i data-role="${role}"></i>` });
    button.append(title);
    button.dataset.layer = key;
    button.setAttribute("aria-pressed", shown[key]);
    button.addEventListener("click", () => {
      if (reasons[key]) return;
      shown[key] = !shown[key];
      button.setAttribute("aria-pressed", shown[key]);
      onChange(shown);
    });
    buttons.set(key, button);
    box.append(button);
  }
  return {
    shown,
    /** @param {Record<string, string>} why layer -> why it is not there, "" if it is */
    explain(why) {
      reasons = why;
      for (const [key, button] of buttons) {
        button.toggleAttribute("aria-disabled", Boolean(why[key]));
        if (why[key]) button.setAttribute("aria-disabled", "true");
        button.title = why[key] ?? "";
      }
    },
  };
}
