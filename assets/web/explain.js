// What is happening, computed from measured state, beside why: the equation of the loss and two sentences.
import { icon } from "./icons.js";

const CIRCLED = "①②③④⑤";

/** A sentence with its evidence marks drawn as rings. Text comes from our own server; still only text is inserted. */
function sentence(text) {
  const p = document.createElement("p");
  for (const piece of text.split(/([①②③④⑤])/)) {
    if (!CIRCLED.includes(piece) || piece === "") p.append(piece);
    else p.append(Object.assign(document.createElement("span"), { className: "evidence", textContent: CIRCLED.indexOf(piece) + 1 }));
  }
  return p;
}

/** @param {HTMLElement} part @param {object} commands */
export function createExplain(part, commands) {
  const happening = part.querySelector(".happening");
  const why = part.querySelector(".why");
  let shown = "";
  return {
    update({ note, started, about, objective }) {
      const key = JSON.stringify([note, started, objective]);
      if (key === shown) return;
      shown = key;
      const quiet = started ? "Nothing unusual." : "Nothing has run yet. Train, then drag the timeline: every plot follows.";
      happening.innerHTML = `<div class="head">${icon(note ? "flag" : "check", 14)}<span>What is happening</span></div>`;
      const p = sentence(note ? note.text : quiet);
      if (!note) p.className = "calm";
      happening.append(p);
      if (note?.fix) {
        const button = Object.assign(document.createElement("button"), { type: "button", className: "button small fix", innerHTML: `${icon("fork")}<span></span>` });
        button.querySelector("span").textContent = note.fix_title || "Fork with the fix";
        button.addEventListener("click", () => commands.fork(note.fix, null));
        happening.append(button);
      }
      why.innerHTML = `<div class="head">Why</div><div class="equation">${about.equation}</div>`;
      why.append(sentence(about.text));
    },
  };
}
