// What a set of seeds says, in words computed from its numbers.
import { duration, fixed, int, percent, short } from "./format.js";
import { ceiling, written } from "./readings.js";
import { meanInterval, wilson } from "./statistics.js";

const COVERING = ["modes_covered", "classes_covered"];
const NAMED = 2; // changes named; the others are counted

const times = (info) => (info.scale === "percent" ? 100 : 1);

/** "8–39"; from 0 again after the last: "9,990–9,999 and 0–21". @param {number[]} seeds in order */
export function seedRange(seeds) {
  const cut = seeds.findIndex((seed, i) => i && seed < seeds[i - 1]);
  const span = (part) => (part.length > 1 ? `${int(part[0])}–${int(part.at(-1))}` : int(part[0]));
  return cut < 0 ? span(seeds) : `${span(seeds.slice(0, cut))} and ${span(seeds.slice(cut))}`;
}

/** Mean and 95 % interval over the seeds in which a metric is defined, in the metric's own unit. */
export const measured = (set, name) => meanInterval(set.done.map((r) => r.values?.[name]).filter((v) => v != null));

/** "96.2 ± 0.4 %": as many decimals as tell the interval. A single seed has none. */
export function meanText(info, { mean, half }) {
  if (mean == null) return "—";
  const unit = info.unit === "%" ? " %" : "";
  const counted = info.decimals === 0 ? 2 : info.decimals;
  if (half == null) return written(info, mean) + unit;
  const [m, h] = [mean * times(info), half * times(info)];
  const decimals = h > 0 ? Math.min(6, Math.max(1, Math.ceil(-Math.log10(h)))) : counted;
  return `${fixed(m, decimals)} ± ${h > 0 ? fixed(h, decimals) : "0"}${unit}`;
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
export function finding(set, { cover, headline, metrics }) {
  const seen = coverage(set, cover);
  if (!seen) return meanFinding(set, metrics[headline[0]]);
  const [lo, hi] = seen.interval.map((v) => fixed(100 * v, 0));
  const lost = seen.lost ? `, ${seen.lost} lost` : "";
  return `${cover.all} of ${cover.all} ${cover.what} in ${seen.count} of ${seen.n} seed${seen.n > 1 ? "s" : ""}${lost} (${percent(seen.count / seen.n, 0)}, 95 % interval ${lo}–${hi} %, Wilson).`;
}

/** The same of an earlier set, as short as it goes: "2 of 32 (1–20 %)". */
export function briefly(set, { cover, headline, metrics }) {
  const seen = coverage(set, cover);
  if (!seen) return meanText(metrics[headline[0]], measured(set, headline[0]));
  const [lo, hi] = seen.interval.map((v) => fixed(100 * v, 0));
  return `${seen.count} of ${seen.n} (${lo}–${hi} %)`;
}

function meanFinding(set, info) {
  const m = measured(set, info.name);
  if (m.mean == null) return `${info.title} is not defined in any of ${set.done.length} seeds.`;
  const floor = set.floors[info.name] != null ? `; real data: ${written(info, set.floors[info.name])}${info.unit === "%" ? " %" : ""}` : "";
  return `${info.title} ${meanText(info, m)} (mean of ${m.n} seed${m.n > 1 ? "s, 95 % Student interval" : ""}${floor}).`;
}

/** Whether the two intervals leave the difference to luck. "" where there are not yet two of them. */
export function comparison(set, ghost, { cover, headline }) {
  if (set.done.length < 2 || ghost.done.length < 2) return "";
  const [a, b] = cover ? [coverage(set, cover).interval, coverage(ghost, cover).interval] : [set, ghost].map((s) => ends(measured(s, headline[0])));
  if (!a || !b) return "";
  const apart = a[0] > b[1] || b[0] > a[1];
  return apart ? "The intervals are apart: more than luck." : "The intervals overlap: these seeds do not tell the two apart.";
}

const ends = ({ mean, half }) => (half == null ? null : [mean - half, mean + half]);

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
