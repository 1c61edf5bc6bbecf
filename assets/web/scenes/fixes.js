// Every fix: three textbook fixes, each in a setting in which it was found to help, beside the plain game with the same numbers and cheaper
// rivals. Before anything is trained here the recorded table stands; a press trains a row's seeds anew, a dot opens its seed on the stage.
import { createDotRow } from "../dotrow.js";
import { fixed, int } from "../format.js";
import { SeedSet, trainSet } from "../seedset.js";
import { mcnemar, meanInterval, pText, signFlip } from "../statistics.js";

export const title = "Every fix";
export const kinds = ["2d"];

const RECORD = "play/recordings/gan-fixes.json";
const MANY = 7; // modes of 8 that count as found
const COLUMNS = {
  modes_covered: { title: "modes within 3σ", lo: 0, hi: 8, whole: true, line: 8, found: (v) => v >= MANY, what: "7 modes or more" },
  wide_modes: { title: "modes within 10σ", lo: 0, hi: 8, whole: true, line: 8, found: (v) => v === 8, what: "all 8 modes, within 10σ" },
  share_kl: { title: "KL of shares, nats", lo: 0, hi: Math.log(8), whole: false, line: 0, found: null, what: "" },
};
const BUDGETS = { steps: "at equal steps", seconds: "at equal seconds" };

export function create(container, { session, tab, commands }) {
  let record = null; // the recorded table
  let wrong = "";
  let group = "hop";
  let column = "wide_modes";
  let budget = "steps";
  let going = null; // {key, stop}
  let refused = "";
  const own = new Map(); // row -> SeedSet trained here
  let drawn = [];

  const element = (name, props = {}, ...children) => {
    const made = Object.assign(document.createElement(name), props);
    made.append(...children);
    return made;
  };
  const bar = element("div", { className: "row fix-bar" });
  const list = element("div", { className: "fix-rows" });
  const words = element("p", { className: "scene-words" });
  const source = element("p", { className: "calm" });
  container.append(bar, list, words, source);

  /** Buttons of which one is on. */
  function choice(label, all, now, set) {
    const box = element("div", { className: "row", role: "group" });
    box.setAttribute("aria-label", label);
    for (const [key, text] of all) {
      const button = element("button", { type: "button", className: `button small${key === now ? " strong" : ""}`, textContent: text });
      button.setAttribute("aria-pressed", key === now);
      button.addEventListener("click", () => {
        set(key);
        build();
      });
      box.append(button);
    }
    return box;
  }

  async function load() {
    try {
      const reply = await fetch(new URL(RECORD, document.baseURI));
      if (!reply.ok) throw new Error(`${reply.status}`);
      record = await reply.json();
    } catch {
      wrong = "The recorded table could not be read. Leave this scene and open it again.";
    }
    build();
  }

  // --- rows -----------------------------------------------------------------------------------------------------------------------
  /** The rows of the group; at equal seconds the plain game is the one that spends those of the fix. */
  function rows() {
    const shown = Object.entries(record.rows).filter(([, r]) => r.group === group && r.shown);
    return shown.map(([key, r]) => {
      const longer = timed() && budget === "seconds" && record.rows[r.time] ? r.time : key;
      return [longer, record.rows[longer]];
    });
  }

  /** Whether a row of the group has been recorded over the seconds of its fix. */
  const timed = () => Object.values(record.rows).some((r) => r.group === group && r.shown && record.rows[r.time]);

  /** Seed -> value, of what was trained here or else recorded. */
  function values(key) {
    const set = own.get(key);
    if (set) return new Map(set.done.filter((r) => r.values).map((r) => [r.seed, r.values[column]]));
    const row = record.rows[key];
    return new Map(row.seeds.map((seed, i) => [seed, row[column][i]]));
  }

  function build() {
    for (const { dots } of drawn) dots.destroy();
    drawn = [];
    list.replaceChildren();
    if (!record) {
      words.textContent = wrong || "Reading the recorded table.";
      return;
    }
    const groups = [...new Set(Object.values(record.rows).filter((r) => r.shown).map((r) => r.group))];
    bar.replaceChildren(
      choice("Fix", groups.map((g) => [g, record.groups[g]]), group, (g) => (group = g)),
      choice("Measure", Object.entries(COLUMNS).map(([k, c]) => [k, c.title]), column, (c) => (column = c)),
      ...(timed() ? [choice("Budget", Object.entries(BUDGETS), budget, (b) => (budget = b))] : []),
    );
    for (const [key, row] of rows()) drawn.push(makeRow(key, row));
    show();
  }

  function makeRow(key, row) {
    const press = element("button", { type: "button", className: "button small" });
    press.addEventListener("click", () => train(key));
    const note = element("small", { textContent: `${row.role} · ${int(row.steps)} steps, ${fixed(row.price * row.steps, 1)} s of a core` });
    const heading = element("h3", {}, `${row.title} `, note, element("b"));
    const box = element("div", { className: "dots" });
    const section = element("section", {}, element("div", { className: "row" }, heading, press), box);
    section.dataset.row = key;
    list.append(section);
    const dots = createDotRow(box, { label: row.title, mark: tab.mark, onHover: () => {}, onPick: (seed) => open(row, seed) });
    return { key, row, section, press, dots };
  }

  /** One seed of a row becomes the visitor's own run. */
  function open(row, seed) {
    commands.scene(null);
    commands.load({ ...row.settings, seed });
  }

  async function train(key) {
    if (going) {
      const same = going.key === key;
      going.stop.abort();
      if (same) return;
    }
    const row = record.rows[key];
    const set = new SeedSet({ ...row.settings, seed: row.seeds[0] - 1 }, row.seeds.length);
    const mine = { key, stop: new AbortController() };
    going = mine;
    own.set(key, set);
    refused = "";
    show();
    try {
      await trainSet(set, { ask: (config, options) => session.exact(config, options), signal: mine.stop.signal, changed: show });
    } catch (error) {
      if (error.name !== "AbortError") refused = error.message;
    }
    if (going === mine) going = null;
    if (!set.done.length) own.delete(key);
    show();
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!record) return;
    const { lo, hi, whole, line, found } = COLUMNS[column];
    for (const { key, section, press, dots } of drawn) {
      const all = values(key);
      const known = [...all.values()].filter((v) => v != null);
      const reached = found && known.filter(found).length;
      const mean = meanInterval(known, [lo, hi]);
      const text = found ? `${reached} of ${known.length}` : mean.mean == null ? "" : fixed(mean.mean, 3);
      section.querySelector("b").textContent = text;
      const busy = going?.key === key;
      const set = own.get(key);
      press.textContent = busy ? `Stop (${set.done.length} of ${set.seeds.length})` : set ? "Train again" : `Train ${record.rows[key].seeds.length} seeds`;
      section.dataset.source = set ? "own" : "recorded";
      const marks = [...all].map(([seed, value]) => ({ seed, value: value ?? null, kind: !found || found(value) ? "full" : "part" }));
      dots.update({ lo, hi, log: false, whole, percent: false, line, band: null, now: { marks, ...mean, text }, ghost: null, held: null });
    }
    words.classList.toggle("field-error", Boolean(refused));
    words.textContent = refused || sentences().join(" ");
    const here = drawn.filter(({ key }) => own.has(key)).map(({ row }) => row.title);
    const trained = here.length ? ` Trained here: ${here.join("; ")}; its seconds are still the recorded ones.` : "";
    source.textContent = `Recorded: ${record.command}, ${record.engine}, ring of 8, n ${int(record.n)} samples a run.${trained}`;
  }

  /** The fix against each other row, on the seeds that both have, from the values drawn. */
  function sentences() {
    const fix = drawn.find(({ row }) => row.role === "fix");
    return drawn.filter((r) => r !== fix).map((r) => compared(r, fix, values(r.key), values(fix.key), COLUMNS[column]));
  }

  load();
  return { update() {} };
}

