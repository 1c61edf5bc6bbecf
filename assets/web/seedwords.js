// What a set of seeds says, in words computed from its numbers.
import { duration, fixed, int, percent, short } from "./format.js";
import { bandText, ceiling, written } from "./readings.js";
import { fisher, mcnemar, meanInterval, pText, signFlip, wilson } from "./statistics.js";
import { bandOf } from "./store.js";

const COVERING = ["modes_covered", "classes_covered"];
const NAMED = 2; // changes named; the others are counted
const LUCK = 0.05; // a difference that chance alone makes less often is more than luck
const FEWEST = 6; // pairs of which the signs can tell: of five, chance makes all alike in 6 % of cases

const times = (info) => (info.scale === "percent" ? 100 : 1);

/** "8–39"; from 0 again after the last: "9,990–9,999 and 0–21". @param {number[]} seeds in order */
export function seedRange(seeds) {
  const cut = seeds.findIndex((seed, i) => i && seed < seeds[i - 1]);
  const span = (part) => (part.length > 1 ? `${int(part[0])}–${int(part.at(-1))}` : int(part[0]));
  return cut < 0 ? span(seeds) : `${span(seeds.slice(0, cut))} and ${span(seeds.slice(cut))}`;
}

/** What no value of a metric can leave. @returns {[number, number]} */
export function rangeOf(info, dataset) {
  if (info.scale === "percent") return [0, 1];
  if (info.decimals === 0) return [0, ceiling(info, dataset) ?? Infinity];
  return [info.least ?? (info.scale === "log" ? 0 : -Infinity), Infinity];
}

/** Mean and 95 % interval over the seeds in which a metric is defined, in the metric's own unit. */
export const measured = (set, info, dataset) => meanInterval(valuesOf(set, info.name), rangeOf(info, dataset));

const valuesOf = (set, name) => set.done.map((r) => r.values?.[name]).filter((v) => v != null);

/** "96.2 ± 0.4 %", "85.1 % (12 to 100)" where a bound cuts it: as many decimals as tell the interval. A single seed, or seeds alike, have none. */
export function meanText(info, { n, mean, half, lo, hi }) {
  if (mean == null) return "—";
  const unit = info.unit === "%" ? " %" : "";
  if (half == null) return written(info, mean) + unit + (n > 1 ? ` in each of ${n}` : "");
  const [m, h, low, high] = [mean, half, lo, hi].map((v) => v * times(info));
  const decimals = Math.min(6, Math.max(1, Math.ceil(-Math.log10(h))));
  const cut = high - low < 2 * h * (1 - 1e-9);
  return cut ? `${fixed(m, decimals)}${unit} (${fixed(low, decimals)} to ${fixed(high, decimals)})` : `${fixed(m, decimals)} ± ${fixed(h, decimals)}${unit}`;
}

/** The metric that counts modes or classes, and all there are; null for data without. @returns {{name: string, all: number, what: string}|null} */
export function covering(headline, metrics, dataset) {
  const name = COVERING.find((n) => headline.includes(n));
  const all = name ? ceiling(metrics[name], dataset) : 0;
  return all > 1 ? { name, all, what: name.startsWith("modes") ? "modes" : "classes" } : null;
}

/** How many runs reached all modes; a lost run did not. @returns {{count: number, n: number, lost: number, interval: [number, number]}|null} */
export function coverage(set, cover) {
  const n = set.done.length;
  if (!cover || !n) return null;
  const count = set.done.filter((r) => r.values?.[cover.name] === cover.all).length;
  return { count, n, lost: set.done.filter((r) => r.lost).length, interval: wilson(count, n) };
}

/** What differs between two settings, the seed apart: "Loss R3GAN → Non-saturating, R1 penalty γ 0.1 → 0 and 2 more". */
export function changes(knobs, before, now) {
  const value = (knob, v) => knob.choices?.find(([key]) => key === v)?.[1] ?? (typeof v === "boolean" ? (v ? "on" : "off") : typeof v === "number" ? short(v) : v);
  const changed = knobs.filter((k) => k.name !== "seed" && before[k.name] !== now[k.name]);
  const named = changed.slice(0, NAMED).map((k) => `${k.title.replace(",", "")} ${value(k, before[k.name])} → ${value(k, now[k.name])}`);
  return named.join(", ") + (changed.length > NAMED ? ` and ${changed.length - NAMED} more` : "");
}

/** The finding: all modes in how many seeds, with Wilson's interval; without modes the first metric's mean. */
export function finding(set, { cover, headline, metrics, dataset }) {
  const seen = coverage(set, cover);
  if (!seen) return meanFinding(set, metrics[headline[0]], dataset);
  const [lo, hi] = seen.interval.map((v) => fixed(100 * v, 0));
  const lost = seen.lost ? `, ${seen.lost} lost` : "";
  return `${cover.all} of ${cover.all} ${cover.what} in ${seen.count} of ${seen.n} seed${seen.n > 1 ? "s" : ""}${lost} (${percent(seen.count / seen.n, 0)}, 95 % interval ${lo}–${hi} %, Wilson).`;
}

