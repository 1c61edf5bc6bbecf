// Is step 20 of 40 the same as step 20 of 20? The same noise walked in few and in many steps, looked at after the same number of steps, with
// both grids of noise levels on one axis.
import { scale } from "../../axes.js";
import { fixed, int, short } from "../../format.js";
import { createSurface } from "../../surface.js";
import { LABEL, TICK, hairline, plate } from "../../views/text.js";
import { createCell } from "../cell.js";
import { BESIDE, SAMPLERS } from "../samplers.js";
import { createAskingScene, curve, isImage, layOut, panels } from "./frame.js";

export const title = "Step 20 of 40, step 20 of 20";

const PAIRS = [[10, 5], [20, 10], [40, 20], [80, 40]];
const MARGIN = { left: 70, right: 16 };

/** What a walk says after step k of it: view, noise level reached and flow time. @returns {{view: object, sigma: number, t: number, grid: number[]}|null} */
function after(frame, steps, k) {
  const sigmas = curve(frame, "table", "sigma")?.y;
  if (!sigmas) return null;
  const grid = [...Array.from(sigmas), 0];
  const kept = curve(frame, "kept")?.x ?? curve(frame, "kept")?.y;
  const views = panels(frame, "x_t");
  const index = views.length === steps ? k - 1 : Math.max(0, Array.from(kept ?? []).findLastIndex((v) => v <= k));
  const sigma = grid[k];
  return { view: views[index] ?? null, sigma, t: sigma / (1 + sigma), grid };
}

export function create(container, tools) {
  const find = layOut(container, {
    bar: `<label>Steps <select aria-label="Numbers of steps">${PAIRS.map(([a, b]) => `<option value="${a}"${a === 40 ? " selected" : ""}>${a} and ${b}</option>`).join("")}</select></label><label class="wide-slider"><span>after step</span><input type="range" min="1" max="20" value="20" aria-label="After step"></label>`,
    body: `<div class="parts pair-parts"><section data-side="many"><h3></h3><div class="cell"></div></section><section data-side="few"><h3></h3><div class="cell"></div></section><section class="axis"><h3>Both grids on one axis <small>flow time t = σ / (1 + σ)</small></h3><div class="plot"></div></section></div>`,
  });
  const sides = { many: createCell(find("[data-side=many] .cell"), "After so many steps of the longer walk"), few: createCell(find("[data-side=few] .cell"), "After as many steps of the shorter walk") };
  const axis = createSurface(find(".plot"), drawAxis, { label: "Both grids of noise levels" });
  let shown = null; // {many, few, k}
  const scene = createAskingScene(container, tools, {
    questions: () => pair().map(ask),
    of: [...BESIDE, "sampler"],
    show,
    nothing: "Nothing trained yet. Train, and the same noise is walked here in twice as many steps.",
  });

  const pair = () => PAIRS.find(([many]) => many === +find("select").value);
  const ask = (num_steps) => ["denoise", { n: scene.about && isImage(scene.about) ? 12 : 300, num_steps, seed: 0 }];

  function show(about) {
    const [many, few] = pair();
    const range = find("input");
    range.max = few;
    const k = Math.min(+range.value, few);
    const [a, b] = [many, few].map((steps) => after(scene.get(...ask(steps)), steps, k));
    shown = a && b ? { many: { ...a, steps: many }, few: { ...b, steps: few }, k } : null;
    for (const [name, side, steps] of [["many", a, many], ["few", b, few]]) {
      sides[name].update({ view: side?.view ?? null, backdrop: tools.store.backdrop(), count: 12, zoom: 1.3 });
      find(`[data-side=${name}] h3`).innerHTML = `Step ${k} of ${steps} <small>${side ? `σ ${short(+side.sigma.toPrecision(3))}, t ${fixed(side.t, 3)}` : ""}</small>`;
    }
    find(".said").textContent = `${SAMPLERS[about.config.sampler][0]}, the same noise, seed 0`;
    axis.schedule();
    Object.assign(container.dataset, { many: a?.sigma ?? "", few: b?.sigma ?? "", k });
    return shown ? sentence(about) : "";
  }

  function drawAxis(ctx, width, height, colors) {
    if (!shown) return;
    const X = scale(0, 1, width - MARGIN.right, MARGIN.left);
    const rows = [["many", height * 0.3], ["few", height * 0.62]];
    ctx.font = TICK;
    ctx.textBaseline = "middle";
    ctx.textAlign = "center";
    for (const t of [1, 0.8, 0.6, 0.4, 0.2, 0]) {
      hairline(ctx, X(t), 16, X(t), height - 26, colors.line);
      ctx.fillStyle = colors.ink3;
      ctx.fillText(`t ${short(t)}`, X(t), height - 15);
    }
    for (const [name, y] of rows) {
      const side = shown[name];
      ctx.font = LABEL;
      ctx.textAlign = "left";
      ctx.fillStyle = colors.ink;
      ctx.fillText(`${side.steps} steps`, 4, y);
      hairline(ctx, MARGIN.left, y, width - MARGIN.right, y, colors.lineStrong);
      side.grid.forEach((sigma, i) => {
        const x = X(sigma / (1 + sigma));
        const now = i === shown.k;
        ctx.strokeStyle = i <= shown.k ? colors.accent : colors.lineStrong;
        ctx.lineWidth = now ? 2.5 : 1.25;
        ctx.beginPath();
        ctx.moveTo(x, y - (now ? 12 : 6));
        ctx.lineTo(x, y + (now ? 12 : 6));
        ctx.stroke();
        if (now) plate(ctx, `step ${i}`, Math.min(x + 5, width - 50), y - 17, { colors, color: colors.accent });
      });
    }
  }

  function sentence(about) {
    const { many, few, k } = shown;
    const own = [about.config.grid === "edm" ? `the EDM grid (ρ ${short(about.config.rho)})` : about.config.grid === "flow" ? "even flow times" : "even timesteps"];
    const same = Math.abs(many.sigma - few.sigma) < 1e-6;
    const end = k === few.steps ? `has arrived (σ 0), after step ${k} of ${many.steps} there is still noise of σ ${short(+many.sigma.toPrecision(2))}` : `stands at σ ${short(+few.sigma.toPrecision(2))}, step ${k} of ${many.steps} at σ ${short(+many.sigma.toPrecision(2))}`;
    const half = many.grid[Math.min(2 * k, many.steps)];
    return `${same ? "Here, yes: both stand at the same noise level." : `No: step ${k} of ${few.steps} ${end}.`} A step is a place on the grid, not an amount of denoising${2 * k < many.steps ? `; the longer walk reaches σ ${short(+half.toPrecision(2))} after step ${int(2 * k)}` : ""}. ${own[0][0].toUpperCase()}${own[0].slice(1)}, ${isImage(about) ? "12 images" : "n 300 points"}, ${isImage(about) ? "x at unit size" : "x in the flow’s coordinates"}.`;
  }

  find("select").addEventListener("change", () => {
    find("input").max = pair()[1];
    find("input").value = pair()[1];
    scene.ask();
  });
  find("input").addEventListener("input", scene.draw);
  return { update: scene.update };
}