/** One sentence: how often each reached it, or their mean difference, with an exact paired test. */
export function compared(row, fix, before, after, { found, what }) {
  const seeds = [...after.keys()].filter((seed) => after.get(seed) != null && before.get(seed) != null);
  const name = (r) => `“${r.row.title}”`;
  if (!seeds.length) return `${name(fix)} and ${name(row)} share no seed yet.`;
  const n = seeds.length;
  if (!found) {
    const differences = seeds.map((seed) => after.get(seed) - before.get(seed));
    const mean = differences.reduce((a, b) => a + b, 0) / n;
    return `${name(fix)} against ${name(row)}: ${mean < 0 ? "−" : "+"}${fixed(Math.abs(mean), 3)} nats on ${n} paired seeds (sign flips, p ${pText(signFlip(differences))}).`;
  }
  const [a, b] = [after, before].map((values) => seeds.map((seed) => found(values.get(seed))));
  const [gained, lost] = [a.filter((yes, i) => yes && !b[i]).length, b.filter((yes, i) => yes && !a[i]).length];
  const count = (list) => list.filter(Boolean).length;
  return `${what[0].toUpperCase()}${what.slice(1)}: ${name(fix)} ${count(a)}, ${name(row)} ${count(b)} of ${n} seeds (paired ${gained}:${lost}, exact McNemar, p ${pText(mcnemar(gained, lost).exact)}).`;
}
