// What the run wrote at a few earlier pictures, a line each: pressing one goes back to it.
import { int } from "../format.js";
import { textOf, tokensIn, visible } from "./tokens.js";

const AT = [0, 0.03, 0.12, 0.4]; // of the run
const SHOWN = 110; // characters

/** @param {HTMLElement} box @param {{onPick: (step: number) => void}} on @returns {{update: (store: object, total: number) => void}} */
export function createHistory(box, { onPick }) {
  box.classList.add("earlier");
  const rows = AT.map(() => {
    const button = Object.assign(document.createElement("button"), { type: "button", innerHTML: "<small></small><span></span>" });
    button.addEventListener("click", () => onPick(+button.dataset.step));
    return button;
  });
  box.append(...rows);
  let drawn = "";

  const line = (text) => text.pieces.slice(text.given).map(visible).join("").replaceAll("␣", " ").slice(0, SHOWN);

  return {
    update(store, total) {
      const steps = store.steps();
      const wanted = AT.map((share) => steps.findLast((s) => s <= share * total)).filter((s, i, all) => s != null && all.indexOf(s) === i && s < steps.at(-1));
      const key = [store.header.active, ...wanted, store.step].join();
      if (key === drawn) return;
      drawn = key;
      rows.forEach((button, i) => {
        const step = wanted[i];
        const text = step == null ? null : textOf(tokensIn(store.frameAt(step), "stage"), step);
        button.hidden = !text;
        if (!text) return;
        button.dataset.step = step;
        button.classList.toggle("at", step === store.step);
        button.querySelector("small").textContent = `step ${int(step)}`;
        button.querySelector("span").textContent = line(text);
        button.title = `Go to step ${int(step)}`;
      });
    },
  };
}
