// What is happening, computed from measured state, beside why: the equation of the loss and two sentences, and one line for each fix that
// is switched on, which opens to its own.
import { icon } from "./icons.js";

const CIRCLED = "①②③④⑤";
const READ = "read"; // what its course says, in the place of what it asks for

/** A sentence with its evidence marks drawn as rings. Text comes from our own server; still only text is inserted. */
function sentence(text) {
  const p = document.createElement("p");
  for (const piece of text.split(/([①②③④⑤])/)) {
    if (!CIRCLED.includes(piece) || piece === "") p.append(piece);
    else p.append(Object.assign(document.createElement("span"), { className: "evidence", textContent: CIRCLED.indexOf(piece) + 1 }));
  }
  return p;
}

/** @param {HTMLElement} part @param {object} family from the schema @param {object} commands */
export function createExplain(part, family, commands) {
  const happening = part.querySelector(".happening");
  const why = part.querySelector(".why");
  const fixes = family.knobs.filter((k) => k.group === "fixes" && family.fixes?.[k.name]);
  let [said, reasoned] = ["", ""];
  let opened = ""; // the fix that is explained instead of the loss

  function showHappening(note, calm) {
    const key = JSON.stringify([note, calm]);
    if (key === said) return;
    said = key;
    happening.innerHTML = `<div class="head">${icon(note ? "flag" : calm === "Nothing unusual." ? "check" : "clock", 14)}<span>What is happening</span></div>`;
    const p = sentence(note ? note.text : calm);
    if (!note) p.className = "calm";
    happening.append(p);
    if (!note?.fix) return;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small fix", innerHTML: `${icon("fork")}<span></span>` });
    button.querySelector("span").textContent = note.fix_title || "Fork with the fix";
    button.addEventListener("click", () => commands.fork(note.fix, null));
    happening.append(button);
  }

  function showWhy(config) {
    const on = fixes.filter((k) => config[k.name] !== k.default);
    const key = [config[family.method], ...on.map((k) => k.name)].join();
    if (key === reasoned) return;
    reasoned = key;
    why.innerHTML = '<div class="head">Why</div><div class="reasons"></div><div class="fixes"></div>';
    const loss = family.objectives[config[family.method]];
    const read = loss.read ? [reason(READ, { equation: loss.equation, text: loss.read })] : [];
    why.querySelector(".reasons").append(reason("", loss), ...read, ...on.map((k) => reason(k.name, family.fixes[k.name])));
    if (on.length) why.querySelector(".fixes").append("With ", ...on.map(fixButton));
    if (read.length) why.querySelector(".head").append(Object.assign(fixButton({ name: READ, title: "How to read this loss" }), { className: "fix-name how-to-read" }));
    open("");
  }

  /** An equation and its sentences. All lie in one place, so that the panel is as high as the longest. */
  function reason(name, { equation, text }) {
    const box = Object.assign(document.createElement("div"), { innerHTML: `<div class="equation">${equation}</div>` });
    box.dataset.of = name;
    box.append(sentence(text));
    return box;
  }

  /** The name of a fix: under the pointer it shows the fix in the loss's place, pressed it keeps it there. */
  function fixButton(knob) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "fix-name", textContent: knob.title });
    button.dataset.fix = knob.name;
    button.addEventListener("click", () => open(opened === knob.name ? "" : knob.name));
    button.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && seeing(knob.name));
    button.addEventListener("pointerleave", () => seeing(opened));
    return button;
  }

  function open(name) {
    opened = name;
    for (const button of why.querySelectorAll("[data-fix]")) button.setAttribute("aria-expanded", button.dataset.fix === opened);
    seeing(name);
  }

  function seeing(name) {
    for (const box of why.querySelectorAll("[data-of]")) box.classList.toggle("seen", box.dataset.of === name);
  }

  return {
    update({ note, calm, config }) {
      showHappening(note, calm);
      showWhy(config);
    },
  };
}
