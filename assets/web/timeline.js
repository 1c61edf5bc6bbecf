// The timeline under the stage: one slider over all steps drives every view. Buttons to step, play, mark and fork; flags for events.
import { int } from "./format.js";
import { icon } from "./icons.js";
import { HEIGHT, drawLane, eventAt, forkAt, stepScale } from "./lane.js";
import { SPEEDS, createPlayer } from "./player.js";
import { createSurface } from "./surface.js";

const LEAP = 0.1; // of all pictures, for PageUp and PageDown
const WHEEL = 40; // units of scrolling per picture

const ROW = `
  <button type="button" class="icon-button back" aria-label="One picture back">${icon("stepb")}</button>
  <button type="button" class="icon-button play" aria-label="Play">${icon("play")}</button>
  <button type="button" class="icon-button on" aria-label="One picture on">${icon("stepf")}</button>
  <select class="speed" aria-label="Speed of the film" title="Speed of the film; at 1× the run takes ten seconds">${SPEEDS.map(([v, words]) => `<option value="${v}"${v === 1 ? " selected" : ""}>${words}</option>`).join("")}</select>
  <span class="at"><b></b> <span class="where"></span></span>
  <button type="button" class="button small go-live" hidden>Go live</button>
  <span class="space"></span>
  <label class="branches" hidden>Shown <select class="branch" aria-label="Branch shown"></select></label>
  <button type="button" class="button small quiet mark" title="Put a flag on this step">${icon("flag")}<span>Mark</span></button>
  <button type="button" class="button small fork">${icon("fork")}<span>Fork here</span></button>`;

/**
 * @typedef {object} TimelineData
 * @property {number} total steps of the whole run @property {number} last newest step @property {number} cursor step shown
 * @property {boolean} live the newest step is followed @property {boolean} [running]
 * @property {number[]} steps those with a picture, ascending
 * @property {number[][]} values [[step, value], ...] of the headline metric @property {number} max value that fills the lane
 * @property {{step: number, title: string, kind: string}[]} events
 * @property {{id?: string, from: number, to: number, title: string, active?: boolean}[]} forks
 * @property {{id: string, title: string, active: boolean}[]} [branches] @property {number[]} [checkpoints] @property {boolean} [canFork]
 */

/**
 * @param {HTMLElement} container
 * @param {{clock?: string, onScrub?: (step: number) => void, onPick?: (step: number) => void, onLive?: () => void, onFork?: (step: number) => void,
 *   onMark?: (step: number) => void, onBranch?: (id: string) => void, onPlay?: (playing: boolean) => void,
 *   onNeed?: (step: number) => Promise<boolean>}} on
 *   `clock` says what the steps are, usually "step"; onScrub is called with a step that has a picture, or with the newest step; onPick with the step of a flag
 * @returns {{update: (data: Partial<TimelineData>) => void, move: (pictures: number) => void, play: () => void, stop: () => void, element: HTMLElement}}
 */
