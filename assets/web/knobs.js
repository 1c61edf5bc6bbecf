// The form of a Config: number fields with sliders (logarithmic where the knob asks for it, 0 at the far left meaning off), choices
// and switches in three groups. It holds values and reports changes; what a change means is decided elsewhere.
import { icon } from "./icons.js";
import { readNumber, writeNumber } from "./numbers.js";

const GROUPS = [
  ["basic", "Basic"],
  ["fixes", "Fixes"],
  ["advanced", "Advanced"],
];
const TICKS = 1000; // positions of a slider

/** slider position 0..TICKS <-> value. Log knobs that start at 0 keep the first position for "off". */
function scale(knob) {
  const { lo, hi } = knob;
  if (!knob.log) return { to: (v) => ((v - lo) / (hi - lo)) * TICKS, from: (p) => lo + (p / TICKS) * (hi - lo) };
  const floor = lo > 0 ? lo : hi * 1e-5;
  const span = Math.log(hi / floor);
  const to = (v) => (v < floor ? 0 : (Math.log(v / floor) / span) * TICKS);
  const from = (p) => (lo === 0 && p === 0 ? 0 : floor * Math.exp((p / TICKS) * span));
  return { to, from };
}

/** A value as it stands in the field: 0.003, 1e-5, 14,000 as 14000. */
const show = (knob, value) => writeNumber(value, knob.whole);

const round = (knob, value) => {
  if (!knob.whole) return +value.toPrecision(2);
  if (knob.log && value > 100) return Math.round(+value.toPrecision(2));
  return Math.round(value / (knob.step || 1)) * (knob.step || 1);
};

/** Build the form. @param {HTMLFormElement} form @param {object[]} knobs from the schema
 *  @param {{onChange: (name: string, value: any, settled: boolean) => void}} on
 *  @param {{plain?: boolean, prefix?: string, matters?: Record<string, Record<string, string[]>>}} [options] `plain`: without groups; `prefix` of
 *  the fields' ids, which are a page's own; `matters`: knobs that say something only where others have one of these values */
export function createKnobs(form, knobs, on, { plain = false, prefix = "knob-", matters = {} } = {}) {
  const fields = new Map();
  const groups = plain ? [] : GROUPS;
  form.addEventListener("submit", (event) => event.preventDefault());
  if (plain) form.replaceChildren(...knobs.map(add));
  else form.replaceChildren(...groups.map(([key, title]) => group(key, title, knobs.filter((k) => k.group === key))));

  function add(knob) {
    const field = build(knob, prefix, (value, settled) => {
      field.refuse("");
      refresh();
      on.onChange(knob.name, value, settled);
    });
    fields.set(knob.name, field);
    return field.row;
  }

  function group(key, title, members) {
    const rows = members.map(add);
    const box = document.createElement(key === "basic" ? "div" : "details");
    box.className = `group group-${key}`;
    if (key === "basic") box.innerHTML = `<div class="section">${title}</div>`;
    else box.innerHTML = `<summary><span>${title} <small></small></span>${icon("down")}</summary>`;
    box.append(...rows);
    return box;
  }

  const says = (name) => Object.entries(matters[name] ?? {}).every(([other, values]) => values.includes(fields.get(other).value()));
  let preset = {};
  let kind = "2d";
  /** Count what is off the preset, in words, and show the fields that matter for this kind of data. */
  function refresh() {
    for (const { knob, row } of fields.values()) row.hidden = (Boolean(knob.kind) && knob.kind !== kind) || !says(knob.name);
    for (const [key] of groups.slice(1)) {
      const all = [...fields.values()].filter((f) => f.knob.group === key && !f.row.hidden);
      const changed = all.filter((f) => f.value() !== preset[f.knob.name]).length;
      const used = all.filter((f) => f.value() !== f.knob.default).length;
      const text = changed ? `${changed} changed` : key === "fixes" ? (used ? `${used} on` : "none on") : `${all.length} at preset`;
      form.querySelector(`.group-${key} small`).textContent = text;
    }
    for (const field of fields.values()) field.mark(preset[field.knob.name]);
  }

  return {
    /** Show a configuration and, as ticks on the sliders, the preset it came from. */
    show(config, from, dataKind) {
      preset = from ?? config;
      kind = dataKind;
      for (const [name, field] of fields) {
        field.set(config[name]);
        field.refuse("");
      }
      refresh();
    },
    values: () => Object.fromEntries([...fields].map(([name, field]) => [name, field.value()])),
    /** Put the server's sentence under the knob it names; false if there is no such knob. */
    refuse(name, sentence) {
      const field = fields.get(name);
      field?.refuse(sentence);
      field?.row.closest("details")?.setAttribute("open", "");
      return Boolean(field);
    },
    clearErrors: () => fields.forEach((f) => f.refuse("")),
    /** Lock knobs that may not change now; `free(knob)` says which may. */
    lock: (free, reason) => fields.forEach((f) => f.lock(!free(f.knob), reason)),
    /** The first field whose text is not a number gets the focus. @returns {boolean} whether there is one */
    unread() {
      const bad = [...fields.values()].find((f) => !f.row.hidden && f.unread?.());
      bad?.row.closest("details")?.setAttribute("open", "");
      bad?.row.querySelector("input.number").focus();
      return Boolean(bad);
    },
    changed: () => [...fields.values()].filter((f) => f.value() !== preset[f.knob.name]).map((f) => f.knob),
  };
}

