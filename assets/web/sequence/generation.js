// How the visitor's own texts and images are drawn: temperature and what may be chosen, apart from the knobs of training.
import { fixed } from "../format.js";

/**
 * @typedef {object} Field
 * @property {string} name @property {string} title @property {number} lo @property {number} hi @property {number} step
 * @property {number} value @property {number} usual with a tick @property {string} help @property {(v: number) => string} [write]
 */
export const TEMPERATURE = { name: "temperature", title: "Temperature", lo: 0, hi: 2, step: 0.05, value: 0.8, usual: 1, help: "1 = as learned, 0 = always the likeliest", write: (v) => fixed(v, 2) };
export const TOP_P = { name: "top_p", title: "Top-p", lo: 0, hi: 1, step: 0.01, value: 1, usual: 1, help: "only the likeliest that together hold p; 1 = off. Holtzman et al., 2020", write: (v) => (v === 1 ? "off" : fixed(v, 2)) };
export const TOP_K = { name: "top_k", title: "Top-k", lo: 0, hi: 40, step: 1, value: 0, usual: 0, help: "only the k likeliest; 0 = off", write: (v) => (v ? String(v) : "off") };

/**
 * Sliders in a row.
 * @param {HTMLElement} box @param {Field[]} fields @param {(settled: boolean) => void} onChange
 * @returns {{values: () => Record<string, number>, set: (name: string, value: number) => void}}
 */
export function createGeneration(box, fields, onChange) {
  const inputs = new Map();
  for (const field of fields) {
    const label = document.createElement("label");
    label.className = "small-slider";
    label.title = field.help;
    label.innerHTML = `<span>${field.title}</span><input type="range" min="${field.lo}" max="${field.hi}" step="${field.step}" data-choice="${field.name}"><output></output>`;
    const [input, output] = [label.querySelector("input"), label.querySelector("output")];
    const paint = () => {
      input.style.setProperty("--at", `${(100 * (input.value - field.lo)) / (field.hi - field.lo)}%`);
      output.textContent = field.write(+input.value);
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.value = field.value;
    paint();
    input.addEventListener("input", () => (paint(), onChange(false)));
    input.addEventListener("change", () => onChange(true));
    inputs.set(field.name, { input, paint });
    box.append(label);
  }
  return {
    values: () => Object.fromEntries([...inputs].map(([name, { input }]) => [name, +input.value])),
    set(name, value) {
      const { input, paint } = inputs.get(name);
      input.value = value;
      paint();
    },
  };
}
