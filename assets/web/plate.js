// The message plate at the foot of the stage: same frame, same height, same place in every state, so nothing on the page moves.
import { duration, int } from "./format.js";
import { icon } from "./icons.js";

const [SHORT, LONG] = [3000, 7000]; // ms

/** @param {HTMLElement} part @param {object} commands @param {object} family @param {import("./lab.js").Tab} tab */
export function createPlate(part, commands, family, tab) {
  let shown = "";
  let dismissed = "";
  let toastUntil = 0;
  let toasted = { title: "", text: "" };

  /** What to say in this state, or null for nothing. Buttons are [words, class, action]. */
  function message(store, { error, started, film, linked, whatIf, pending, scene }) {
    const { header, active } = store;
    const step = active?.info.step ?? 0;
    if (store.offline != null)
      return { title: `Connection lost, trying again in ${duration(store.offline)}`, icon: "off", text: `Training goes on where it runs. You can scrub the ${int(step)} steps this page already has.`, buttons: [["Try now", "", commands.retry], [film ? "Stop the recorded tour" : "Play the recorded tour", "quiet", commands.tour]] };
    if (store.door) {
      const title = store.door.place ? `You are ${ordinal(store.door.place)} in line for a seat` : "Waiting to be let in";
      const text = `${store.door.message} This page asks again by itself, and does then what you pressed.`;
      return { title, icon: "clock", text, buttons: [[film ? "Stop the recorded tour" : "Play the recorded tour", "quiet", commands.tour]] };
    }
    if (error) return { title: "Not done", icon: "warn", text: error, buttons: [["All right", "", commands.dismiss]] };
    if (Date.now() < toastUntil) return { ...toasted, buttons: toasted.link ? [["All right", "", () => (toastUntil = 0)]] : [] };
    if (header.state === "waiting")
      return { title: `You are ${ordinal(header.place)} in line${header.wait_seconds != null ? `, about ${duration(header.wait_seconds)}` : ""}`, icon: "clock", text: `Every place is taken; yours starts by itself.${film ? " This is a recorded run." : ""}`, buttons: [["Leave the line", "", commands.leave]] };
    if (whatIf) return null; // what was asked for is on the stage: nothing lies over it
    if (header.state === "starting" && header.message) return { title: "Starting a worker", icon: "cpu", text: header.message, buttons: [] };
    if (pending) return { title: pending.words, icon: "clock", text: pending.text, buttons: [], brief: true };
    if (header.state === "starting")
      return { title: "Starting", icon: "cpu", text: "Waiting for the first step of this run.", buttons: [["Cancel", "quiet", commands.pause]], brief: true };
    if (header.state === "diverged") return diverged(header, active);
    if (header.state === "paused" && header.message)
      return { title: header.message, icon: "pause", text: "Nothing was lost.", buttons: [[`Continue from ${int(step)}`, "primary", commands.train]] };
    if (!started && header.state === "empty" && active && linked?.length)
      return { title: "Settings from a link", icon: "share", text: `${linkedWords(linked)}. Nothing is trained yet: a link carries settings, not runs.`, buttons: [["Train", "strong", commands.train]], untrained: true };
    if (!started && header.state === "empty" && active && !scene) // a scene says itself what it needs
      return { title: film ? "A recorded run is playing" : "Nothing trained yet", text: `${film ? `${film}; Train starts your own.` : tab.empty(active.info.kind)}${store.header.engine === "numba" ? " Or drag a knob: the whole run is redrawn under your finger." : ""}`, recorded: Boolean(film), buttons: [["Train", "strong", commands.train], [tab.tryFirst[0], "", () => commands.preset(tab.tryFirst[1])]], untrained: true };
    if (header.message && header.state === "running") return { title: header.message, icon: "cpu", text: "", buttons: [["All right", "quiet", () => (dismissed = header.message)]], brief: true };
    return null;
  }

  /** The settings of a link as the form calls them. */
  function linkedWords(pairs) {
    const named = pairs.map(([name, value]) => {
      const knob = family.knobs.find((k) => k.name === name);
      return knob ? `${knob.title} ${knob.choices?.find(([key]) => key === value)?.[1] ?? value}` : "";
    });
    return named.filter(Boolean).join(", ");
  }

  function diverged(header, active) {
    const lr = family.knobs.filter((k) => k.live && k.name.startsWith("lr")).map((k) => k.name);
    const slower = Object.fromEntries(lr.map((name) => [name, Math.max(1e-5, active.info.config[name] / 10)]));
    const step = header.can?.rewind;
    const [title, ...rest] = header.message.split(". ");
    return {
      title: title.replace(/\.$/, ""),
      icon: "warn",
      bad: true,
      text: rest.join(". ") || `Step ${int(step ?? 0)} is the last healthy one and is kept.`,
      buttons: step == null ? [] : [[`Rewind to ${int(step)}`, "strong", () => commands.rewind()], ["Rewind with lr ÷ 10", "", () => commands.rewind(slower)], ["Keep looking", "quiet", () => (dismissed = header.message)]],
    };
  }

  /** Say what there is to say. @returns {number} px of the stage that are covered */
  function update(store, now) {
    const m = message(store, now);
    const hide = !m || (store.header.message && dismissed === store.header.message && !now.error);
    const key = hide ? "" : JSON.stringify([m.title, m.text, m.buttons.map((b) => b[0])]);
    if (key === shown) return covered();
    shown = key;
    part.hidden = hide;
    if (hide) return 0;
    part.replaceChildren();
    part.classList.toggle("untrained", Boolean(m.untrained));
    part.classList.toggle("recorded", Boolean(m.recorded));
    part.classList.toggle("brief", Boolean(m.brief) || (!m.text && !m.buttons.length));
    const h = document.createElement("h3");
    h.className = m.bad ? "bad" : "";
    h.innerHTML = m.icon ? icon(m.icon) : "";
    h.append(m.title);
    const p = Object.assign(document.createElement("p"), { textContent: m.text });
    const row = Object.assign(document.createElement("div"), { className: "row" });
    for (const [words, kind, act] of m.buttons) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: `button ${kind === "primary" ? "primary" : "small"} ${kind}`, textContent: words });
      button.addEventListener("click", () => {
        act();
        commands.redraw();
        if (dismissed === store.header.message) part.hidden = true;
      });
      row.append(button);
    }
    part.append(h, p, ...(m.link ? [linkField(m.link)] : []), row);
    return covered();
  }

  /** A link to be copied by hand, selected already. */
  function linkField(link) {
    const field = Object.assign(document.createElement("input"), { className: "link-field", value: link, readOnly: true });
    field.setAttribute("aria-label", "Link to these settings");
    requestAnimationFrame(() => (field.focus(), field.select()));
    return field;
  }

  /** Height of the stage that the plate covers, in px; a brief one may lie over the picture. */
  const covered = () => (part.hidden || part.classList.contains("brief") ? 0 : part.offsetHeight + 16);

  return {
    update,
    /** Say something for some seconds; a link that could not be copied stays until it is dismissed. */
    toast(title, { text = "", link = "" } = {}) {
      toasted = { title, text, link, brief: !link };
      toastUntil = link ? Infinity : Date.now() + (text ? LONG : SHORT);
      commands.redraw();
      if (!link) setTimeout(commands.redraw, toastUntil - Date.now() + 100);
    },
  };
}

const ordinal = (n) => `${n}${n % 10 === 1 && n % 100 !== 11 ? "st" : n % 10 === 2 && n % 100 !== 12 ? "nd" : n % 10 === 3 && n % 100 !== 13 ? "rd" : "th"}`;
