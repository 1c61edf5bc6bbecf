// What the stage can show instead of its usual picture: for a GAN noise, predictions, losses, many seeds, tests. The stage's title is their menu.
import { icon } from "./icons.js";

/**
 * @param {HTMLElement} panel the stage's panel, with .stage-bar, .stage-canvas and .stage-scene
 * @param {{session: object, store: object, family: object, metrics: object, commands: object, redraw: () => void, tab: import("./lab.js").Tab, knobs: object}} tools
 * @returns {{show: (name: string|null) => void, update: (about: object) => void, current: string|null}}
 */
export function createScenes(panel, tools) {
  const { scenes: SCENES, home: HOME } = tools.tab;
  const room = panel.querySelector(".stage-scene");
  const canvas = panel.querySelector(".stage-canvas");
  const made = new Map(); // name -> {box, scene}
  let current = null;
  let kind = "";
  const menu = createMenu(panel.querySelector(".stage-bar h2"), show);
  const look = Object.assign(document.createElement("p"), { className: "look" });
  panel.querySelector(".stage-bar").after(look);
  const { guide } = tools.family;
  const lines = new Map(guide.groups.flatMap(([, entries]) => entries));

  const offered = (name) => !SCENES[name].kinds || SCENES[name].kinds.includes(kind);

  function show(name) {
    const next = name && SCENES[name] && offered(name) ? name : null;
    if (next === current) return;
    made.get(current)?.scene.hide?.();
    current = next;
    tools.left?.();
    if (next && !made.has(next)) {
      const box = Object.assign(document.createElement("div"), { className: `scene scene-${next}` });
      room.append(box);
      made.set(next, { box, scene: SCENES[next].create(box, tools) });
    }
    for (const [key, { box }] of made) box.hidden = key !== next;
    room.hidden = !next;
    canvas.hidden = Boolean(next);
    panel.dataset.scene = next ?? "";
    entitle();
    tools.redraw();
  }

  /** The title, and one line that says where to look. */
  function entitle() {
    menu.title(current ? SCENES[current].title : HOME[kind], current);
    look.textContent = current ? (lines.get(current) ?? "") : guide.home;
  }

  function update(about) {
    if (about.kind !== kind) {
      kind = about.kind;
      if (current && !offered(current)) show(null);
      const known = guide.groups.map(([title, entries]) => [title, entries.map(([name]) => name).filter((name) => SCENES[name] && offered(name))]);
      const told = new Set(known.flatMap(([, names]) => names));
      const rest = Object.keys(SCENES).filter((name) => offered(name) && !told.has(name));
      const entry = (name) => [name, SCENES[name].title, lines.get(name) ?? ""];
      menu.fill([["", [[null, HOME[kind], ""]]], ...known.map(([title, names]) => [title, names.map(entry)]), ["More", rest.map(entry)]]);
      entitle();
    }
    if (current) made.get(current).scene.update(about);
  }

  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && current && !event.defaultPrevented && !document.fullscreenElement) show(null);
  });

  return {
    show,
    update,
    get current() {
      return current;
    },
  };
}

/** The title as a button that opens a list. */
function createMenu(place, pick) {
  const words = document.createElement("span");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "scene-button", title: "What the stage shows" });
  button.setAttribute("aria-haspopup", "menu");
  button.append(words);
  button.insertAdjacentHTML("beforeend", icon("down", 14));
  const list = Object.assign(document.createElement("div"), { className: "scene-menu", hidden: true });
  list.setAttribute("role", "menu");
  place.replaceChildren(button);
  place.after(list);

  function open(yes) {
    list.hidden = !yes;
    button.setAttribute("aria-expanded", yes);
    if (yes) list.querySelector("button").focus();
  }

  button.addEventListener("click", () => open(list.hidden));
  list.addEventListener("keydown", (event) => {
    const items = [...list.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") open(false), button.focus();
    else if (step) items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener("pointerdown", (event) => list.contains(event.target) || button.contains(event.target) || open(false));

  const heading = (title) => Object.assign(document.createElement("h4"), { textContent: title });

  function item([name, text, line]) {
    const entry = Object.assign(document.createElement("button"), { type: "button" });
    entry.append(Object.assign(document.createElement("span"), { textContent: text }), Object.assign(document.createElement("small"), { textContent: line }));
    entry.setAttribute("role", "menuitem");
    entry.setAttribute("aria-label", text);
    entry.dataset.scene = name ?? "";
    entry.addEventListener("click", () => (open(false), button.focus(), pick(name)));
    return entry;
  }

  return {
    title(text, name) {
      words.textContent = text;
      for (const item of list.querySelectorAll("button")) item.toggleAttribute("aria-current", item.dataset.scene === (name ?? ""));
    },
    /** @param {[string, [string|null, string, string][]][]} groups title, and [scene, its title, a line] of each */
    fill(groups) {
      list.replaceChildren(...groups.filter(([, entries]) => entries.length).flatMap(([title, entries]) => [...(title ? [heading(title)] : []), ...entries.map(item)]));
    },
  };
}