function build(knob, prefix, changed) {
  const row = document.createElement("div");
  row.className = `knob knob-${knob.widget}`;
  row.dataset.knob = knob.name;
  const id = `${prefix}${knob.name}`;
  const unit = knob.unit ? ` <span class="unit">${knob.unit}</span>` : "";
  const part = { choice: choiceField, switch: switchField, number: numberField }[knob.widget](knob, id, changed, (why) => refuse(why));
  row.innerHTML = `<div class="label"><label for="${id}">${knob.title}${unit}</label></div>`;
  part.place(row);
  if (knob.help) row.title = knob.help;
  const error = document.createElement("p");
  error.className = "field-error";
  error.id = `${id}-error`;
  error.hidden = true;
  row.append(error);

  /** A sentence under the field, "" for none; one about what cannot be read stays until it can. */
  function refuse(sentence) {
    const words = sentence || (part.unread?.() ?? "");
    error.hidden = !words;
    error.textContent = words;
    row.classList.toggle("bad", Boolean(words));
  }

  return {
    knob,
    row,
    ...part,
    refuse,
    lock(locked, reason) {
      row.classList.toggle("locked", locked);
      row.querySelectorAll("input, select").forEach((el) => (el.disabled = locked));
      row.title = locked ? reason : knob.help;
    },
    mark(value) {
      row.classList.toggle("changed", part.value() !== value);
      part.tick?.(value);
    },
  };
}

function choiceField(knob, id, changed) {
  const select = document.createElement("select");
  select.id = id;
  for (const [key, title, about] of knob.choices) select.add(Object.assign(new Option(title, key), { title: about }));
  const about = document.createElement("p");
  about.className = "about";
  const explain = () => (about.textContent = knob.choices.find(([key]) => key === select.value)?.[2] ?? "");
  select.addEventListener("change", () => {
    explain();
    changed(select.value, true);
  });
  return {
    place: (row) => row.append(select, about),
    value: () => select.value,
    set: (v) => ((select.value = v), explain()),
  };
}

function switchField(knob, id, changed) {
  const box = Object.assign(document.createElement("input"), { type: "checkbox", id });
  box.addEventListener("change", () => changed(box.checked, true));
  return { place: (row) => row.querySelector(".label").prepend(box), value: () => box.checked, set: (v) => (box.checked = v) };
}

function numberField(knob, id, changed, refuse) {
  const { to, from } = scale(knob);
  const field = Object.assign(document.createElement("input"), { type: "text", inputMode: "decimal", id, className: "number" });
  field.setAttribute("aria-describedby", `${id}-error`);
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: TICKS, step: 1 });
  slider.setAttribute("aria-label", knob.title);
  const wrap = document.createElement("div");
  wrap.className = "slider";
  wrap.innerHTML = `<i class="tick"></i><span>${show(knob, knob.lo)}</span><span>${show(knob, knob.hi)}</span>`;
  wrap.prepend(slider);
  let value = knob.lo;
  const paint = () => {
    const at = Math.min(TICKS, Math.max(0, to(value)));
    slider.value = at;
    slider.style.setProperty("--at", `${(at / TICKS) * 100}%`);
    slider.setAttribute("aria-valuetext", show(knob, value));
  };
  slider.addEventListener("input", () => {
    unread = "";
    value = round(knob, from(+slider.value));
    field.value = show(knob, value);
    paint();
    changed(value, false);
  });
  slider.addEventListener("change", () => changed(value, true));
  let unread = "";
  field.addEventListener("change", () => {
    const found = readNumber(field.value, knob);
    unread = found.why ? `${knob.title}: ${found.why}` : "";
    if (unread) return refuse(unread);
    value = found.value;
    field.value = show(knob, value); // what was understood; whether it may be so large the server says
    paint();
    changed(value, true);
  });
  return {
    place(row) {
      row.querySelector(".label").append(field);
      row.append(wrap);
    },
    value: () => value,
    unread: () => unread,
    set(v) {
      value = v;
      unread = "";
      field.value = show(knob, v);
      paint();
    },
    tick(v) {
      wrap.querySelector(".tick").style.left = `calc(8px + (100% - 16px) * ${to(v) / TICKS})`;
    },
  };
}
