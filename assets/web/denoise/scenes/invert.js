// DDIM inversion: test images walked up to the noise they would be drawn from, and down again. How much is lost, by the number of steps.
import { fixed, int, percent } from "../../format.js";
import { createRow } from "../../latent/scenes/pixels.js";
import { createPlot } from "../plot.js";
import { createAskingScene, layer, layOut } from "./frame.js";

export const title = "Inversion";
export const kinds = ["image"];

const STEPS = [2, 5, 10, 20, 50, 100];
const N = 8;
const PAGES = 20; // of test images that can be turned

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<span class="pick">Steps up and down ${STEPS.map((k) => `<button type="button" class="button small" data-steps="${k}">${k}</button>`).join("")}</span><button type="button" class="button small again">Other test images</button>`,
    body: `<div class="parts invert-parts"><section class="rows">${[["original", "Original"], ["noise", "Its noise"], ["back", "Back from it"]].map(([key, words]) => `<div class="scale" data-row="${key}"><b>${words}<small></small></b><div></div></div>`).join("")}</section>
      <section><h3>Error of the way back <small>root mean square, in the data's scale, log</small></h3><div class="plot error"></div></section></div>`,
  });
  const rows = ["original", "noise", "back"].map((key) => createRow(find(`[data-row=${key}] > div`), { original: "Test images", noise: "The noise they come from", back: "What comes back from that noise" }[key]));
  const plot = createPlot(find(".error"), "Error of the way back against the number of steps", { onPick: (k) => choose(STEPS.reduce((a, b) => (Math.abs(Math.log(b / k)) < Math.abs(Math.log(a / k)) ? b : a))) });
  let steps = 20;
  let page = 0;
  const ask = (k) => ["invert", { index: page * N, n: N, num_steps: k }];
  const scene = createAskingScene(container, tools, {
    // the steps that are looked at go first
    questions: () => [ask(steps), ...STEPS.filter((k) => k !== steps).map(ask)],
    of: ["grid", "sigma_min", "sigma_max", "rho"],
    show,
    nothing: "Nothing trained yet. Train, and test images are walked up to their noise and back here.",
    waiting: "Walking eight test images up to noise and back…",
  });

  function choose(k) {
    steps = k;
    scene.ask();
  }

  function show() {
    const frame = scene.get(...ask(steps));
    rows.forEach((row, i) => row.update(layer(frame, ["original", "noise", "back"][i], ["original", "noise", "back"][i]), { n: N }));
    const m = frame?.metrics;
    const small = container.querySelectorAll(".scale small");
    small[0].textContent = `test images ${page * N} to ${page * N + N - 1}`;
    small[1].textContent = m ? `size ${fixed(m["noise size"], 2)}, ideally 1` : "";
    small[2].textContent = m ? `error ${fixed(m.distance, 3)}` : "";
    const all = STEPS.map((k) => [k, scene.get(...ask(k))?.metrics.distance]).filter(([, v]) => v > 0);
    const line = { name: "error", x: all.map(([k]) => k), y: all.map(([, v]) => v), color: "accent", dots: true, bare: true };
    plot.update({ lines: all.length ? [line] : [], x: { name: "steps, log", log: true, range: [1.8, 110], marks: STEPS.map((k) => [k, String(k)]) }, y: { name: "error, log", log: true }, floors: m ? [{ y: m.unrelated, label: `unrelated images ${fixed(m.unrelated, 2)}` }] : [], cursor: steps });
    for (const button of container.querySelectorAll("[data-steps]")) button.setAttribute("aria-pressed", +button.dataset.steps === steps);
    find(".said").textContent = m ? `n ${int(m.n)} images, no noise is drawn` : "";
    Object.assign(container.dataset, { errors: all.map((p) => p.join()).join(" "), steps, page });
    return m && all.length === STEPS.length ? sentence(frame, all, m) : "";
  }

  function sentence(frame, all, m) {
    const [first, last] = [all[0][1], all.at(-1)[1]];
    const gone = last < first ? `From ${STEPS[0]} to ${STEPS.at(-1)} steps the error of the way back falls from ${fixed(first, 2)} to ${fixed(last, 3)}, to ${percent(last / m.unrelated, 0)} of what unrelated images differ by` : `More steps do not help here: the error is ${fixed(first, 2)} at ${STEPS[0]} steps and ${fixed(last, 2)} at ${STEPS.at(-1)}`;
    return `${gone}. DDIM backwards takes the slope from where it stands, not from where it goes, so few steps miss. At ${steps} steps the noise has size ${fixed(m["noise size"], 2)} (1 would be typical noise). Own class told, guidance off, n ${int(m.n)}, step ${int(frame.step)}.`;
  }

  container.addEventListener("click", (event) => {
    const k = event.target.closest("[data-steps]")?.dataset.steps;
    if (k) choose(+k);
  });
  find(".again").addEventListener("click", () => ((page = (page + 1) % PAGES), scene.ask()));
  return { update: scene.update };
}
