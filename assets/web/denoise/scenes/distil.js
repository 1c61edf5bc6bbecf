// Fewer steps: a student is trained beside the run to make in one step what its teacher makes in several.
import { bandOf } from "../../store.js";
import { fixed, int, short } from "../../format.js";
import { createCell } from "../cell.js";
import { createPlot } from "../plot.js";
import { createSeries } from "../../ask/series.js";
import { choices, curve, distanceOf, isImage, layer, layOut } from "./frame.js";

export const title = "Fewer steps: distillation";

const COUNTS = [1, 2, 4, 8];
const METHODS = [["progressive", "Progressive"], ["consistency", "Consistency"]];
const SECONDS = { progressive: 0.1, consistency: 0.14 }; // of one core for an update on 28×28 pixels, measured
const UPDATES = { "2d": [500, 2000, 5000], image: [40, 100, 200] };

export function create(container, tools) {
  const { store } = tools;
  const find = layOut(container, {
    bar: `${choices("method", METHODS, "progressive")}<label>Updates <select aria-label="Updates of the student"></select></label><button type="button" class="button small strong press">Train the student</button>`,
    body: `<div class="parts distil-parts"><section><table class="pictures"><thead><tr><th></th>${COUNTS.map((k) => `<th>${k} step${k === 1 ? "" : "s"}</th>`).join("")}</tr></thead><tbody>${["teacher", "student"].map((who) => `<tr><th>${who === "teacher" ? "Teacher" : "Student"}</th>${COUNTS.map((k) => `<td data-cell="${who}/${k}"><div class="cell"></div><b></b></td>`).join("")}</tr>`).join("")}</tbody></table></section>
      <section><h3>Sliced W₁ against steps <small class="key"><span class="legend line model">student</span> <span class="legend dotted">teacher, DDIM</span></small></h3><div class="plot near"></div><h3>Loss of the student <small>against its updates, log</small></h3><div class="plot loss"></div></section></div>`,
  });
  const cells = new Map([...container.querySelectorAll("[data-cell]")].map((td) => [td.dataset.cell, createCell(td.querySelector(".cell"), td.dataset.cell)]));
  const near = createPlot(find(".near"), "Sliced W₁ against steps for teacher and student");
  const loss = createPlot(find(".loss"), "Loss of the student against its updates");
  const series = createSeries(tools, show);
  let about = null;
  let method = "progressive";
  const asked = new Set(); // questions that were pressed for

  const ask = () => ["distil", { method, target: 1, steps: +find("select").value, n: isImage(about) ? 40 : 500, seed: 0 }];
  const key = () => JSON.stringify(ask());

  function show() {
    if (!about) return;
    const frame = series.get(...ask());
    const curves = Object.fromEntries(["teacher", "student"].map((who) => [who, curve(frame, "sliced_w1", who)]));
    for (const who of ["teacher", "student"]) {
      COUNTS.forEach((k, i) => {
        cells.get(`${who}/${k}`).update({ view: layer(frame, who, String(k)), backdrop: store.backdrop(), count: 4 });
        const cell = find(`[data-cell="${who}/${k}"]`);
        cell.querySelector("b").textContent = curves[who] ? fixed(curves[who].y[i], 3) : "—";
        cell.classList.toggle("near", Boolean(curves[who] && curves[who].y[i] <= bandOf(frame.metrics, "sliced_w1")[1]));
      });
    }
    const lines = curves.student ? [{ name: "student", ...curves.student, color: "accent", dots: true }, { name: "teacher", ...curves.teacher, color: "ink2", dash: [1, 3], dots: true }] : [];
    near.update({ lines, x: { name: "steps, log", log: true, range: [COUNTS[0], COUNTS.at(-1)], marks: COUNTS.map((k) => [k, String(k)]) }, y: { name: `${distanceOf(about)}, log`, log: true }, floors: frame ? [{ y: frame.metrics.sliced_w1, band: bandOf(frame?.metrics, "sliced_w1"), label: `real data, n ${int(frame.metrics.n)}` }] : [], room: 60 });
    const course = curve(frame, "loss");
    loss.update({ lines: course ? [{ name: "loss", ...course, color: "accent", width: 1, bare: true }] : [], x: { name: "updates", range: [0, course ? course.x.at(-1) : +find("select").value] }, y: { name: "loss, log", log: true } });
    for (const button of container.querySelectorAll("[data-method]")) button.setAttribute("aria-pressed", button.dataset.method === method), (button.disabled = series.busy);
    find(".press").disabled = !about.started || about.running || series.busy || Boolean(frame && asked.has(key()));
    find(".press").textContent = series.busy ? "Training…" : "Train the student";
    find("select").disabled = series.busy;
    find(".said").textContent = frame ? `n ${int(frame.metrics.n)}, seed 0, floor ${fixed(frame.metrics.sliced_w1, 3)}` : "";
    find(".scene-words").textContent = sentence(frame, curves);
    container.classList.toggle("nothing", !about.started);
    Object.assign(container.dataset, { busy: series.busy, teacher: curves.teacher ? Array.from(curves.teacher.y).join() : "", student: curves.student ? Array.from(curves.student.y).join() : "", method });
  }

  function sentence(frame, curves) {
    if (!about.started) return "Nothing trained yet. Train, and a student can learn here to do in one step what the run does in sixteen.";
    if (series.refused) return series.refused;
    const what = method === "progressive" ? "Progressive distillation: one step is to land where two of the teacher's did, from 16 steps down to 1 (Salimans & Ho, 2022)" : "Consistency distillation: all places of one path are to have one end (Song et al., 2023)";
    const updates = +find("select").value;
    const cost = isImage(about) && about.config.space !== "latent" ? ` ${int(updates)} updates take about ${int(Math.ceil(updates * SECONDS[method]))} s of one core on 28×28 pixels.` : "";
    if (series.busy) return `${what}.${cost}`;
    if (!frame) return about.running ? `${what}. Pause the run, and a student can be trained beside it.` : `${what}. The run itself stays as it is.${cost}`;
    const [t, s] = [curves.teacher.y, curves.student.y];
    const ratio = t[0] / s[0];
    const one = ratio > 1.1 ? `In one step the student is ${short(+ratio.toPrecision(2))} times nearer to the data than its teacher (${fixed(s[0], 3)} to ${fixed(t[0], 3)})` : ratio < 0.9 ? `In one step the student is further from the data than its teacher (${fixed(s[0], 3)} to ${fixed(t[0], 3)}): it was trained too little` : `In one step student and teacher are alike (${fixed(s[0], 3)} and ${fixed(t[0], 3)})`;
    const match = COUNTS.find((k, i) => t[i] <= s[0]);
    const worth = match ? `the teacher needs ${match} step${match === 1 ? "" : "s"} for that` : `the teacher does not get there in 8`;
    const more = method === "consistency" ? "" : ` It was taught to take one step: with 8 it is ${s[3] < s[0] ? "nearer" : "further away"} (${fixed(s[3], 3)}).`;
    return `${one}; ${worth}. Floor ${fixed(frame.metrics.sliced_w1, 3)}, n ${int(frame.metrics.n)}, one seed (0), ${int(curve(frame, "loss").x.length)} updates, step ${int(frame.step)}.${more}`;
  }

  function options() {
    const list = UPDATES[about.kind];
    const select = find("select");
    if (select.dataset.key === about.kind) return;
    select.dataset.key = about.kind;
    select.innerHTML = list.map((s, i) => `<option value="${s}"${i === 1 ? " selected" : ""}>${int(s)}</option>`).join("");
  }

  function press() {
    asked.add(key());
    series.want(about, [ask()], ["grid", "sigma_min", "sigma_max", "rho"]);
    show();
  }

  container.addEventListener("click", (event) => {
    const next = event.target.closest("[data-method]")?.dataset.method;
    if (next) (method = next), show();
  });
  find("select").addEventListener("change", show);
  find(".press").addEventListener("click", press);
  return {
    update(next) {
      about = next;
      options();
      show();
    },
  };
}
