// Precision against recall: are samples where data are, and is all of the data reached? The path of a run in the plane, with the place
// where real data stand among real data, and a slower, larger measurement on request.
import { bandOf } from "../store.js";
import { ask as call, sentence } from "../ask/call.js";
import { hairline, plate, TICK } from "../views/text.js";
import { int } from "../format.js";
import { precisionRecall, radii } from "../neighbourhoods.js";
import { createSurface } from "../surface.js";
import { rgba } from "../colors.js";

export const title = "Precision and recall";

const N = 300; // points of each cloud, as many as a picture holds
const AT_ONCE = 8; // pictures measured between two drawings
const MARGIN = { left: 46, right: 18, top: 28, bottom: 34 };
const ROWS = ["precision", "recall", "density", "coverage", "mmd2"];

export function create(container, { session, store, metrics, redraw }) {
  container.classList.add("scene-split");
  container.innerHTML = `<div class="plane"></div><div class="side"><h3>Measured on request</h3><table></table>
    <button type="button" class="button small measure">Measure with n 1,000</button><p class="scene-words"></p></div>`;
  const find = (selector) => container.querySelector(selector);
  const known = new WeakMap(); // picture -> {precision, recall}
  let about = null;
  let real = null; // {source, xy, radii, floor}
  let audit = null; // {step, found, floors}
  let busy = false;
  let refused = "";
  let run = ""; // that was audited
  const surface = createSurface(find(".plane"), draw, { label: "Precision against recall over the run" });

  /** Data points to compare with, and how other data points score against them. */
  function reference(backdrop) {
    if (real?.source === backdrop) return real;
    const view = backdrop?.views.find((v) => v.panel === "stage" && v.type === "points" && v.role === "data");
    if (!view || view.arrays.xy.length < 4 * N) return null;
    const xy = view.arrays.xy.subarray(0, 2 * N);
    const own = radii(xy);
    return (real = { source: backdrop, xy, radii: own, floor: precisionRecall(xy, view.arrays.xy.subarray(2 * N, 4 * N), own) });
  }

  function measured(frame, against) {
    if (!known.has(frame)) {
      const view = frame.views.find((v) => v.panel === "stage" && v.name === "samples");
      known.set(frame, precisionRecall(against.xy, view.arrays.xy.subarray(0, 2 * N), against.radii));
    }
    return known.get(frame);
  }

  /** The path so far; pictures not measured yet follow with the next drawings. */
  function path(against) {
    let left = AT_ONCE;
    const points = [];
    for (const step of store.steps()) {
      const frame = store.frameAt(step);
      if (!frame?.views.some((v) => v.panel === "stage" && v.name === "samples")) continue;
      if (!known.has(frame) && left-- <= 0) {
        surface.schedule();
        break;
      }
      points.push({ step, ...measured(frame, against) });
    }
    return points;
  }

  function draw(ctx, width, height, colors) {
    ctx.clearRect(0, 0, width, height);
    const size = Math.min(width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom);
    const X = (v) => MARGIN.left + v * size;
    const Y = (v) => MARGIN.top + (1 - v) * size;
    axes(ctx, { X, Y, size }, colors);
    if (!about) return;
    const against = about.kind === "2d" ? reference(about.backdrop) : null;
    const points = against ? path(against) : [];
    trail(ctx, points, { X, Y }, colors);
    if (against) cross(ctx, X(against.floor.recall), Y(against.floor.precision), "real against real", colors);
    const now = points.findLast((p) => p.step <= about.step);
    if (now) dot(ctx, X(now.recall), Y(now.precision), 5, colors);
    if (about.kind !== "2d" && audit) {
      cross(ctx, X(audit.floors.recall), Y(audit.floors.precision), "real against real", colors);
      dot(ctx, X(audit.found.recall), Y(audit.found.precision), 5, colors);
    }
    find(".scene-words").textContent = refused || sentence(now, against);
  }

  function sentence(now, against) {
    if (about.kind !== "2d" && audit) return told(audit.found, audit.floors, audit.step, `n\u00a0${int(audit.n)}`);
    if (!now) return about.kind === "2d" ? "Train to see the run's path." : "Images are compared in the features of the judge, on request.";
    return told(now, against.floor, about.step, `Path: n\u00a0${N}`);
  }

  /** Two scores beside what real data score, in words. */
  function told(score, floor, step, n) {
    const [p, r] = [score.precision, score.recall].map((v) => `${Math.round(100 * v)} %`);
    const low = score.recall < 0.5 * floor.recall;
    const rough = score.precision < 0.5 * floor.precision;
    const means = low && !rough ? "What is made looks right, but much of the data is missing." : rough && !low ? "All of the data is reached, but much of what is made lies elsewhere." : low ? "Little is right and much is missing." : "Both are at least half of what real data score.";
    return `Step ${int(step)}: ${p} of samples lie among the data, ${r} of the data among samples. ${means} ${n} each, k\u00a05, seed ${about.config.seed}.`;
  }

  async function measure() {
    const [mine, n] = [run, examples()];
    busy = true;
    find(".measure").disabled = true;
    try {
      const { step, metrics: all } = await call(session, "audit", {}, { branch: session.active, again: measure });
      if (mine === run) audit = { step, n, found: all, floors: Object.fromEntries(ROWS.map((name) => [name, all[`floor/${name}`]])), bands: ROWS.map((name) => bandOf(all, `floor/${name}`)) };
      refused = "";
    } catch (error) {
      refused = error.status === 204 ? "" : sentence(error);
    }
    table();
    busy = false;
    redraw();
    surface.schedule();
  }

  /** How many of each an audit compares. */
  const examples = () => about.seen.floor("n") ?? metrics.precision.n;

  function table() {
    if (!audit) return find("table").replaceChildren();
    const value = (info, v) => (v == null ? "—" : info.unit === "%" ? `${(100 * v).toFixed(1)} %` : v.toPrecision(2).replace("-", "−"));
    find("table").innerHTML =
      `<thead><tr><th>step ${int(audit.step)}</th><th>model</th><th>real</th></tr></thead><tbody>` +
      ROWS.map((name, i) => `<tr title="${metrics[name].about}"><td>${metrics[name].title}</td><td>${value(metrics[name], audit.found[name])}</td><td>${audit.bands[i] ? audit.bands[i].map((v) => value(metrics[name], v)).join(" to ") : value(metrics[name], audit.floors[name])}</td></tr>`).join("") +
      "</tbody>";
  }

  find(".measure").addEventListener("click", measure);
  return {
    update(next) {
      about = next;
      find(".measure").disabled = !next.started || busy;
      find(".measure").textContent = `Measure with n ${int(examples())}`;
      const now = [store.header.active, next.config.dataset, next.config.seed].join();
      if (now !== run || store.active?.lastStep < audit?.step) [run, audit, refused] = [now, null, ""], table();
      surface.schedule();
    },
  };
}

