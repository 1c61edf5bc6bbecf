// Numbers as they are written everywhere: at most three significant digits, groups of three, a true minus, "—" for nothing.

const MINUS = "\u2212";
const NOTHING = "\u2014";
const groups = (decimals) => new Intl.NumberFormat("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const FIXED = Array.from({ length: 9 }, (_, decimals) => groups(decimals));
const absent = (v) => v == null || Number.isNaN(v);

/** A true minus, and none before a zero. */
const sign = (text) => (/^-[0.,]*$/.test(text) ? text.slice(1) : text.replace("-", MINUS));

/** With this many decimals: fixed(0.5, 2) -> "0.50". @param {number|null} v @param {number} decimals */
export function fixed(v, decimals) {
  if (absent(v)) return NOTHING;
  if (!Number.isFinite(v)) return v < 0 ? `${MINUS}∞` : "∞";
  return sign(FIXED[Math.max(0, Math.min(8, decimals))].format(v));
}

/** With this many significant digits: 0.0876 -> "0.088" at 2, 3000 -> "3,000", 0.00012 -> "1.2e-4". @param {number|null} v @param {number} digits */
export function fmt(v, digits = 3) {
  if (absent(v) || !Number.isFinite(v) || v === 0) return fixed(v, 0);
  const power = Math.floor(Math.log10(Math.abs(Number(v.toPrecision(digits)))));
  if (power >= 6 || power < -3) return exponent(v, digits);
  return fixed(Number(v.toPrecision(power >= digits ? power + 1 : digits)), Math.max(0, digits - 1 - power));
}

/** "1e-3", "4.1e+6" without zeros at the end. */
function exponent(v, digits) {
  const [mantissa, power] = v.toExponential(digits - 1).split("e");
  return `${sign(String(Number(mantissa)))}e${Number(power)}`;
}

/** As short as it goes, for ticks and ends of sliders: 0.25, 1e-5, 2,000. @param {number|null} v */
export function short(v) {
  if (absent(v) || !Number.isFinite(v)) return fixed(v, 0);
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return exponent(v, 3);
  const decimals = (String(Number(v.toPrecision(3))).split(".")[1] ?? "").length;
  return fixed(v, decimals);
}

/** A whole number: 3000 -> "3,000". @param {number|null} v */
export const int = (v) => fixed(v == null ? v : Math.round(v), 0);

/** A share: 0.541 -> "54.1 %". @param {number|null} v @param {number} decimals */
export const percent = (v, decimals = 1) => (absent(v) ? NOTHING : `${fixed(v * 100, decimals)} %`);

/** A stretch of time: "0.4 s", "11 s", "2 min", "1 h 5 min". @param {number|null} seconds */
export function duration(seconds) {
  if (absent(seconds)) return NOTHING;
  if (seconds < 0.95) return `${fixed(Math.max(seconds, 0), 1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}
