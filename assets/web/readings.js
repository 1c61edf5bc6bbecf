// The right column: four tiles, each with its floor or target, and three charts that share the timeline's step.
import { createBars, createChart, createSpark } from "./charts.js";
import { int } from "./format.js";

/** Fractions are shown in percent. */
const times = (info) => (info.scale === "percent" ? 100 : 1);

/** The value a perfect model reaches, where more is better: all modes, all classes, or the ceiling. */
export function ceiling(info, dataset) {
  if (info.name === "modes_covered") return dataset.modes;
  if (info.name === "classes_covered") return dataset.classes.length;
  return info.better === "up" ? info.target : null;
}

/** A metric's value as it is written: percent, count or three digits, with its unit. */
export function written(info, value) {
  if (value == null) return "—";
  const v = value * times(info);
  if (info.decimals === 0) return int(v);
  return Math.abs(v) >= 100 && info.unit !== "%" ? int(v) : v.toFixed(info.decimals).replace("-", "−");
}

export const REAL = "real data"; // name of the line and band of what these score

/** "0.016–0.044", "98.5–99.3 %": the ends of a band of real draws. */
export const bandText = (info, band) => `${band.map((v) => written(info, v)).join("–")}${info.unit === "%" ? " %" : ""}`;

/** An equilibrium value by its name: log 4 rather than 1.386. */
export function named(v) {
  for (const n of [2, 4]) if (Math.abs(Math.abs(v) - Math.log(n)) < 1e-6) return `${v < 0 ? "−" : ""}log ${n}`;
  return String(+v.toPrecision(3)).replace("-", "−");
}

/** Where the losses settle when G is perfect, as lines of a chart. @param {{floor: (metric: string) => number|null}} seen */
export function equilibria(seen) {
  const [d, g] = [seen.floor("d_loss"), seen.floor("g_loss")];
  if (d != null && d === g) return [{ y: d, label: `D and G: ${named(d)}` }];
  const lines = d == null ? [] : [{ y: d, label: `D: ${named(d)}` }];
  return g == null ? lines : [...lines, { y: g, label: `G: ${named(g)}`, below: true }];
}

/** ", nats" where a loss is a log-likelihood. */
export const unitOf = (objective) => (["wgan", "wgan-gp", "lsgan", "hinge"].includes(objective) ? "" : ", nats");

