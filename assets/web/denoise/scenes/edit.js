// Edit in the middle (SDEdit): paint on an image or drag points, noise them up to a level, and let the sampler go on from there. A low level
// keeps the edit, a high one forgets it; between them the edit is made to look like data.
import { rgba } from "../../colors.js";
import { fixed, int, percent } from "../../format.js";
import { icon } from "../../icons.js";
import { createChooser } from "../../latent/scenes/chooser.js";
import { createRow } from "../../latent/scenes/pixels.js";
import { createSheet } from "../../latent/scenes/sheet.js";
import { createCell } from "../cell.js";
import { OF_SAMPLING } from "../samplers.js";
import { createDragging } from "./dragging.js";
import { createAskingScene, isImage, layer, layOut } from "./frame.js";
import { LEVELS, createSurvival, notchOf, sigmaAt, snr, write } from "./survival.js";

export const title = "Edit x\u209c and continue";

const N = 8; // results of an image
const POINTS = 12;
const EACH = 8; // results of a point
const PAUSE = 160; // ms after a stroke
const DECIMALS = 1e3;
let wanted = null; // where a player left off

/** Have the scene begin at this noise level the next time it is shown. @param {{sigma: number}} where */
export const beginAt = ({ sigma }) => (wanted = sigma);

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label class="wide-slider"><span>Noise of re-entry</span><input type="range" min="0" max="100" step="1" aria-label="Noise level of re-entry"><output></output></label><label class="told">Class <select class="class" aria-label="Class"></select></label><button type="button" class="button small again">New seed</button>`,
    body: `<div class="parts edit-parts"><section class="source"><h3>Original <small></small></h3><div class="paper"></div><div class="cell drag"></div><div class="row tools"><button type="button" class="button small pen" aria-pressed="true">${icon("pen")}Pen</button><button type="button" class="button small eraser" aria-pressed="false">Eraser</button><button type="button" class="button small undo">Undo</button><button type="button" class="button small back">Reset</button></div><div class="choose"></div></section>
      <section class="noised"><h3>Noised to σ <small></small></h3><div class="pictures"></div><div class="cell"></div></section>
      <section class="results"><h3>Denoised from there <small></small></h3><div class="pictures"></div><div class="cell"></div></section>
      <section><h3>How much changes <small>against σ</small></h3><div class="plot survival"></div></section></div>`,
  });
  const slider = find("input[type=range]");
  const sheet = createSheet(find(".paper"), { onFirst: () => (painted = true), onChange: later });
  const drag = createDragging(find(".drag"), { count: POINTS, onMove: later });
  const rows = ["noised", "results"].map((key) => createRow(find(`.${key} .pictures`), key === "noised" ? "The original, noised" : "Results"));
  const cells = ["noised", "results"].map((key) => createCell(find(`.${key} .cell`), key === "noised" ? "The points, noised" : "Results", { over: links }));
  const survival = createSurvival(find(".survival"), (s) => move(notchOf(s)));
  const chooser = createChooser(find(".choose"), tools, { n: 4, onPick: choose });
  let [sigma, index, seed, painted, run, label, due, calm] = [sigmaAt(50), 0, 0, false, "", null, 0, 0];
  let seen = null; // {frame, sigma} of the last answer, in sight until there is another
  let settled = true; // nothing is being painted or moved, so that all levels may be measured

  // --- asking ---------------------------------------------------------------------------------------------------------------------
  const classOf = () => (find(".told").hidden ? -1 : +find(".class").value);
  const source = () => (isImage(scene.about) ? (painted ? { pixels: Array.from(sheet.pixels, round) } : { index }) : { pixels: drag.points.flat().map(round) });
  /** The class told to a painted image is that of the image it was, until another is chosen. */
  const told = () => (classOf() < 0 && painted && label != null ? label : classOf());
  const ask = (level) => ["edit", { ...source(), sigma: level, n: isImage(scene.about) ? N : EACH, label: told(), seed }];
  const round = (v) => Math.round(v * DECIMALS) / DECIMALS;
  const scene = createAskingScene(container, tools, {
    questions: (about) => (ready(about) ? [ask(sigma), ...(settled ? LEVELS.filter((s) => s !== sigma).map(ask) : [])] : []),
    of: OF_SAMPLING,
    show,
    nothing: "Nothing trained yet. Train, then paint on an image, noise it up and let the model go on from there.",
    waiting: "Noising and denoising…",
  });
  const ready = (about) => isImage(about) || drag.points.length > 0;

  /** While something moves it is asked now and then; all levels are measured once it rests. */
  function later() {
    settled = false;
    due ||= setTimeout(() => ((due = 0), scene.ask()), PAUSE);
    clearTimeout(calm);
    calm = setTimeout(() => ((settled = true), scene.ask()), 5 * PAUSE);
  }

  function move(notch) {
    sigma = sigmaAt(Math.max(0, Math.min(100, notch)));
    later();
    scene.draw();
  }

  function choose(next) {
    [index, painted] = [next, false];
    scene.ask();
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show(about) {
    const now = ready(about) ? scene.get(...ask(sigma)) : null;
    if (now) seen = { frame: now, sigma };
    const frame = seen?.frame ?? null;
    const image = isImage(about);
    container.dataset.kind = about.kind;
    if (image && !painted && now) lay(layer(frame, "original", "original"));
    ["noised", "results"].forEach((key, i) => {
      const view = layer(frame, key, key);
      if (image) rows[i].update(view, { n: N });
      else cells[i].update({ view, backdrop: tools.store.backdrop(), key: view && `${frame.step} ${drag.points}`, plain: key === "noised" });
    });
    drag.update(tools.store.backdrop());
    slider.value = notchOf(sigma);
    find("output").textContent = `σ ${write(sigma)} · SNR ${snr(sigma)}`;
    const m = frame?.metrics;
    const small = container.querySelectorAll("h3 small");
    small[0].textContent = image ? (painted ? "painted on" : `test image ${index}: paint on it`) : `${drag.points.length} points: drag them`;
    small[1].textContent = seen ? `${write(seen.sigma)}, t ${fixed(seen.sigma / (1 + seen.sigma), 2)}` : "";
    small[2].textContent = m ? `${int(m.steps)} steps` : "";
    const known = LEVELS.concat(LEVELS.includes(sigma) ? [] : [sigma]).map((s) => [s, ready(about) ? scene.get(...ask(s))?.metrics.distance : null]).filter(([, v]) => v != null);
    survival.update(known, m?.unrelated ?? null, sigma);
    find(".undo").disabled = !sheet.canUndo;
    chooser.mark(painted ? -1 : index);
    find(".said").textContent = m ? `n ${int(m.n)}, seed ${seed}` : "";
    Object.assign(container.dataset, { sigma, distance: m?.distance ?? "", unrelated: m?.unrelated ?? "", painted, results: now ? "yes" : "" });
    return m ? sentence(about, frame, m) : "";
  }

  /** A test image on clean paper, whose colour is that of its corner. */
  function lay(view) {
    if (sheet.of === view || !view) return;
    const { arrays: { pixels }, shapes } = view;
    const values = pixels instanceof Uint8Array ? Float32Array.from(pixels, (v) => v / 127.5 - 1) : pixels;
    sheet.setup(shapes.pixels.slice(1), values[0] > 0 ? 1 : -1);
    sheet.lay(values, false);
    label = view.arrays.label?.[0] ?? null;
    sheet.of = view;
  }

  /** From each point to where its results are. */
  function links(ctx, place, width, height, colors, { view }) {
    if (!view) return;
    const { xy } = view.arrays;
    ctx.strokeStyle = rgba(colors.ink3, 0.45);
    ctx.lineWidth = 0.7;
    ctx.beginPath();
    for (let i = 0; i < xy.length / 2; i++) {
      const from = drag.points[Math.floor(i / EACH)];
      if (!from) continue;
      ctx.moveTo(place.X(from[0]), place.Y(from[1]));
      ctx.lineTo(place.X(xy[2 * i]), place.Y(xy[2 * i + 1]));
    }
    ctx.stroke();
  }

  function sentence(about, frame, m) {
    const share = m.distance / m.unrelated;
    const what = isImage(about) ? "images" : "points";
    const kept = share < 0.25 ? "most of it survives" : share < 0.75 ? "part of it survives" : share < 0.95 ? "little of it survives" : "nothing of it survives";
    const judged = m.obeyed == null ? "" : ` The judge takes ${Math.round(m.obeyed * m.n)} of ${int(m.n)} for the class.`;
    return `At σ ${write(seen.sigma)} the results differ from the original by ${fixed(m.distance, 2)} ± ${fixed(m.spread, 2)} (SD) of the data's scale, ${percent(share, 0)} of what unrelated ${what} differ by (${fixed(m.unrelated, 2)}): ${kept}.${judged} n ${int(m.n)} results, seed ${seed}, step ${int(frame.step)} (SDEdit, Meng et al., 2022).`;
  }

  // --- controls -------------------------------------------------------------------------------------------------------------------
  function pick(erasing) {
    sheet.erasing = erasing;
    find(".pen").setAttribute("aria-pressed", !erasing);
    find(".eraser").setAttribute("aria-pressed", erasing);
  }

  function reset() {
    [painted, sheet.of] = [false, null];
    if (scene.about && !isImage(scene.about)) drag.start(tools.store.backdrop());
    scene.ask();
  }

  function tell({ config, set }) {
    find(".told").hidden = !(config.conditional && set.classes.length);
    const select = find(".class");
    if (select.length !== set.classes.length + 1) select.replaceChildren(new Option("its own", -1), ...set.classes.map((name, i) => new Option(name, i)));
  }

  find(".pen").addEventListener("click", () => pick(false));
  find(".eraser").addEventListener("click", () => pick(true));
  find(".undo").addEventListener("click", () => sheet.undo());
  find(".back").addEventListener("click", reset);
  find(".again").addEventListener("click", () => ((seed = (seed + 1) % 10_000), scene.ask()));
  find(".class").addEventListener("change", () => scene.ask());
  slider.addEventListener("input", () => move(+slider.value));

  return {
    update(next) {
      tell(next);
      if (wanted != null) (sigma = sigmaAt(Math.max(0, Math.min(100, notchOf(wanted))))), (wanted = null);
      const backdrop = tools.store.backdrop();
      const now = [next.config.dataset, next.started, Boolean(backdrop)].join();
      if (now !== run) {
        [painted, index, sheet.of, seen] = [false, 0, null, null];
        if (isImage(next)) chooser.renew(next.set, next.started);
        else drag.start(backdrop);
      }
      run = now;
      scene.update(next);
    },
  };
}
