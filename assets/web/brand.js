// The mark at the left of the tab bar and the tools at its right: shortcuts, link, light or dark.
import { icon } from "./icons.js";
import { kept } from "./kept.js";
import { toggleLecture } from "./lecture.js";

const LOGO = `<svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true"><circle cx="6" cy="6" r="4" fill="var(--vae)"/>
<path d="M18 1.8L22.4 10h-8.800z" fill="var(--gan)"/><rect x="2" y="14" width="8" height="8" fill="var(--diff)"/>
<path d="M18 13.200L22.800 18 18 22.800 13.200 18z" fill="var(--ar)"/></svg>`;

const TOOLS = [
  ["key", "Keyboard shortcuts", () => document.dispatchEvent(new CustomEvent("playground:shortcuts"))],
  ["lecture", "Lecture mode: the stage alone, large", toggleLecture],
  ["share", "Copy a link to these settings", () => document.dispatchEvent(new CustomEvent("playground:share"))],
  ["theme", "Light or dark", toggleTheme],
];

/** Fill the brand part. */
export function createBrand(part) {
  part.innerHTML = `<a class="mark" href="./" aria-label="Generative Playground">${LOGO}<span>Generative Playground</span></a><div class="tools"></div>`;
  for (const [name, title, act] of TOOLS) {
    const button = document.createElement("button");
    Object.assign(button, { className: "icon-button", title, innerHTML: icon(name), type: "button" });
    button.setAttribute("aria-label", title);
    button.dataset.tool = name;
    button.addEventListener("click", act);
    part.querySelector(".tools").append(button);
  }
  const saved = kept.get("playground-theme");
  if (saved) document.body.classList.toggle("dark", saved === "dark");
}

function toggleTheme() {
  const dark = document.body.classList.toggle("dark");
  kept.set("playground-theme", dark ? "dark" : "light");
}