function axes(ctx, { X, Y, size }, colors) {
  ctx.font = TICK;
  for (const v of [0, 0.25, 0.5, 0.75, 1]) {
    hairline(ctx, X(0), Y(v), X(1), Y(v), colors.line);
    ctx.fillStyle = colors.ink3;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillText(`${v * 100} %`, X(0) - 6, Y(v));
    ctx.textAlign = "center";
    if (v) ctx.fillText(`${v * 100} %`, X(v), Y(0) + 10);
  }
  ctx.fillStyle = colors.ink2;
  ctx.textAlign = "right";
  ctx.fillText("recall: data among samples", X(0) + size, Y(0) + 25);
  ctx.textAlign = "left";
  ctx.fillText("precision: samples among data", 2, Y(1) - 15);
}

/** The run's path, later parts stronger. */
function trail(ctx, points, { X, Y }, colors) {
  for (let i = 1; i < points.length; i++) {
    ctx.strokeStyle = rgba(colors.accent, 0.15 + (0.6 * i) / points.length);
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.moveTo(X(points[i - 1].recall), Y(points[i - 1].precision));
    ctx.lineTo(X(points[i].recall), Y(points[i].precision));
    ctx.stroke();
  }
}

function dot(ctx, x, y, r, colors) {
  ctx.beginPath();
  ctx.arc(x, y, r, 0, 2 * Math.PI);
  ctx.fillStyle = colors.accent;
  ctx.strokeStyle = colors.surface;
  ctx.lineWidth = 1.5;
  ctx.fill();
  ctx.stroke();
}

/** Where real data stand: a dashed cross. */
function cross(ctx, x, y, words, colors) {
  ctx.strokeStyle = colors.ink;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(x - 9, y);
  ctx.lineTo(x + 9, y);
  ctx.moveTo(x, y - 9);
  ctx.lineTo(x, y + 9);
  ctx.stroke();
  ctx.setLineDash([]);
  plate(ctx, words, x - 12, y + 14, { colors, align: "right" });
}
