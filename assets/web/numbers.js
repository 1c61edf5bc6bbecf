// Numbers as people type them: 0.5 and 0,5, 14 000 and 14,000, +3, −2, 1e-3 and 2×10⁻³. What can be read in one way only is taken; what
// can be read in two, or not at all, is refused with a sentence that names what was typed.

const SPACES = /[\s\u00a0\u2000-\u200b\u202f\u205f\u2060\ufeff]+/g;
const MINUS = /[\u2212\u2010-\u2013\ufe63\uff0d]/g; // signs that look like a minus
const RAISED = { "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁴": "4", "⁵": "5", "⁶": "6", "⁷": "7", "⁸": "8", "⁹": "9", "⁻": "-", "⁺": "+" };
const POWER = new RegExp(`^(.*\\d[.,]?)? ?(?:[×x·*] ?)?10(?:\\^? ?([-+]\\d{1,3})|\\^ ?(\\d{1,3})|([${Object.keys(RAISED).join("")}]+))$`, "u");
const BODY = /^[-+]?(\d[\d., '’_]*|[.,]\d[\d]*)$/;

/** "2×10⁻³" -> "2e-3". */
function withPower(text) {
  const found = POWER.exec(text);
  if (!found) return text;
  const [, before = "", signed, plain, raised] = found;
  const lead = before.trim().replace(/[×x·*]$/, "").trim();
  if (lead === "" && signed && !text.includes("^")) return text; // "10-3" is no number
  const power = signed ?? plain ?? [...raised].map((c) => RAISED[c]).join("");
  return `${lead === "" || lead === "+" ? "1" : lead === "-" ? "-1" : lead}e${power}`;
}

/** Whether digits are grouped in threes by one sign: 14 000, 1'234'567. */
const grouped = (text, sign) => new RegExp(`^\\d{1,3}(?:\\${sign}\\d{3})+$`).test(text);

/** All numbers that digits with commas and dots may mean. @returns {number[]} */
function meanings(digits) {
  const signs = [...digits.replace(/[\d]/g, "")];
  const [kinds, last] = [new Set(signs), signs.at(-1)];
  if (!signs.length) return [Number(digits)];
  const whole = (text, sign) => Number(text.replaceAll(sign, ""));
  const split = (at) => Number(`${digits.slice(0, at).replace(/[.,]/g, "") || "0"}.${digits.slice(at + 1) || "0"}`);
  if (kinds.size === 2) {
    const [other] = [...kinds].filter((sign) => sign !== last);
    const at = digits.lastIndexOf(last);
    const before = digits.slice(0, at);
    return signs.filter((s) => s === last).length === 1 && grouped(before, other) ? [split(at)] : [];
  }
  if (signs.length > 1) return grouped(digits, last) ? [whole(digits, last)] : [];
  const fraction = split(digits.indexOf(last));
  const may = grouped(digits, last) && !digits.startsWith("0");
  return may ? [fraction, whole(digits, last)] : [fraction];
}

/** Which of two readings is meant, by what the field takes. A dot is this page's own decimal sign, a comma its own grouping. */
function choose(found, digits, { whole, lo = -Infinity, hi = Infinity, sign = 1 }) {
  const fits = found.filter((v) => sign * v >= lo && sign * v <= hi);
  if (fits.length === 1) return fits;
  if (whole) return digits.includes(",") ? [found[1]] : found; // of a count nobody writes three zeros after the point
  return digits.includes(".") ? [found[0]] : found;
}

/**
 * @param {string} text as typed @param {{whole?: boolean, lo?: number, hi?: number}} [field] what the field takes, which may tell two readings apart
 * @returns {{value: number}|{why: string}}
 */
export function readNumber(text, field = {}) {
  const typed = text.trim();
  if (typed === "") return { why: "Write a number." };
  const plain = withPower(typed.replace(SPACES, " ").replace(MINUS, "-").trim());
  const no = { why: `“${typed.slice(0, 24)}” is not a number.` };
  const parts = /^([^eE]*)(?:[eE] ?([-+]?\d{1,3}))?$/.exec(plain);
  if (!parts) return no;
  const body = parts[1].trim().replace(/^([-+]) /, "$1");
  if (!BODY.test(body)) return no;
  const sign = body.startsWith("-") ? -1 : 1;
  const digits = body.replace(/^[-+]/, "");
  for (const mark of [" ", "'", "’", "_"]) {
    if (!digits.includes(mark)) continue;
    const [front, ...rest] = digits.split(/[.,]/);
    if (!grouped(front, mark) || rest.some((r) => r.includes(mark)) || rest.length > 1) return no;
    return finish(sign, [Number(`${front.replaceAll(mark, "")}.${rest[0] || "0"}`)], parts[2], typed);
  }
  const found = meanings(digits);
  return finish(sign, found.length > 1 && !parts[2] ? choose(found, digits, { ...field, sign }) : found.slice(0, 1), parts[2], typed);
}

function finish(sign, found, power, typed) {
  if (!found.length) return { why: `“${typed.slice(0, 24)}” is not a number.` };
  if (found.length > 1) return { why: `“${typed}” may be ${found[0]} or ${found[1]}: write one of them.` };
  const value = Number(`${sign * found[0]}e${power ?? 0}`);
  return Number.isFinite(value) ? { value: value === 0 ? 0 : value } : { why: `“${typed.slice(0, 24)}” is too large.` };
}

/** A value as it stands in a field: all its digits, in the page's spelling. */
export function writeNumber(value, whole = false) {
  if (whole) return String(Math.round(value));
  const rounded = +value.toPrecision(7);
  return rounded !== 0 && Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

/**
 * A text field of a whole number: what is typed is read when the field is left, the number that was understood is written back, and what
 * cannot be read is refused beside it. Arrow keys count.
 * @param {HTMLInputElement} input @param {{lo?: number, hi?: number, onRead: (value: number) => void}} field
 * @returns {{value: number, set: (value: number) => void}}
 */
export function countField(input, { lo = 0, hi = Infinity, onRead }) {
  Object.assign(input, { type: "text", inputMode: "numeric", autocomplete: "off" });
  input.classList.add("count");
  const error = Object.assign(document.createElement("span"), { className: "field-error", hidden: true });
  error.setAttribute("role", "alert");
  input.after(error);
  const field = { value: Math.max(lo, Number(input.value) || 0), set };

  function set(value) {
    field.value = value;
    input.value = writeNumber(value, true);
    refuse("");
  }

  function refuse(why) {
    error.textContent = why;
    error.hidden = !why;
    input.setAttribute("aria-invalid", Boolean(why));
  }

  function read() {
    const found = readNumber(input.value, { whole: true, lo, hi });
    const bounds = hi === Infinity ? `${lo} or more` : `${lo} to ${hi.toLocaleString("en-GB")}`;
    if (found.why) return refuse(found.why);
    if (!Number.isInteger(found.value)) return refuse(`“${input.value.trim()}” is not a whole number.`);
    if (found.value < lo || found.value > hi) return refuse(`${found.value.toLocaleString("en-GB")} is not within ${bounds}.`);
    set(found.value);
    onRead(found.value);
  }

  input.addEventListener("change", read);
  input.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key !== "Enter" && !by) return;
    event.preventDefault();
    event.stopPropagation();
    if (by) input.value = String(Math.max(lo, Math.min(hi, field.value + by)));
    read();
  });
  return field;
}
