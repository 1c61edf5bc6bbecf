// The data flow of one training step, as part of the interface: nodes whose pictures are live, with their knobs; the two gradients that
// lead back; and a step made by hand in slow motion. A node that is clicked becomes the stage.
import { createNodePanel } from "./flowpanel.js";
import { arrange, drawGround, drawNode, drawPaths } from "./flowmap.js";
import { createPictures } from "./flowpictures.js";
import { phases, shapes } from "./flowsteps.js";
import { icon } from "./icons.js";
import { kept } from "./kept.js";
import { createSurface } from "./surface.js";

const HEIGHT = 126; // px
const PHASE = 450; // ms, and for each letter of its sentence
const LETTER = 11;
const KEPT = "playground.flow"; // "open" or "folded"
const [NARROW, LOW] = [640, 800]; // px of a window in which it is folded at first: the picture comes first
const NOTHING = new Set();

const length = ({ words }) => PHASE + LETTER * words.length;

/**
 * @param {HTMLElement} root
 * @param {{family: object, onPick: (what: {scene?: string, layers?: string[]}) => void, knobs: object, redraw: () => void}} tools `knobs`
 *   {changed, config, mayChange}: the form's own way of taking a change
 */
export function createFlow(root, { family, onPick, knobs, redraw }) {
  const spec = family.flow;
  if (!spec) return { update() {}, play: () => Promise.resolve(), refuse: () => false, playing: false };
  root.innerHTML = `<button type="button" class="flow-fold">${icon("down", 14)}<span>Diagram of one step</span></button>
    <div class="flow-strip" role="group" aria-label="Data flow of one training step"></div>
    <div class="flow-panel" hidden></div><div class="flow-words" role="status" hidden><p></p><button type="button" class="button small quiet">Skip</button></div>`;
  const find = (selector) => root.querySelector(selector);
  const strip = find(".flow-strip");
  const pictures = createPictures();
  const panel = createNodePanel(find(".flow-panel"), family, { ...knobs, close: () => choose(null) });
  let about = null;
  let picked = null; // key of the node or gradient that the stage shows
  let map = null;
  let slow = null; // {lit: Set, began: ms, end: () => void, trace} while a step is shown slowly
  let traced = null; // the last traced step, whose shapes stay on the edges
  const surface = createSurface(strip, draw, { height: HEIGHT });
  const buttons = new Map([...spec.nodes, ...spec.gradients].map((part) => [part.key, button(part)]));
  find(".flow-fold").addEventListener("click", () => fold(!folded()));
  find(".flow-words button").addEventListener("click", () => slow?.end());
  fold(kept.get(KEPT) ? kept.get(KEPT) === "folded" : innerWidth <= NARROW || innerHeight < LOW, false);

  // --- picture ------------------------------------------------------------------------------------------------------------------
  function draw(ctx, width, height, colors) {
    if (!about) return;
    if (map?.width !== width) place(width, height);
    const lit = slow?.lit ?? NOTHING;
    const flowing = slow && !slow.still ? ((performance.now() - slow.began) / slow.lasts) % 1 : null;
    drawPaths(ctx, map, { lit, picked, words: (key) => words[key] ?? "", flowing }, colors);
    for (const node of spec.nodes) {
      const box = map.boxes.get(node.key);
      drawGround(ctx, box, lit.has(node.key), colors);
      pictures.draw(ctx, node.picture, box, about, colors);
      drawNode(ctx, box, { lit: lit.has(node.key), picked: picked === node.key }, colors);
    }
    if (slow && !slow.still) surface.schedule();
  }

  let words = {};
  /** Lay the nodes out, and their buttons over them. */
  function place(width, height) {
    map = { ...arrange(spec, width, height), width };
    for (const { key } of spec.nodes) {
      const { x, y, w, h } = map.boxes.get(key);
      put(key, x - 2, y - 16, w + 4, h + 18);
    }
    for (const { key, points } of map.gradients) {
      const [[, , [right, y], [left]]] = [points];
      put(key, left, y - 7, right - left, 14);
    }
  }

  function put(key, left, top, width, height) {
    Object.assign(buttons.get(key).style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  }

  // --- picking a node --------------------------------------------------------------------------------------------------------------
  function button({ key, title }) {
    const element = Object.assign(document.createElement("button"), { type: "button", className: "flow-node", title: `${title[0].toUpperCase()}${title.slice(1)}: show it on the stage` });
    element.dataset.node = key;
    element.setAttribute("aria-label", title);
    element.setAttribute("aria-pressed", false);
    element.tabIndex = key === spec.nodes[0].key ? 0 : -1;
    element.addEventListener("click", () => choose(picked === key ? null : key));
    element.addEventListener("keydown", move);
    strip.append(element);
    return element;
  }

  /** Arrows go from node to node in the order of the step. */
  function move(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && picked) choose(null);
    else if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    if (!by) return;
    const all = [...buttons.values()];
    const next = all[(all.indexOf(event.target) + by + all.length) % all.length];
    for (const b of all) b.tabIndex = b === next ? 0 : -1;
    next.focus();
  }

  function choose(key) {
    slow?.end();
    mark(key);
    const part = key && [...spec.nodes, ...spec.gradients].find((p) => p.key === key);
    onPick(part ? { scene: part.scene, layers: part.layers } : { scene: null, layers: null });
  }

  function mark(key) {
    picked = key;
    for (const [name, element] of buttons) element.setAttribute("aria-pressed", name === key);
    panel.show(spec.nodes.find((n) => n.key === key) ?? null, about);
    surface.schedule();
  }

  function folded() {
    return root.classList.contains("folded");
  }

  function fold(yes, keep = true) {
    root.classList.toggle("folded", yes);
    strip.hidden = yes;
    find(".flow-fold").setAttribute("aria-expanded", !yes);
    if (keep) kept.set(KEPT, yes ? "folded" : "open");
    if (yes && picked) choose(null);
    if (yes) slow?.end();
    root.closest(".stage").classList.toggle("with-flow", !yes);
  }

  // --- a step in slow motion ---------------------------------------------------------------------------------------------------------
  /** Show a step that was made by hand. Resolves when it has been shown, was skipped, or the next one begins. */
  function play(trace, row) {
    slow?.end();
    traced = trace;
    if (folded() || !about) return Promise.resolve();
    const parts = phases(trace, row, about.config);
    const box = find(".flow-words");
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return new Promise((resolve) => {
      let timer = 0;
      const end = () => {
        clearTimeout(timer);
        slow = null;
        box.hidden = !still;
        surface.schedule();
        resolve();
      };
      const show = (k) => {
        if (k === parts.length) return end();
        slow = { lit: new Set(parts[k].lit), began: performance.now(), lasts: length(parts[k]), end, moved: slow?.moved || Boolean(parts[k].moves) };
        if (parts[k].moves) redraw();
        say(box, [`${k + 1} of ${parts.length}`, parts[k].words]);
        surface.schedule();
        timer = setTimeout(() => show(k + 1), length(parts[k]));
      };
      box.hidden = false;
      box.classList.toggle("still", still);
      if (!still) return show(0);
      say(box, ...parts.map((part, k) => [`${k + 1}`, part.words]));
      end();
    });
  }

  function say(box, ...lines) {
    box.querySelector("p").replaceChildren(
      ...lines.map(([count, text]) => {
        const line = document.createElement("span");
        line.append(Object.assign(document.createElement("b"), { textContent: count }), ` ${text}`);
        return line;
      }),
    );
  }

  function update(next) {
    about = next;
    const example = next.frame?.views.find((v) => v.panel === "stage" && v.type === "images")?.shapes.pixels.slice(1) ?? [2];
    words = shapes(next.running ? null : traced, next.config, next.kind === "2d" ? [2 * next.config.pack] : example);
    const part = [...spec.nodes, ...spec.gradients].find((p) => p.key === picked);
    if (part?.scene && part.scene !== next.scene) mark(null); // the menu has led elsewhere
    if (part && !part.scene && next.scene) mark(null);
    if (next.running || (!still() && !slow)) find(".flow-words").hidden = true;
    panel.update(next);
    surface.schedule();
  }

  const still = () => find(".flow-words").classList.contains("still");
  return {
    update,
    play,
    refuse: panel.refuse,
    /** Whether the stage is to wait: a step is being shown and has not moved anything yet. */
    get playing() {
      return Boolean(slow) && !slow.moved;
    },
    get slow() {
      return Boolean(slow);
    },
  };
}
