// Lecture mode: the stage alone and large, with what a lecturer presses in one row over it: train or pause, presets, and the way out.
import { icon } from "./icons.js";

/** Enter lecture mode, or leave it. */
export const toggleLecture = () => document.documentElement.classList.toggle("lecture");

/**
 * The row that lecture mode adds to a tab's header.
 * @param {HTMLElement} header @param {object} family from the schema @param {{train: Function, pause: Function, preset: (key: string) => void}} on
 * @returns {{train: HTMLButtonElement, update: (now: {selected: string|null, changes: object[], running: boolean}) => void}}
 */
export function createLectureBar(header, family, on) {
  const bar = Object.assign(document.createElement("div"), { className: "lecture-bar" });
  bar.innerHTML = `<button type="button" class="button primary train"></button>
    <select aria-label="Preset"><option value="" hidden>other settings</option></select>`;
  const [train, select] = bar.children;
  for (const preset of family.presets) select.add(new Option(preset.title, preset.key));
  select.addEventListener("change", () => on.preset(select.value));
  const leave = Object.assign(document.createElement("button"), { type: "button", className: "button small leave-lecture", title: "Leave lecture mode (L)" });
  leave.innerHTML = `${icon("x", 14)}<span>Leave lecture mode</span>`;
  leave.addEventListener("click", toggleLecture);
  header.querySelector("h1").after(bar);
  header.append(leave);
  return {
    train,
    update({ selected, changes, running }) {
      const value = changes.length ? "" : (selected ?? "");
      if (select.value !== value) select.value = value;
      select.disabled = running;
      select.title = running ? "Pause to choose a preset" : "";
    },
  };
}
