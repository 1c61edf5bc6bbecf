// The denoising player: one slider over the steps of a walk from noise to data, all of which are here already. Not the timeline: that one
// goes through training, this one through the making of one batch of samples.
import { fmt, int } from "../format.js";
import { icon } from "../icons.js";
import { createSurface } from "../surface.js";
import { HEIGHT, drawLane, positionScale } from "./steplane.js";
import { timeOf } from "./walk.js";

const FILM = 5; // s of a whole walk
const STILLS = 8; // pictures of it where the visitor prefers less motion
const STILL_PAUSE = 700; // ms
const LEAP = 0.1; // of all steps, for PageUp and PageDown

const ROW = `
  <button type="button" class="icon-button back" aria-label="One denoising step back">${icon("stepb")}</button>
  <button type="button" class="icon-button play" aria-label="Play the denoising">${icon("play")}</button>
  <button type="button" class="icon-button on" aria-label="One denoising step on">${icon("stepf")}</button>
  <span class="at"><b></b> <span class="of"></span> <span class="where"></span></span>
  <span class="space"></span><span class="extras"></span>
  <button type="button" class="button small quiet again" aria-label="New noise" title="The same model, other noise">${icon("reset")}<span>New noise</span></button>`;

/**
 * @param {HTMLElement} container
 * @param {{moved: () => void, again: () => void}} on `moved` after each change of the position
 * @returns {{update: (walk: import("./walk.js").Walk|null, words: {note: string, canDraw: boolean}) => void, position: number, play: () => void,
 *   stop: () => void, toggle: () => void, move: (steps: number) => void, pick: (step: number) => void, extras: HTMLElement, touched: boolean}}
 *   `extras` is room for buttons of scenes
 */
export function createDenoisePlayer(container, on) {
  container.classList.add("denoise-player");
  container.innerHTML = `<div class="timeline-row">${ROW}</div><div class="track" role="slider" tabindex="0" aria-label="Denoising step shown" aria-orientation="horizontal"></div>`;
  const find = (selector) => container.querySelector(selector);
  const track = find(".track");
  const surface = createSurface(track, (ctx, width, _, colors) => drawLane(ctx, { walk, position: player.position }, { width, colors }), { height: HEIGHT });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let walk = null;
  let playing = false;
  let timer = 0;
  let before = 0;
  let dragging = false;
  const player = { update, position: 0, touched: false, play, stop: () => stop(), toggle: () => (playing ? stop() : play()), move: (steps) => move(steps), pick, extras: find(".extras") };

  const last = () => (walk ? walk.x.length - 1 : 0);

  // --- moving -------------------------------------------------------------------------------------------------------------------
  function go(position) {
    player.position = Math.max(0, Math.min(last(), position));
    show();
    on.moved();
  }

  /** The visitor's own hand: the film stops, and from now on the position is theirs. */
  function take(position) {
    stop();
    player.touched = true;
    go(Math.round(position));
  }

  const move = (steps) => take(player.position + steps);

  /** The place that a step of the sampler led to, or the nearest that was kept. */
  function pick(step) {
    const place = walk?.steps.findLastIndex((s) => s <= step) ?? -1;
    if (place >= 0) take(place);
  }


  function play() {
    if (!last()) return;
    if (player.position >= last()) go(0);
    playing = true;
    before = performance.now();
    show();
    if (still.matches) timer = setTimeout(leap, STILL_PAUSE);
    else timer = requestAnimationFrame(next);
  }

  function next(now) {
    if (!playing) return;
    const position = player.position + ((Math.max(0, now - before) / 1000) * last()) / FILM;
    before = now;
    if (position >= last()) return stop(last());
    go(position);
    timer = requestAnimationFrame(next);
  }

  function leap() {
    if (!playing) return;
    go(Math.round(player.position + Math.max(1, last() / STILLS)));
    if (player.position >= last()) return stop(last());
    timer = setTimeout(leap, STILL_PAUSE);
  }

  function stop(at = Math.round(player.position)) {
    cancelAnimationFrame(timer);
    clearTimeout(timer);
    if (!playing) return;
    playing = false;
    go(at);
  }

  // --- pointer and keyboard -------------------------------------------------------------------------------------------------------
  const to = (event) => take(positionScale(last(), surface.width).position(surface.point(event).x));

  track.addEventListener("pointerdown", (event) => {
    if (event.button || !last()) return;
    dragging = true;
    track.setPointerCapture(event.pointerId);
    to(event);
  });
  track.addEventListener("pointermove", (event) => dragging && to(event));
  for (const end of ["pointerup", "pointercancel"]) track.addEventListener(end, () => (dragging = false));

  const leapBy = () => Math.max(1, Math.round(last() * LEAP));
  const KEYS = {
    ArrowLeft: () => move(-1),
    ArrowDown: () => move(-1),
    ArrowRight: () => move(1),
    ArrowUp: () => move(1),
    PageDown: () => move(-leapBy()),
    PageUp: () => move(leapBy()),
    Home: () => move(-Infinity),
    End: () => move(Infinity),
    " ": () => player.toggle(),
  };
  track.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key]();
  });
  find(".back").addEventListener("click", () => move(-1));
  find(".on").addEventListener("click", () => move(1));
  find(".play").addEventListener("click", () => ((player.touched = true), player.toggle()));
  find(".again").addEventListener("click", on.again);

  // --- showing --------------------------------------------------------------------------------------------------------------------
  const set = (element, property, value) => element[property] !== value && (element[property] = value);

  function show() {
    const button = find(".play");
    if (button.dataset.playing !== String(playing)) {
      button.dataset.playing = playing;
      button.innerHTML = icon(playing ? "pause" : "play");
      button.setAttribute("aria-label", playing ? "Pause the denoising" : "Play the denoising");
    }
    for (const name of [".back", ".play", ".on"]) set(find(name), "disabled", !last());
    const k = Math.min(last(), Math.floor(player.position + 1e-6));
    const step = walk?.steps[k] ?? 0;
    set(find(".at b"), "textContent", last() ? `denoising step ${int(step)}` : "denoising");
    set(find(".of"), "textContent", last() ? `of ${int(walk.total)}` : "");
    track.tabIndex = last() ? 0 : -1;
    const t = walk ? timeOf(walk.sigmas[k]) : 0;
    const about = { "aria-valuemin": 0, "aria-valuemax": walk?.total ?? 0, "aria-valuenow": step, "aria-valuetext": walk ? `step ${int(step)} of ${int(walk.total)}, σ ${fmt(walk.sigmas[k], 3)}, t ${fmt(t, 2)}` : "no walk yet" };
    for (const [name, value] of Object.entries(about)) if (track.getAttribute(name) !== String(value)) track.setAttribute(name, value);
    container.dataset.step = step;
    surface.schedule();
  }

  /** Another walk keeps the place that was looked at; what was at its end stays there. */
  function update(next, { note, canDraw }) {
    if (next !== walk) {
      const [was, part] = [last(), last() ? player.position / last() : 1];
      walk = next;
      if (last() !== was || !playing) player.position = playing ? part * last() : Math.round(part * last());
      container.dataset.of = walk?.total ?? 0;
    }
    set(find(".where"), "textContent", note);
    set(find(".again"), "disabled", !canDraw);
    show();
  }

  return player;
}
