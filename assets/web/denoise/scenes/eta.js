// η of DDIM: two runs from the same noise. Without fresh noise they are one; with it they part.
import { bandOf } from "../../store.js";
import { fixed, int, short } from "../../format.js";
import { createCell } from "../cell.js";
import { createPlot } from "../plot.js";
import { createAskingScene, curve, distanceOf, isImage, layOut, panels, slider } from "./frame.js";

export const title = "η: the same noise twice";

const ETAS = Array.from({ length: 11 }, (_, i) => i / 10);
const SHOWN = 9; // images

export function create(container, tools) {
  const find = layOut(container, {
    bar: slider("η", { max: ETAS.length - 1, value: 0 }),
    body: `<div class="parts pair-parts eta-parts"><section><h3>First run <small></small></h3><div class="cell"></div></section><section><h3>Second run <small>same start, other fresh noise</small></h3><div class="cell"></div></section><section><h3>Distance of the two, ‖Δ‖ <small></small></h3><div class="plot apart"></div><h3>Distance from the data</h3><div class="plot near"></div></section></div>`,
  });
  const cells = [...container.querySelectorAll(".cell")].map((box, i) => createCell(box, i ? "Second run" : "First run", { over: links }));
  const apart = createPlot(find(".apart"), "Distance between both runs against η", { onPick: (v) => move(v) });
  const near = createPlot(find(".near"), "Distance from the data against η", { onPick: (v) => move(v) });
  let at = 0;
  const scene = createAskingScene(container, tools, {
    questions: (about) => [ask(about)],
    of: ["grid", "sigma_min", "sigma_max", "rho", "num_steps", "cfg_scale", "classifier_scale"],
    show,
    nothing: "Nothing trained yet. Train, and DDIM runs twice from the same noise at eleven values of η.",
  });

  const ask = (about) => ["eta", { etas: ETAS, n: isImage(about) ? 16 : 300, num_steps: Math.min(about.config.num_steps, isImage(about) ? 10 : 50), seed: 0 }];

  function move(value) {
    at = Math.round(value * (ETAS.length - 1));
    find("input").value = at;
    scene.draw();
  }

  /** A thin line from where the first run ended to where the second did, for the first forty. */
  function links(ctx, place, width, height, colors, { key }) {
    if (!key?.first || !key.second) return;
    const [a, b] = [key.first.arrays.xy, key.second.arrays.xy];
    ctx.strokeStyle = colors.ink3;
    ctx.lineWidth = 0.8;
    ctx.beginPath();
    for (let i = 0; i < Math.min(80, a.length); i += 2) {
      ctx.moveTo(place.X(a[i]), place.Y(a[i + 1]));
      ctx.lineTo(place.X(b[i]), place.Y(b[i + 1]));
    }
    ctx.stroke();
  }

  function show(about) {
    const frame = scene.get(...ask(about));
    const pair = { first: panels(frame, "first")[at], second: panels(frame, "second")[at] };
    const backdrop = tools.store.backdrop();
    const key = isImage(about) ? null : pair;
    cells[0].update({ view: pair.first ?? null, backdrop, count: SHOWN });
    cells[1].update({ view: pair.second ?? null, backdrop, count: SHOWN, key: key && `${at} ${frame?.step}` ? pair : null });
    find("small").textContent = `DDIM, η ${fixed(ETAS[at], 1)}`;
    const [delta, sw] = ["apart", "sliced_w1"].map((panel) => curve(frame, panel));
    const x = { name: "η", range: [0, 1] };
    container.querySelectorAll("h3 small")[2].textContent = isImage(about) ? "root mean square of a pixel" : "data units, mean over pairs";
    apart.update({ lines: delta ? [{ name: "‖Δ‖", ...delta, color: "accent", dots: true, bare: true }] : [], x, y: { name: "‖Δ‖" }, floors: frame ? [{ y: frame.metrics.unrelated, label: "two unrelated samples" }] : [], cursor: ETAS[at] });
    near.update({ lines: sw ? [{ name: "sliced W₁", ...sw, color: "accent", dots: true, bare: true }] : [], x, y: { name: distanceOf(about) }, floors: frame ? [{ y: frame.metrics.sliced_w1, band: bandOf(frame.metrics, "sliced_w1"), label: "real data" }] : [], cursor: ETAS[at] });
    find(".said").textContent = frame ? `η ${fixed(ETAS[at], 1)} · ‖Δ‖ ${fixed(delta.y[at], 3)}` : "";
    Object.assign(container.dataset, { eta: ETAS[at], apart: delta ? Array.from(delta.y).join() : "", unrelated: frame?.metrics.unrelated ?? "" });
    return frame ? sentence(about, frame, delta, sw) : "";
  }

  function sentence(about, frame, delta, sw) {
    const m = frame.metrics;
    const zero = delta.y[0] === 0 ? "At η = 0 both runs are the same to the last bit" : `At η = 0 they differ by ${short(+delta.y[0].toPrecision(2))}`;
    const share = delta.y.at(-1) / m.unrelated;
    const best = ETAS[Array.from(sw.y).indexOf(Math.min(...sw.y))];
    const differs = Math.max(...sw.y) > 1.2 * Math.min(...sw.y) ? `Nearest to the data at these ${int(m.steps)} steps is η ${fixed(best, 1)} (${fixed(Math.min(...sw.y), 3)})` : `η hardly moves the distance from the data (${fixed(Math.min(...sw.y), 3)} to ${fixed(Math.max(...sw.y), 3)})`;
    return `${zero}: the start decides the sample. At η = 1 they end ${fixed(100 * share, 0)} % as far apart as two unrelated samples${isImage(about) && about.set.classes.length ? " of a class" : ""}. ${differs}. n ${int(m.n)} pairs, seed 0.`;
  }

  find("input").addEventListener("input", (event) => ((at = +event.target.value), scene.draw()));
  return { update: scene.update };
}