export function createTimeline(container, on = {}) {
  let data = { total: 1, last: 0, cursor: 0, live: true, running: false, steps: [], values: [], max: 1, events: [], forks: [], branches: [], canFork: false };
  let pointer = null;
  let dragging = false;
  let rolled = 0; // scrolling not yet spent on a picture
  container.classList.add("timeline");
  container.innerHTML = `<div class="timeline-row">${ROW}</div><div class="timeline-track" role="slider" tabindex="0" aria-label="Step shown" aria-orientation="horizontal"></div>`;
  const find = (selector) => container.querySelector(selector);
  const track = find(".timeline-track");
  const surface = createSurface(track, (ctx, width, _, colors) => drawLane(ctx, data, { width, colors, pointer: dragging ? null : pointer }), { height: HEIGHT });
  const player = createPlayer(
    { steps: () => data.steps, cursor: () => data.cursor, last: () => data.last },
    { show: (step) => on.onScrub?.(step), end: () => live(), changed: (playing) => (showRow(), on.onPlay?.(playing)), need: on.onNeed },
  );

  // --- moving ------------------------------------------------------------------------------------------------------------------
  function live() {
    if (on.onLive) on.onLive();
    else on.onScrub?.(data.last);
  }

  /** Go to the picture nearest to a step; past the newest picture, to the newest step. */
  function scrub(step) {
    player.stop();
    const { steps, last } = data;
    if (!steps.length || step >= last) return on.onScrub?.(last);
    const i = steps.findLastIndex((s) => s <= step);
    const nearer = i < 0 || (i + 1 < steps.length && steps[i + 1] - step < step - steps[i]) ? steps[i + 1] : steps[i];
    if (nearer !== data.cursor || data.live) on.onScrub?.(nearer);
  }

  /** Go some pictures on or back; ±Infinity to the ends. */
  function move(pictures) {
    const { steps, cursor } = data;
    if (!steps.length) return;
    player.stop();
    const now = steps.findLastIndex((s) => s <= cursor);
    const next = Math.max(0, now + pictures);
    if (next >= steps.length - (pictures > 0 && steps.at(-1) >= data.last ? 1 : 0)) return live();
    data.cursor = steps[next]; // keys can come faster than pictures are drawn
    on.onScrub?.(steps[next]);
  }

  /** Following the newest step looks like playing: the button then holds the picture that is shown. */
  function toggle() {
    if (player.playing) player.stop();
    else if (data.live && data.running) hold();
    else player.play();
  }

  function hold() {
    const step = data.steps.findLast((s) => s < data.last);
    if (step != null) on.onScrub?.(step);
  }

  // --- pointer, wheel, keyboard -----------------------------------------------------------------------------------------------------
  function scrubTo(event) {
    const { x } = surface.point(event);
    scrub(stepScale(data.total, surface.width).step(x));
  }

  function press(event) {
    if (event.button) return;
    pointer = surface.point(event);
    const fork = forkAt(data, surface.width, pointer);
    if (fork?.id != null && on.onBranch) return on.onBranch(fork.id);
    const flag = pointer.y < HEIGHT / 2 ? eventAt(data, surface.width, pointer) : null;
    if (flag && on.onPick) return player.stop(), on.onPick(flag.step);
    dragging = true;
    track.setPointerCapture(event.pointerId);
    scrubTo(event);
  }

  function release() {
    dragging = false;
    surface.schedule();
  }

  function hover(event) {
    pointer = surface.point(event);
    if (dragging) scrubTo(event);
    const flag = eventAt(data, surface.width, pointer);
    track.title = flag ? `${flag.title}, step ${int(flag.step)}` : "";
    surface.schedule();
  }

  function wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.ctrlKey || !data.steps.length || !(sideways || document.activeElement === track)) return; // else the page scrolls
    event.preventDefault();
    rolled += sideways ? event.deltaX : event.deltaY;
    const pictures = Math.trunc(rolled / WHEEL);
    rolled -= pictures * WHEEL;
    if (pictures) move(pictures);
  }

  const leap = () => Math.max(1, Math.round(data.steps.length * LEAP));
  const KEYS = {
    ArrowLeft: () => move(-1),
    ArrowDown: () => move(-1),
    ArrowRight: () => move(1),
    ArrowUp: () => move(1),
    PageDown: () => move(-leap()),
    PageUp: () => move(leap()),
    Home: () => move(-Infinity),
    End: () => live(),
    " ": toggle,
  };

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key]();
  }

  track.addEventListener("pointerdown", press);
  track.addEventListener("pointermove", hover);
  track.addEventListener("pointerup", release);
  track.addEventListener("pointercancel", release);
  track.addEventListener("pointerleave", () => ((pointer = null), surface.schedule()));
  track.addEventListener("wheel", wheel, { passive: false });
  track.addEventListener("keydown", key);
  find(".back").addEventListener("click", () => move(-1));
  find(".on").addEventListener("click", () => move(1));
  find(".play").addEventListener("click", toggle);
  find(".go-live").addEventListener("click", () => (player.stop(), live(), track.focus()));
  find(".mark").addEventListener("click", () => on.onMark?.(data.cursor));
  find(".fork").addEventListener("click", () => on.onFork?.(data.cursor));
  find(".branch").addEventListener("change", (event) => on.onBranch?.(event.target.value));
  find(".speed").addEventListener("change", (event) => (player.speed = SPEEDS[event.target.selectedIndex][0]));

  // --- the row ----------------------------------------------------------------------------------------------------------------------
  const set = (element, property, value) => element[property] !== value && (element[property] = value);

  function showRow() {
    const playing = player.playing || (data.live && data.running);
    const button = find(".play");
    if (button.dataset.playing !== String(playing)) {
      button.dataset.playing = playing;
      button.innerHTML = icon(playing ? "pause" : "play");
      button.setAttribute("aria-label", player.playing ? "Pause the film" : playing ? "Hold this picture" : "Play");
    }
    set(find(".at b"), "textContent", `${on.clock ?? "step"} ${int(data.cursor)}`);
    const newest = `, ${data.running ? "live" : "newest"} is ${int(data.last)}`;
    set(find(".where"), "textContent", data.replay ? ", replay of the run" : data.live ? (data.running ? "live" : "newest") : newest);
    find(".at").classList.toggle("behind", !data.live);
    set(find(".go-live"), "hidden", data.live);
    set(find(".go-live"), "textContent", data.replay ? "Skip to the end" : data.running ? "Go live" : "Newest");
    const none = data.steps.length < 2;
    for (const name of [".back", ".play", ".on"]) set(find(name), "disabled", none);
    set(find(".mark"), "disabled", data.last === 0);
    set(find(".fork"), "disabled", !data.canFork);
    showBranches();
  }

  function showBranches() {
    const select = find(".branch");
    const list = data.branches ?? [];
    set(find(".branches"), "hidden", list.length < 2);
    set(select, "hidden", list.length < 2);
    const key = JSON.stringify(list);
    if (select.dataset.key === key) return;
    select.dataset.key = key;
    select.replaceChildren(...list.map((b) => new Option(b.title || "first run", b.id, false, b.active)));
  }

  function speak() {
    const words = data.live ? `step ${int(data.cursor)} of ${int(data.total)}, the newest` : `step ${int(data.cursor)} of ${int(data.total)}, newest is ${int(data.last)}`;
    for (const [name, value] of [["valuemin", 0], ["valuemax", data.last], ["valuenow", data.cursor], ["valuetext", words]]) {
      if (track.getAttribute(`aria-${name}`) !== String(value)) track.setAttribute(`aria-${name}`, value);
    }
  }

  function update(changes) {
    data = { ...data, ...changes };
    showRow();
    speak();
    surface.schedule();
  }

  update({});
  return { update, move, play: player.play, stop: player.stop, element: track };
}
