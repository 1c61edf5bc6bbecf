// Colours as roles, read from the page's custom properties once per theme, and the few ways of mixing them that drawings need.

const NAMES = {
  bg: "--bg", surface: "--surface", sunken: "--sunken", line: "--line", lineStrong: "--line-strong",
  ink: "--ink", ink2: "--ink-2", ink3: "--ink-3", data: "--data", accent: "--accent", track: "--track",
  exact: "--ink", bad: "--bad", ref: "--ref", onAccent: "--on-accent",
};

/** @typedef {Record<keyof typeof NAMES, string> & {dark: boolean, key: string}} Colors every colour as "#rrggbb" */

let cache = new WeakMap(); // element -> Colors, until the theme changes
const listeners = new Set();

const isDark = () => document.body.classList.contains("dark") || document.documentElement.classList.contains("dark");

/** Watches the class that Gradio puts on the body; tells everyone who asked through `onTheme`. */
export const themeObserver = new MutationObserver(() => {
  const dark = isDark();
  if (dark === themeObserver.dark) return;
  themeObserver.dark = dark;
  refreshColors();
});
themeObserver.dark = isDark();
themeObserver.observe(document.body, { attributes: true, attributeFilter: ["class"] });
themeObserver.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });

/** Forget all colours and have everything drawn again. */
export function refreshColors() {
  cache = new WeakMap();
  for (const listener of listeners) listener();
}

/** Call `listener` after each change of theme. @param {() => void} listener @returns {() => void} stops it */
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any CSS colour as "#rrggbb": painted and read back, so that color-mix() and oklch() work too. */
function hexOf(css) {
  probe.fillStyle = "#000";
  probe.fillStyle = css;
  probe.fillRect(0, 0, 1, 1);
  return toHex(probe.getImageData(0, 0, 1, 1).data);
}

/** The colours that hold at an element. @param {Element} element @returns {Colors} */
export function colorsOf(element) {
  let colors = cache.get(element);
  if (colors) return colors;
  const style = getComputedStyle(element);
  colors = { dark: isDark() };
  for (const [name, property] of Object.entries(NAMES)) colors[name] = hexOf(style.getPropertyValue(property).trim() || "#808080");
  colors.key = [colors.surface, colors.accent, colors.data, colors.ink].join();
  if (style.getPropertyValue("--surface")) cache.set(element, colors); // else the style sheet is still on its way
  return colors;
}

/** The colour of a role: data, model, reference, exact; or of a name in Colors. */
export function roleColor(colors, role) {
  if (role === "model") return colors.accent;
  if (role === "reference") return colors.ref;
  return colors[role] ?? role;
}

/** "#rrggbb" -> [r, g, b]. @param {string} hex */
export const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** "#rrggbb" with an opacity. @param {string} hex @param {number} alpha */
export const rgba = (hex, alpha) => `rgba(${rgb(hex).join()},${alpha})`;

/** [r, g, b] at `t` of the way from `from` to `to`. @param {string} from @param {string} to @param {number} t */
export function mix(from, to, t) {
  const a = rgb(from);
  return rgb(to).map((v, i) => a[i] + (v - a[i]) * t);
}

/** [r, g, b] -> "#rrggbb". @param {ArrayLike<number>} c */
export const toHex = (c) => `#${[0, 1, 2].map((i) => Math.round(c[i]).toString(16).padStart(2, "0")).join("")}`;
