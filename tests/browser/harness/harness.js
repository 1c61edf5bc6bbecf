// Draws every part with the synthetic run and writes down what it calls back, for the test and for looking at.
import { createBars, createChart, createSpark } from "/assets/web/charts.js";
import { decodeFrame, decodePull } from "/assets/web/decode.js";
import * as format from "/assets/web/format.js";
import { icon, iconNames } from "/assets/web/icons.js";
import { createStage } from "/assets/web/stage.js";
import { flush } from "/assets/web/surface.js";
import { createTimeline } from "/assets/web/timeline.js";
import { backdrop, encodePull, frame, pictures, rows } from "./synthetic.js";

const TOTAL = 4200;
const query = new URLSearchParams(location.search);
if (query.get("theme") === "dark") document.body.classList.add("dark");
const calls = { hover: [], pick: [], stage: [], scrub: [], live: 0, fork: [], mark: [], flag: [], branch: [], play: [] };
const at = (selector) => document.querySelector(selector);
const record = (name) => (value) => calls[name].push(value);

const live = 3000;
const steps = Array.from({ length: live / 50 + 1 }, (_, i) => 50 * i);
const metrics = rows(live);
const run = { cursor: live, live: true };

const stage = createStage(at(".stage-canvas"), { onHover: record("stage") });
const charts = {
  bars: createBars(at("#bars"), { label: "Share of samples per mode" }),
  loss: createChart(at("#loss"), { label: "Loss of G and D against the step", onHover: record("hover"), onPick: record("pick") }),
  modes: createChart(at("#modes"), { label: "Modes covered against the step", height: 110 }),
};
const TILES = [
  ["Modes covered", "6", "of 8", "target 8 · n 2,000", "modes", true, 8],
  ["High quality", "54.1 %", "", "ceiling 98.9 % · within 3σ", "hq", false, 0.989],
  ["Reverse KL", "0.08", "nats", "floor 0.002 · over modes", "kl", false, 0.002],
  ["Sliced W₁", "0.088", "", "floor 0.017 · n 2,000", "sw", false, 0.017],
];
at(".tiles").innerHTML = TILES.map(([name, value, unit, floor]) => `<div class="tile"><div class="name">${name}</div><div class="value"><b>${value}</b><small>${unit}</small></div><div class="floor">${floor}</div><div class="spark"></div></div>`).join("");
const sparks = [...document.querySelectorAll(".spark")].map((element) => createSpark(element));

const timeline = createTimeline(at(".timeline"), {
  onScrub: (step) => (calls.scrub.push(step), go(step)),
  onLive: () => ((calls.live += 1), go(live)),
  onPick: (step) => (calls.flag.push(step), go(step)),
  onFork: record("fork"),
  onMark: record("mark"),
  onBranch: record("branch"),
  onPlay: record("play"),
});

const decoded = new Map();
function frameAt(step) {
  if (!decoded.has(step)) decoded.set(step, decodeFrame(frame(step, TOTAL)));
  return decoded.get(step);
}

/** Show a step everywhere, as the page does. */
function go(step) {
  Object.assign(run, { cursor: step, live: step >= live });
  draw(step);
}

function draw(step) {
  const seen = (points) => points.filter(([s]) => s <= step);
  const shown = frameAt(50 * Math.floor(step / 50));
  stage.setFrame(shown);
  const bars = shown.views.find((v) => v.type === "bars");
  charts.bars.update({ values: bars.arrays.values, labels: bars.labels, fair: bars.fair, low: bars.low, marks: [{ index: 1, number: 1 }] });
  const common = { xMax: TOTAL, cursor: step, marks: [{ x: 2600, label: "lr D × 0.2" }] };
  charts.loss.update({
    ...common,
    series: [
      { id: "d", points: metrics.d_loss, color: "data", smooth: 0.8 },
      { id: "g", points: metrics.g_loss, color: "accent", smooth: 0.8 },
    ],
    lines: [{ y: 1.386, label: "D: log 4" }, { y: 0.693, label: "G: log 2", below: true }],
  });
  charts.modes.update({
    ...common,
    marks: [{ x: 2600 }],
    series: [
      { id: "fork", points: metrics.fork, color: "accent", dash: [2, 3], step: true },
      { id: "main", points: metrics.modes, color: "accent", step: true, width: 1.5 },
    ],
    lines: [{ y: 8 }],
    yRange: [0, 8.6],
    evidence: [{ number: 2, step: 1425 }],
  });
  sparks.forEach((spark, i) => spark.update({ points: seen(metrics[TILES[i][4]]), step: TILES[i][5], line: TILES[i][6], lo: 0 }));
  timeline.update({
    total: TOTAL,
    last: live,
    cursor: step,
    live: run.live,
    running: true,
    steps,
    values: metrics.modes,
    max: 8,
    events: [
      { step: 1000, title: "7 modes", kind: "note" },
      { step: 1200, title: "3 modes", kind: "collapse" },
      { step: 2400, title: "fork: R3GAN", kind: "fork" },
      { step: 2600, title: "lr D × 0.2", kind: "knob" },
    ],
    forks: [{ id: "b1", from: 2400, to: 3000, title: "R3GAN" }],
    branches: query.get("branches") ? [{ id: "b0", title: "first run", active: true }, { id: "b1", title: "R3GAN", active: false }] : [],
    canFork: true,
  });
}

stage.setBackdrop(decodeFrame(backdrop()));
stage.setMarks([{ mode: 1, number: 1 }]);
if (query.get("state") === "empty") stage.setState({ empty: true, inset: 132 });
if (query.get("state") === "waiting") stage.setState({ faded: true, inset: 132 });
go(Number(query.get("step") ?? live));
if (query.get("images")) showPictures(Number(query.get("images")));

function showPictures(channels) {
  stage.setBackdrop(decodeFrame(pictures(0, "data", 100, channels)));
  stage.setFrame(decodeFrame(pictures(live, "model", 100, channels)));
}

/** One complete redraw with a new frame per animation frame: decoding, stage, charts, tiles, timeline. @returns ms of script, median */
async function animate(frames = 60) {
  const bytes = Array.from({ length: 8 }, (_, i) => frame(2000 + 50 * i, TOTAL));
  const times = [];
  for (let i = 0; i < frames; i++) {
    await new Promise(requestAnimationFrame);
    const start = performance.now();
    decoded.set(live, decodeFrame(bytes[i % 8]));
    draw(live);
    flush();
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[frames >> 1];
}

window.harness = { calls, charts, decodeFrame, decodePull, encodePull, flush, format, frame, go, icon, iconNames, animate, run, showPictures, stage, timeline };
await document.fonts.ready;
document.body.dataset.ready = "1";
