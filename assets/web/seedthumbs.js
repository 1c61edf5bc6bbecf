// Thumbnails of a set of runs: what each made at its end, as small pictures that can be pressed.
import { boundsOf, fit, mapping } from "./camera.js";
import { int } from "./format.js";
import { icon } from "./icons.js";
import { createSurface } from "./surface.js";
import { draw as drawImages, layout } from "./views/images.js";
import { draw as drawPoints } from "./views/points.js";

const DATA_POINTS = 120; // behind the samples

/**
 * @param {HTMLElement} box
 * @param {{onHover: (seed: number|null) => void, onPick: (seed: number) => void}} on
 * @returns {{update: (now: {seeds: number[], results: Map<number, object>, marks: Map<number, {kind: string, count: string, words: string}>, backdrop: object|null, held: number|null}) => void}}
 */
export function createThumbs(box, { onHover, onPick }) {
  let thumbs = new Map(); // seed -> {button, surface, shown}
  let world = { backdrop: null, bounds: null, data: null };

  function build(seeds) {
    if (seeds.length === thumbs.size && seeds.every((seed) => thumbs.has(seed))) return;
    for (const { surface } of thumbs.values()) surface.destroy();
    thumbs = new Map(seeds.map((seed) => [seed, thumb(seed)]));
    box.style.setProperty("--count", seeds.length);
    box.replaceChildren(...[...thumbs.values()].map((t) => t.button));
  }

  function thumb(seed) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "thumb" });
    button.dataset.seed = seed;
    button.innerHTML = '<span class="picture"></span><small></small>';
    const made = { button, result: null, surface: null };
    made.surface = createSurface(button.firstChild, (ctx, width, height, colors) => paint(ctx, made, width, height, colors));
    button.addEventListener("pointerenter", () => onHover(seed));
    button.addEventListener("pointerleave", () => onHover(null));
    button.addEventListener("focus", () => onHover(seed));
    button.addEventListener("blur", () => onHover(null));
    button.addEventListener("click", () => made.result && onPick(seed));
    return made;
  }

  function paint(ctx, { result }, width, height, colors) {
    const picture = result?.picture;
    if (picture?.type === "images") {
      const grid = layout(picture, { width, height }, ctx.getTransform().a);
      if (grid) Object.assign(grid, { x: (width - grid.width) / 2, y: (height - grid.height) / 2 });
      return grid && drawImages(ctx, picture, { width, height, colors, grid });
    }
    if (!picture || !world.bounds) return null;
    const where = { ...mapping(fit(world.bounds, width, height), width), width, height, colors };
    if (world.data) drawPoints(ctx, world.data, { ...where, options: { radius: 1.1 } });
    return drawPoints(ctx, picture, { ...where, options: { radius: width > 60 ? 1.9 : 1.5 } });
  }

  /** The part of the plane that the stage shows, and a few points of the data. */
  function look(backdrop) {
    if (world.backdrop === backdrop) return;
    const data = backdrop?.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data");
    world = { backdrop, bounds: backdrop ? boundsOf(backdrop, null) : null, data: data ? { ...data, arrays: { xy: data.arrays.xy.subarray(0, 2 * DATA_POINTS) } } : null };
    for (const { surface } of thumbs.values()) surface.schedule();
  }

  function update({ seeds, results, marks, backdrop, held }) {
    build(seeds);
    look(backdrop);
    for (const [seed, t] of thumbs) {
      const result = results.get(seed) ?? null;
      const { kind, count, words } = marks.get(seed) ?? { kind: "", count: "", words: `Seed ${int(seed)}: not trained yet` };
      t.button.dataset.kind = kind;
      t.button.toggleAttribute("data-held", seed === held);
      t.button.setAttribute("aria-disabled", !result);
      if (t.result === result && t.words === words) continue;
      Object.assign(t, { result, words });
      t.button.querySelector("small").innerHTML = kind === "lost" ? icon("warn", 12) : count;
      t.button.title = result ? `${words}. Press to train this seed on the stage.` : words;
      t.button.setAttribute("aria-label", t.button.title);
      t.surface.schedule();
    }
  }

  return { update };
}
