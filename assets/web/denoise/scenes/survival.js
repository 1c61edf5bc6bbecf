// What is left of an example after it was noised to a level and denoised again, over the levels.
import { fixed, short } from "../../format.js";
import { createPlot } from "../plot.js";

/** Noise levels that are measured, and the ends of the slider. */
export const LEVELS = [0.02, 0.1, 0.3, 1, 3, 10, 50];
const [LO, HI, NOTCHES] = [0.02, 50, 100];

export const sigmaAt = (notch) => LO * (HI / LO) ** (notch / NOTCHES);
export const notchOf = (sigma) => Math.round((NOTCHES * Math.log(sigma / LO)) / Math.log(HI / LO));
/** Signal over noise of a level, in dB. */
export const snr = (sigma) => `${fixed(-20 * Math.log10(sigma), 1)} dB`;
export const write = (sigma) => short(+sigma.toPrecision(2));

/** @param {HTMLElement} container @param {(sigma: number) => void} onPick */
export function createSurvival(container, onPick) {
  const plot = createPlot(container, "Distance from the original against the noise level", { onPick });
  return {
    /** @param {[number, number][]} points level and distance @param {number|null} unrelated @param {number} sigma */
    update(points, unrelated, sigma) {
      const sorted = [...points].sort((a, b) => a[0] - b[0]);
      const line = { name: "distance", x: sorted.map(([s]) => s), y: sorted.map(([, v]) => v), color: "accent", dots: true, bare: true };
      const marks = [0.02, 0.1, 1, 10, 50].map((v) => [v, short(v)]);
      plot.update({ lines: sorted.length ? [line] : [], x: { name: "σ, log", log: true, range: [LO, HI], marks }, y: { name: "distance", range: unrelated ? [0, 1.2 * Math.max(unrelated, ...line.y)] : undefined }, floors: unrelated ? [{ y: unrelated, label: `unrelated ${fixed(unrelated, 2)}` }] : [], cursor: sigma });
    },
  };
}
