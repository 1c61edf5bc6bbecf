// The keyboard: everything a lecturer needs without the mouse, and a sheet that lists it.
import { toggleLecture } from "./lecture.js";

const KEYS = [
  ["Space", "Train or pause"],
  ["← →", "One picture back or on"],
  ["Home, End", "First step, newest step"],
  ["F", "Fork here"],
  ["M", "Mark this step"],
  ["R", "Back to step 0"],
  ["L", "Lecture mode: the stage alone, large"],
  ["?", "This list"],
];

/**
 * @param {HTMLElement} root @param {object} commands
 * @param {[string, string, string, string|null][]} steps key, as written, what it does, part
 * @param {[string, string, string, () => void][]} [more] of the family's stage: key, as written ("" = said with another), what it does, and does it
 */
export function createShortcuts(root, commands, steps, more = []) {
  const own = [steps.map(([, written]) => written).join(", "), steps.map(([, , what]) => what).join(", ")];
  const keys = KEYS.toSpliced(6, 0, own, ...more.filter(([, written]) => written).map(([, written, what]) => [written, what]));
  const dialog = document.createElement("dialog");
  dialog.className = "shortcuts";
  dialog.innerHTML = `<h2>Keyboard</h2><dl>${keys.map(([k, what]) => `<dt><kbd>${k}</kbd></dt><dd>${what}</dd>`).join("")}</dl><form method="dialog"><button class="button small">Close</button></form>`;
  root.append(dialog);
  const show = () => root.offsetParent && (dialog.open ? dialog.close() : dialog.showModal());
  document.addEventListener("playground:shortcuts", show);

  const does = {
    " ": () => commands.toggle(),
    ArrowLeft: () => commands.timeline.move?.(-1),
    ArrowRight: () => commands.timeline.move?.(1),
    Home: () => commands.timeline.move?.(-Infinity),
    End: () => commands.timeline.move?.(Infinity),
    f: () => commands.fork(),
    m: () => commands.mark(),
    r: () => commands.reset(),
    ...Object.fromEntries(steps.map(([key, , , part]) => [key, () => commands.step(part)])),
    ...Object.fromEntries(more.map(([key, , , act]) => [key, act])),
    l: toggleLecture,
    "?": show,
  };

  document.addEventListener("keydown", (event) => {
    const at = event.target.closest?.("input, select, textarea, summary, [role=slider], [role=tab], [role=radio], dialog, a, button");
    const keeps = [" ", "Enter", ...(at?.matches("[role=tab]") ? ["ArrowLeft", "ArrowRight", "Home", "End"] : [])]; // of a button, and of a tab
    const pressed = at?.matches("button:not([role]), [role=tab]") && !keeps.includes(event.key);
    const taken = at && !pressed && event.key !== "?";
    if (event.ctrlKey || event.metaKey || event.altKey || taken || root.offsetParent === null) return;
    const act = does[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
