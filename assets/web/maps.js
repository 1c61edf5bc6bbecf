// The map under everything on the stage: what D says, the best that any D could say, or both, parted by a line that can be dragged.
import { fixed, int } from "./format.js";
import { draw as drawHeat } from "./views/heat.js";
import { LABEL, TICK, plate } from "./views/text.js";

const NAMED = { font: LABEL, height: 20, pad: 6, radius: 4 };
const LEAST = 0.03; // of the width that each side keeps
const KEY_STEP = 0.02;
const N_GAP = 4096; // data, and as many samples, behind the gap

/** What a map is called on the stage. */
export const mapName = (view) => (view.role === "exact" ? "D* blurred" : view.name === "D(x)" ? "D(x)" : "critic");

/** @param {HTMLElement} container of the stage's canvas @param {() => void} redraw */
export function createMaps(container, redraw) {
  let place = 0.5;
  let shown = { model: null, exact: null, width: 1 };
  const split = Object.assign(document.createElement("div"), { className: "split", hidden: true, tabIndex: 0 });
  split.setAttribute("role", "separator");
  split.setAttribute("aria-orientation", "vertical");
  split.setAttribute("aria-label", "Between D(x), left, and D*, the best D, blurred by one cell, right");
  split.setAttribute("aria-valuemin", 0);
  split.setAttribute("aria-valuemax", 100);
  container.append(split);
  move(place);

  function move(to) {
    place = Math.max(LEAST, Math.min(1 - LEAST, to));
    split.style.left = `${100 * place}%`;
    split.setAttribute("aria-valuenow", Math.round(100 * place));
    redraw();
  }

  split.addEventListener("pointerdown", (event) => split.setPointerCapture(event.pointerId));
  split.addEventListener("pointermove", (event) => {
    if (!split.hasPointerCapture(event.pointerId)) return;
    const box = container.getBoundingClientRect();
    move((event.clientX - box.left) / box.width);
  });
  split.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: place - KEY_STEP, ArrowRight: place + KEY_STEP, Home: 0, End: 1 }[event.key];
    if (to == null) return;
    event.preventDefault();
    event.stopPropagation();
    move(to);
  });

  /** @param {object|null} model D's map @param {object|null} exact the best D's */
  function draw(ctx, { model, exact }, where) {
    shown = { model, exact, width: where.width };
    split.hidden = !(model && exact);
    if (!model || !exact) {
      if (model ?? exact) drawHeat(ctx, model ?? exact, where);
      return;
    }
    const x = Math.round(place * where.width);
    clipped(ctx, 0, x, where, () => drawHeat(ctx, model, where));
    clipped(ctx, x, where.width - x, where, () => drawHeat(ctx, exact, where));
  }

  function clipped(ctx, x, width, { height }, paint) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, 0, width, height);
    ctx.clip();
    paint();
    ctx.restore();
  }

  /** The names of the two sides, and how far D is from the best. */
  function words(ctx, { width, height, colors }, gap) {
    const { model, exact } = shown;
    if (!exact) return;
    const x = model ? place * width : 0;
    const style = { colors, alpha: 0.88, ...NAMED };
    ctx.font = LABEL;
    const room = (text) => ctx.measureText(text).width + 28;
    if (model && x > room(mapName(model))) plate(ctx, mapName(model), 16, 20, style);
    if (width - x > room(mapName(exact))) plate(ctx, mapName(exact), width - 16, 20, { ...style, align: "right" });
    if (gap == null) return;
    plate(ctx, `RMS gap of D at the points, unblurred: ${fixed(gap, 3)} · n ${int(N_GAP)}`, width - 14, height - 18, { ...style, font: TICK, align: "right", color: colors.ink2 });
  }

  /** The map at a place in px. */
  function at(px) {
    const { model, exact, width } = shown;
    return model && exact ? (px < place * width ? model : exact) : (model ?? exact);
  }

  /** Pictures have no map. */
  function hide() {
    split.hidden = true;
  }

  return { draw, words, at, hide };
}
