// Half an image is known and put back at every step; the other half is drawn, eight times. Where do the completions agree?
import { colorsOf, mix, toHex } from "../../colors.js";
import { fixed, int, percent } from "../../format.js";
import { createChooser } from "../../latent/scenes/chooser.js";
import { createPixels, createRow, paint } from "../../latent/scenes/pixels.js";
import { choices, createAskingScene, layer, layOut } from "./frame.js";

export const title = "Inpaint half";
export const kinds = ["image"];

const HALVES = [["top", "Top"], ["bottom", "Bottom"], ["left", "Left"], ["right", "Right"]];
const N = 8;

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<span class="pick">Known ${choices("half", HALVES, "top")}</span><label class="told">Class <select class="class" aria-label="Class"></select></label><label>Repeats <select class="repeats" aria-label="Repeats of each step" title="Each step is made again from more noise, so that both halves agree (RePaint)"><option>1</option><option>3</option><option>5</option></select></label><button type="button" class="button small again">New seed</button>`,
    body: `<div class="choose"></div><div class="parts inpaint-parts"><section class="given"><figure><figcaption>Original</figcaption></figure><figure><figcaption>Known</figcaption></figure></section>
      <section><h3>Eight completions <small></small></h3><div class="completions"></div></section>
      <section class="map"><h3>Standard deviation of each pixel</h3><figure><figcaption></figcaption></figure></section></div>`,
  });
  const [original, known, variance] = ["Original", "Known half", "Standard deviation of each pixel over the completions"].map((label, i) => {
    const canvas = createPixels(label);
    container.querySelectorAll("figure")[i].prepend(canvas);
    return canvas;
  });
  const row = createRow(find(".completions"), "Eight completions of the unknown half");
  const chooser = createChooser(find(".choose"), tools, { n: 10, onPick: (i) => ((index = i), scene.ask()) });
  let [index, half, seed, run] = [0, "top", 0, ""];
  const ask = () => ["inpaint", { index, half, n: N, label: find(".told").hidden ? -1 : +find(".class").value, repeats: +find(".repeats").value, seed }];
  const scene = createAskingScene(container, tools, {
    questions: () => [ask()],
    of: ["num_steps", "grid", "sigma_min", "sigma_max", "rho", "cfg_scale", "classifier_scale"],
    show,
    nothing: "Nothing trained yet. Train, and half an image is completed here in eight ways.",
    waiting: "Drawing eight completions…",
  });

  function show() {
    const frame = scene.get(...ask());
    const m = frame?.metrics;
    paint(original, layer(frame, "original", "original"));
    paint(known, layer(frame, "known", "known"));
    row.update(layer(frame, "completions", "completions"), { n: N });
    const heat = frame?.views.find((v) => v.panel === "variance");
    if (heat) paintHeat(variance, heat, colorsOf(container));
    find(".map figcaption").textContent = heat ? `0 to ${fixed(Math.sqrt(heat.hi), 2)}; pixels are −1 to 1` : "";
    for (const button of container.querySelectorAll("[data-half]")) button.setAttribute("aria-pressed", button.dataset.half === half);
    chooser.mark(index);
    find("h3 small").textContent = m?.obeyed == null ? "" : `${Math.round(m.obeyed * N)} of ${N} taken for the class by the judge`;
    find(".said").textContent = m ? `n ${int(m.n)} completions, seed ${seed}` : "";
    Object.assign(container.dataset, { half, index, spread: m?.spread ?? "", repeated: m?.repeated ?? "", seed });
    return m ? sentence(frame, m) : "";
  }

  function sentence(frame, m) {
    const share = m.spread / m["data spread"];
    const own = +find(".class").value < 0;
    const like = share < 0.85 ? `the known half settles ${percent(1 - share, 0)} of that` : "the known half settles little of that";
    const clamped = m.repeated ? `In ${int(m.repeated)} of them the known half is not as it was` : "The known half is the original, bit for bit, in all of them";
    const judged = m.obeyed == null ? "" : ` The judge takes ${Math.round(m.obeyed * N)} of ${N} for ${own || find(".told").hidden ? "the image's own class" : "the class told"}.`;
    return `${clamped}. In the unknown half pixels vary by ${fixed(m.spread, 2)} over the completions; over test images of the class by ${fixed(m["data spread"], 2)}: ${like}.${judged} n ${int(m.n)}, seed ${seed}, step ${int(frame.step)}.`;
  }

  /** The classes that a network can be told; −1 = the image's own. */
  function tell({ config, set }) {
    find(".told").hidden = !(config.conditional && set.classes.length);
    const select = find(".class");
    if (select.length === set.classes.length + 1) return;
    select.replaceChildren(new Option("its own", -1), ...set.classes.map((name, i) => new Option(name, i)));
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-half]")?.dataset.half;
    if (next) (half = next), scene.ask();
  });
  for (const select of container.querySelectorAll("select")) select.addEventListener("change", () => scene.ask());
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), scene.ask()));
  return {
    update(next) {
      tell(next);
      const now = [next.config.dataset, next.started].join();
      if (now !== run) chooser.renew(next.set, next.started), (index = 0);
      run = now;
      scene.update(next);
    },
  };
}

/** A heat map of variances as standard deviations, from the ground to the accent; its row 0 is at the bottom. */
function paintHeat(canvas, { arrays: { values }, shapes, hi }, colors) {
  const [h, w] = shapes.values;
  const shades = Array.from({ length: 256 }, (_, k) => mix(colors.surface, colors.accent, Math.sqrt(k / 255)));
  const key = `${toHex(shades[255])}${toHex(shades[0])}${hi}`;
  if (canvas.values === values && canvas.key === key) return;
  Object.assign(canvas, { values, key, width: w, height: h });
  const image = new ImageData(w, h);
  const scale = values instanceof Uint8Array ? 1 : 255 / hi;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) image.data.set([...shades[Math.round(values[(h - 1 - y) * w + x] * scale)], 255], 4 * (y * w + x));
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
