// The strip at the foot of the stage, for whatever takes longer than a glance: what is waited for, for how long, how long it usually takes,
// a way to give up, and after that a way to ask again.
import { duration } from "../format.js";
import { icon } from "../icons.js";
import { callsOf } from "./call.js";

const SAID = 300; // ms after which it is said what the page waits for
const LONG = 1000; // ms after which time and a way out belong to it
const BEAT = 200; // ms between two looks

/** @param {HTMLElement} stage the stage's panel @param {object} session */
export function createStrip(stage, session) {
  const calls = callsOf(session);
  const box = Object.assign(document.createElement("div"), { className: "wait-strip", hidden: true });
  box.innerHTML = `${icon("clock", 14)}<span class="words" role="status"></span><progress max="1"></progress><span class="time"></span>
    <button type="button" class="button small quiet"></button>`;
  stage.querySelector(".timeline").before(box);
  const find = (selector) => box.querySelector(selector);
  let timer = 0;
  let does = null;

  function say({ words, time = "", share = null, button = "", press = null }) {
    box.hidden = false;
    set(".words", words);
    set(".time", time);
    set("button", button);
    find("button").hidden = !button;
    find("progress").hidden = !time;
    if (share == null) find("progress").removeAttribute("value");
    else find("progress").value = share;
    does = press;
  }

  const set = (part, text) => find(part).textContent !== text && (find(part).textContent = text);

  function look() {
    const waits = [...calls.underWay].filter((c) => !c.quiet);
    if (!waits.length) {
      clearInterval(timer);
      timer = 0;
      if (calls.failed) say({ words: calls.failed.words, button: "Ask again", press: again });
      else box.hidden = true;
      return;
    }
    timer ||= setInterval(look, BEAT);
    const first = waits.reduce((a, b) => (b.since < a.since ? b : a));
    const gone = performance.now() - first.since;
    if (gone < SAID) return;
    const words = first.tries > 1 ? `The server is busy; asked ${first.tries} times` : `Asking the model: ${first.question.replaceAll("_", " ")}`;
    if (gone < LONG) return say({ words });
    const usual = first.usual && first.usual > LONG ? `, usually ${duration(first.usual / 1000)}` : "";
    const share = first.usual && gone < first.usual ? gone / first.usual : null;
    say({ words, time: `${duration(gone / 1000)}${usual}`, share, button: "Cancel", press: () => calls.stop() });
  }

  function again() {
    const { again: ask } = calls.failed;
    calls.failed = null;
    look();
    ask();
  }

  find("button").addEventListener("click", () => does?.());
  calls.changed = look;
  return {
    /** Another scene: what was given up there is no longer of interest. */
    forget() {
      calls.failed = null;
      look();
    },
  };
}