/** @param {HTMLElement} part @param {object} about {metrics, onHover, onPick} */
export function createReadings(part, { metrics, onPick }) {
  const tilesBox = part.querySelector(".tiles");
  const chartsBox = part.querySelector(".charts");
  let shape = "";
  let tiles = [];
  let charts = {};

  /** Lay out for a kind of data; nothing is rebuilt while a run goes on. */
  function layout(kind, headline, dataset, objective, settles) {
    const wanted = [kind, dataset.key, objective, settles].join();
    if (wanted === shape) return;
    shape = wanted;
    tilesBox.replaceChildren();
    tiles = headline.map((name) => tile(metrics[name], dataset));
    tilesBox.append(...tiles.map((t) => t.element));
    chartsBox.replaceChildren();
    charts = { loss: lossChart(objective, settles), main: mainChart(metrics[headline[0]]) };
    if (dataset.modes > 1 || (kind === "image" && dataset.classes.length)) {
      const title = dataset.modes > 1 ? "Share of samples per mode" : "Share of samples per class";
      charts.bars = createBars(chartBox(title, [["square", "model"], ["dash", `even share`]], "first"), {});
    }
  }

  function tile(info, dataset) {
    const element = document.createElement("div");
    element.className = "tile";
    element.dataset.metric = info.name;
    element.title = info.about;
    element.tabIndex = 0;
    const of = info.decimals === 0 ? `of ${ceiling(info, dataset)}` : info.unit;
    element.innerHTML = `<div class="name">${info.title} <span class="evidence" hidden></span></div><div class="value"><b>—</b><small>${of}</small></div><div class="floor">&nbsp;</div><div class="spark"></div>`;
    return { info, element, spark: createSpark(element.querySelector(".spark")), top: ceiling(info, dataset) };
  }

  function chartBox(title, legend, place) {
    const box = document.createElement("figure");
    box.className = "chart";
    box.innerHTML = `<figcaption><h3>${title}</h3>${legend.map(([mark, words]) => `<span class="legend ${mark}">${words}</span>`).join("")}</figcaption><div class="plot"></div>`;
    if (place === "first") chartsBox.prepend(box);
    else chartsBox.append(box);
    return box.querySelector(".plot");
  }

  function lossChart(objective, settles) {
    const legend = [["line model", "G"], ["line data", "D"], ...(settles ? [["dash", "equilibrium"]] : [])];
    return createChart(chartBox(`Loss${unitOf(objective)}`, legend), { label: "Loss of G and D against the step", height: 130, onPick });
  }

  function mainChart(info) {
    const title = info.title + (info.unit && info.unit !== "%" ? `, ${info.unit}` : "");
    return createChart(chartBox(title, [["line model", "this run"], ["line dotted model", "other branches"]]), { label: `${info.title} against the step`, height: 110, onPick });
  }

  /** Draw everything at the store's step. */
  function update(store, { kind, headline, dataset, objective, total, marks, evidence, run }) {
    const lines = equilibria(store);
    layout(kind, headline, dataset, objective, lines.length > 0);
    const step = store.step;
    for (const t of tiles) drawTile(t, store, step, evidence);
    const common = { xMax: total, cursor: step, marks, run };
    charts.loss.update({
      ...common,
      series: [
        { id: "d", points: store.series("d_loss").main, color: "data", smooth: 0.8 },
        { id: "g", points: store.series("g_loss").main, color: "accent", smooth: 0.8 },
      ],
      lines,
    });
    drawMain(store, common, headline[0], evidence);
    const bars = store.frameAt(step)?.views.find((v) => v.panel === "modes");
    charts.bars?.update(bars ? { values: bars.arrays.values, labels: bars.labels, fair: bars.fair, low: bars.low, marks: evidence.filter((e) => e.index != null) } : { values: [], labels: [] });
  }

  function drawMain(store, common, name, evidence) {
    const info = metrics[name];
    const { main, others } = store.series(name);
    const scale = times(info);
    const scaled = (points) => (scale === 1 ? points : points.map(([s, v]) => [s, v * scale]));
    const counted = info.decimals === 0;
    const top = tiles[0].top;
    const floor = store.floor(name);
    const lines = [];
    if (top != null && (counted || floor == null)) lines.push({ y: top * scale, label: "" });
    else if (floor != null) lines.push({ y: floor * scale, label: REAL, band: store.band(name)?.map((v) => v * scale) });
    charts.main.update({
      ...common,
      series: [
        ...others.map((o) => ({ id: `b${o.id}`, points: scaled(o.points), color: "accent", dash: [2, 3], step: counted })),
        { id: "main", points: scaled(main), color: "accent", step: counted, width: counted ? 1.5 : 2 },
      ],
      lines,
      yRange: counted && top != null ? [0, top * 1.08] : undefined,
      log: info.scale === "log",
      evidence: evidence.filter((e) => e.index == null && e.metric === name),
    });
  }

  function drawTile(t, store, step, evidence) {
    const proof = evidence.find((e) => e.metric === t.info.name && e.index == null);
    const ring = t.element.querySelector(".evidence");
    ring.hidden = !proof;
    ring.textContent = proof?.number ?? "";
    const value = store.value(t.info.name, step);
    const floor = store.floor(t.info.name);
    const text = written(t.info, value);
    t.element.querySelector("b").textContent = t.info.unit === "%" && value != null ? `${text} %` : text;
    if (t.info.unit === "%") t.element.querySelector("small").textContent = "";
    const band = store.band(t.info.name);
    t.element.querySelector(".floor").textContent = floorWords(t, { floor, band }, store.floor("n") ?? t.info.n);
    t.element.title = band ? `${t.info.about}. The band holds 90 of 100 draws of as many real examples.` : t.info.about;
    const points = store.series(t.info.name).main.filter(([s]) => s <= step);
    t.spark.update({ points, step: t.info.decimals === 0, line: t.info.decimals === 0 ? t.top : (floor ?? t.top), band, lo: 0 });
  }

  function floorWords({ info, top }, { floor, band }, samples) {
    const n = info.n ? ` · n ${int(samples)}` : "";
    const unit = info.unit === "%" ? " %" : "";
    if (info.decimals === 0) return `target ${top}${n}`;
    if (band) return `real data ${bandText(info, band)}${n}`;
    if (floor != null) return `floor ${written(info, floor)}${unit}${n}`;
    if (top != null) return `ceiling ${written(info, top)}${unit}${n}`;
    if (info.target != null && info.better === "none") return `balance ${written(info, info.target)}${unit}`;
    return n.replace(" · ", "");
  }

  return { update };
}
