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
    menu.title(next ? SCENES[next].title : HOME[kind]);
    tools.redraw();
  }

  function update(about) {
    if (about.kind !== kind) {
      kind = about.kind;
      if (current && !offered(current)) show(null);
      menu.fill([[null, HOME[kind]], ...Object.keys(SCENES).filter(offered).map((name) => [name, SCENES[name].title])]);
      menu.title(current ? SCENES[current].title : HOME[kind]);
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
function createMenu(heading, pick) {
  const words = document.createElement("span");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "scene-button", title: "What the stage shows" });
  button.setAttribute("aria-haspopup", "menu");
  button.append(words);
  button.insertAdjacentHTML("beforeend", icon("down", 14));
  const list = Object.assign(document.createElement("div"), { className: "scene-menu", hidden: true });
  list.setAttribute("role", "menu");
  heading.replaceChildren(button);
  heading.after(list);

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

  return {
    title: (text) => (words.textContent = text),
    fill(entries) {
      list.replaceChildren(
        ...entries.map(([name, text]) => {
          const item = Object.assign(document.createElement("button"), { type: "button", textContent: text });
          item.setAttribute("role", "menuitem");
          item.dataset.scene = name ?? "";
          item.addEventListener("click", () => (open(false), button.focus(), pick(name)));
          return item;
        }),
      );
    },
  };
}
