// Does the order of the pixels matter? Whole short runs in raster, reverse and random order, six seeds of each, measured on the same images.
import { fixed, int } from "../../format.js";
import { paired } from "../../seedwords.js";
import { meanInterval } from "../../statistics.js";
import { createChart } from "./chart.js";
import { NAMES, defineScene, tell } from "./kit.js";
import { RunSet, createRuns } from "./runs.js";

const ORDERS = ["raster", "reverse", "random"];
const SEEDS = 6; // the fewest of which a paired test can tell two orders apart
const BUDGETS = [60, 150, 300]; // steps
const HTML = `<div class="bar"><label>Steps each <select aria-label="Steps of each run">${BUDGETS.map((n, i) => `<option value="${n}"${i === 0 ? " selected" : ""}>${n}</option>`).join("")}</select></label><button type="button" class="button small strong press"></button><span class="said"></span></div>
  <div class="seq-parts order-parts"><section><div class="plot"></div></section><section class="side"><table></table></section></div>`;

function start({ container, find, say }, { session }) {
  const chart = createChart(find(".plot"), "Bits per pixel by order of the pixels");
  const runs = createRuns({ session, button: find(".press"), said: find(".said"), show, current, seed: () => about.config.seed });
  let about = null;

  const steps = () => +find("select").value;
  const seeds = () => Array.from({ length: SEEDS }, (_, i) => (about.config.seed + i) % 10_000);

  /** Seed by seed, so that after three runs there is one of each order. */
  function current() {
    const { seed: _, ...rest } = about.config;
    return new RunSet(new Map(seeds().flatMap((seed) => ORDERS.map((pixel_order) => [`${pixel_order} ${seed}`, { ...rest, pixel_order, seed, steps: steps() }]))));
  }

  const valuesOf = (set, order) => seeds().map((seed) => set.at(`${order} ${seed}`)?.values?.bits_per_dim).filter((v) => v != null);

  function show() {
    if (!about) return;
    const set = runs.label();
    const rows = ORDERS.map((order) => ({ order, values: valuesOf(set, order), ...meanInterval(valuesOf(set, order)) }));
    const dots = rows.flatMap(({ values }, i) => values.map((v) => ({ x: i + 0.12, y: v, color: "accent", hollow: true, label: "" })));
    const means = rows.filter((r) => r.mean != null).map(({ order, mean, half }) => ({ x: ORDERS.indexOf(order) - 0.06, y: mean, half: half ?? 0, color: "accent", label: fixed(mean, 3) }));
    const shape = { xName: "order of the pixels", yName: "bits per pixel, images held out", xs: [-0.5, 2.5], xMarks: ORDERS.map((order, i) => [i, order]) };
    chart.update({ ...shape, points: [...dots, ...means], ...(means.length ? {} : { ys: [0, Math.log2(+about.config.levels)] }) });
    table(set, rows);
    find("select").disabled = Boolean(runs.going);
    say(runs.refused || sentence(set, rows), runs.refused);
    tell(container, { state: runs.busy ? "busy" : "idle", done: set.done.length, of: set.seeds.length, means: JSON.stringify(rows.map((r) => [r.order, r.n, r.mean])) });
  }

  function table(set, rows) {
    const row = ({ order, values, mean, half }) => `<tr><td>${order}</td><td>${values.length}</td><td>${mean == null ? "—" : fixed(mean, 3)}</td><td>${half == null ? "—" : `± ${fixed(half, 3)}`}</td></tr>`;
    const html = `<thead><tr><th>order</th><th>seeds</th><th>bits per pixel</th><th>95 %</th></tr></thead><tbody>${rows.map(row).join("")}</tbody>`;
    if (find("table").dataset.html !== html) [find("table").innerHTML, find("table").dataset.html] = [html, html];
  }

  function sentence(set, rows) {
    const what = `${NAMES[about.config.model]}, ${int(steps())} steps each, seeds ${seeds().join(", ")}, n at most 500 images held out`;
    const known = rows.filter((r) => r.mean != null);
    if (known.length < 3) return `Any order of the pixels gives an exact likelihood. A press trains ${set.seeds.length} short runs and says which order is easiest to learn: ${what}.`;
    const [best, , worst] = [...known].sort((a, b) => a.mean - b.mean);
    const at = (order) => seeds().map((seed) => set.at(`${order} ${seed}`)?.values?.bits_per_dim ?? null);
    const sure = `compared seed by seed: ${paired(at(worst.order), at(best.order)).words}`;
    return `${best.order[0].toUpperCase()}${best.order.slice(1)} order needs ${fixed(best.mean, 3)} bits per pixel, ${worst.order} ${fixed(worst.mean, 3)}; ${sure}. A convolution finds a pixel's neighbours where it expects them only in an order that keeps them together. ${what}.`;
  }

  find("select").addEventListener("change", () => (show(), runs.foresee()));

  return {
    update(next) {
      about = next;
      show();
      if (!next.running) runs.foresee();
    },
  };
}

export const { title, kinds, create } = defineScene({ title: "Order of the pixels", kinds: ["image"], html: HTML, start, needsRun: false });
