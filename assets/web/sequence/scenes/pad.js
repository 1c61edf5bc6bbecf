// An image to ask about: one held out, by number, or one that the visitor draws on a sheet in the pixels of the data.
import { icon } from "../../icons.js";
import { countField } from "../../numbers.js";
import { createSheet } from "../../latent/scenes/sheet.js";

const DECIMALS = 1e3; // of the pixels that are sent
const PAPER = -1; // digits and clothes are light on dark

const HTML = `<h3>Image <small></small></h3><div class="paper"></div>
  <div class="row"><label>held out <input value="0" aria-label="Image held out, by number"></label><button type="button" class="button small eraser" aria-pressed="false">Eraser</button><button type="button" class="icon-button undo" title="Undo" aria-label="Undo">${icon("reset")}</button><button type="button" class="button small clear">Clear</button></div>`;

/** @param {HTMLElement} container @param {{onChange: () => void}} on */
export function createPad(container, { onChange }) {
  container.classList.add("seq-pad");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const sheet = createSheet(find(".paper"), { onFirst: first, onChange: () => ((pad.source = "drawn"), onChange()) });
  const pad = { source: "held out", index: 0, question, setUp, take };
  let size = "";
  let fresh = true; // nothing was drawn yet: the first stroke starts on clean paper
  let shown = null;

  function first() {
    if (pad.source !== "drawn" && fresh) sheet.lay(new Float32Array(sheet.pixels.length).fill(PAPER));
    [fresh, pad.source] = [false, "drawn"];
  }

  /** What a question says of the image. */
  function question() {
    if (pad.source !== "drawn") return { index: pad.index };
    return { pixels: Array.from(sheet.pixels, (v) => Math.round(v * DECIMALS) / DECIMALS) };
  }

  /** Paper of the data's size. @param {object|null} backdrop */
  function setUp(backdrop) {
    const view = backdrop?.views.find((v) => v.type === "images");
    const key = view?.shapes.pixels.slice(2).join(" × ") ?? "";
    if (!key || key === size) return;
    size = key;
    sheet.setup([1, ...view.shapes.pixels.slice(2)], PAPER);
    find("small").textContent = `${key} pixels; draw on it`;
    [pad.source, fresh, shown] = ["held out", true, null];
  }

  /** Put the image that was answered about on the sheet. @param {object|null} view its first image @param {object} frame */
  function take(view, frame) {
    if (!view || !size || shown === frame || pad.source === "drawn") return;
    shown = frame;
    const [, , h, w] = view.shapes.pixels;
    sheet.lay(Float32Array.from(view.arrays.pixels.subarray(0, h * w), (v) => v / 127.5 - 1), false);
  }

  countField(find("input"), {
    onRead(index) {
      [pad.index, pad.source, fresh] = [index, "held out", true];
      onChange();
    },
  });
  find(".eraser").addEventListener("click", () => {
    sheet.erasing = !sheet.erasing;
    find(".eraser").setAttribute("aria-pressed", sheet.erasing);
  });
  find(".undo").addEventListener("click", () => ((pad.source = "drawn"), sheet.undo()));
  find(".clear").addEventListener("click", () => ([pad.source, fresh] = ["drawn", false], sheet.clear()));
  return pad;
}

/** What was asked about, in words. */
export const imageName = (asked) => (asked?.pixels ? "Your drawing" : `Image ${asked?.index ?? 0} held out`);