/** The same of an earlier set, as short as it goes: "2 of 32 (1–20 %)". */
export function briefly(set, { cover, headline, metrics, dataset }) {
  const seen = coverage(set, cover);
  if (!seen) return meanText(metrics[headline[0]], measured(set, metrics[headline[0]], dataset));
  const [lo, hi] = seen.interval.map((v) => fixed(100 * v, 0));
  return `${seen.count} of ${seen.n} (${lo}–${hi} %)`;
}

function meanFinding(set, info, dataset) {
  const m = measured(set, info, dataset);
  if (m.mean == null) return `${info.title} is not defined in any of ${set.done.length} seeds.`;
  const band = bandOf(set.floors, info.name);
  const floor = band ? `; real data: ${bandText(info, band)}` : "";
  return `${info.title} ${meanText(info, m)} (mean of ${m.n} seed${m.n > 1 ? "s, 95 % Student interval" : ""}${floor}).`;
}

/**
 * Whether the difference of two sets may be luck. Runs from the same seeds are compared pair by pair: McNemar's test of how many reached all
 * modes, or a permutation test of the first metric. Sets without a common seed: Fisher's test. "" where there are not yet two runs of each.
 */
export function comparison(set, before, { cover, headline, metrics }) {
  if (set.done.length < 2 || before.done.length < 2) return "";
  const pairs = set.done.filter((r) => before.results.has(r.seed)).map((r) => [r, before.results.get(r.seed)]);
  if (cover) return pairs.length > 1 ? pairedCounts(pairs, cover) : separateCounts(set, before, cover);
  return pairedValues(pairs, metrics[headline[0]]);
}

const verdict = (p) => (p < LUCK ? "more than luck" : "these seeds do not tell the two apart");

function pairedCounts(pairs, { name, all }) {
  const full = ([now, then]) => [now, then].map((r) => r.values?.[name] === all);
  const [gained, lost] = [0, 1].map((k) => pairs.map(full).filter((both) => both[k] && !both[1 - k]).length);
  const { mid } = mcnemar(gained, lost);
  return `Seed by seed, all ${all} only now in ${gained}, only before in ${lost} of ${pairs.length}: McNemar’s mid-p ${pText(mid)}, ${verdict(mid)}.`;
}

function separateCounts(set, before, cover) {
  const [a, b] = [coverage(set, cover), coverage(before, cover)];
  const p = fisher(a.count, a.n, b.count, b.n);
  return `The seeds differ, so by Fisher’s exact test: p ${pText(p)}, ${verdict(p)}.`;
}

function pairedValues(pairs, info) {
  const [now, then] = [0, 1].map((k) => pairs.map((pair) => pair[k].values?.[info.name]));
  const { n, mean, words } = paired(now, then);
  if (n < FEWEST) return `${words[0].toUpperCase()}${words.slice(1)}.`;
  const unit = info.unit ? ` ${info.unit}` : "";
  return `Seed by seed ${info.title} is ${written(info, Math.abs(mean))}${unit} ${mean < 0 ? "lower" : "higher"}: ${words}.`;
}

/**
 * Two settings on the same seeds, compared pair by pair; pairs without both values are left out.
 * @param {(number|null)[]} a @param {(number|null)[]} b in the same order of seeds
 * @returns {{n: number, mean: number, p: number|null, words: string}} mean of a − b; p of the permutation test, null of too few pairs
 */
export function paired(a, b) {
  const differences = a.map((v, i) => [v, b[i]]).filter((both) => both.every((v) => v != null)).map(([x, y]) => x - y);
  const n = differences.length;
  const mean = differences.reduce((x, y) => x + y, 0) / Math.max(1, n);
  if (n < FEWEST) return { n, mean, p: null, words: `${n} pair${n === 1 ? "" : "s"} of seeds, too few for a paired test, which needs ${FEWEST}` };
  const p = signFlip(differences);
  return { n, mean, p, words: `n ${n} pairs of seeds, permutation test p ${pText(p)}, ${verdict(p)}` };
}

/** One run: "Seed 12: 6 of 8 modes · High quality 91.2 % · ...", or why it was lost. */
export function runText(result, { cover, headline, metrics }) {
  if (result.lost) return `Seed ${int(result.seed)} was lost. ${result.lost}`;
  const parts = headline.map((name) => {
    const [info, v] = [metrics[name], result.values[name]];
    if (cover?.name === name) return `${v == null ? "—" : int(v)} of ${cover.all} ${cover.what}`;
    return v == null ? `${info.title} not defined` : `${info.title} ${written(info, v)}${info.unit ? ` ${info.unit}` : ""}`;
  });
  return `Seed ${int(result.seed)}: ${parts.join(" · ")}`;
}

/** How far it is, and how long it takes. */
export function progress(set, { busy, own }) {
  const [n, done] = [set.seeds.length, set.done.length];
  const seeds = `seeds ${seedRange(set.seeds)}, after yours (${int(own)})`;
  if (busy && set.seconds == null) return `Asking how long ${n} runs take: ${seeds}`;
  if (busy && !set.waited.length) return `${seeds} · about ${duration(set.seconds * set.missing.length)} on one core`;
  if (busy) return `${done} of ${n} · about ${duration(set.left)} left · ${seeds}`;
  if (done < n) return `${done} of ${n} kept · ${seeds}`;
  const took = set.waited.reduce((a, b) => a + b, 0) / 1000;
  return `${n} of ${n}${took ? ` in ${duration(took)}` : ""} · ${seeds}`;
}
