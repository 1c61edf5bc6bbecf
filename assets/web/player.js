// Plays the pictures that are there as a film. At 1x a whole run takes ten seconds, whatever its length, as long as it has pictures.
// "One step a second" shows every single step, asking for those that have no picture yet. Where the visitor prefers less motion the
// film goes on in a few still steps instead.

const FILM = 10; // s at 1x
const STILLS = 12; // pictures of the still version
const STILL_PAUSE = 900; // ms
const STEP_PAUSE = 1000; // ms

export const SINGLE = "single";
/** [value, words], slowest first. */
export const SPEEDS = [[SINGLE, "1 step/s"], [0.25, "¼×"], [0.5, "½×"], [1, "1×"], [2, "2×"], [4, "4×"], [Infinity, "at once"]];

/**
 * @param {{steps: () => number[], cursor: () => number, last: () => number}} run what there is to play
 * @param {{show: (step: number) => void, end: () => void, changed: (playing: boolean) => void, need?: (step: number) => Promise<boolean>}} on
 *   need(step) resolves once there is a picture of exactly that step, or to false if there will be none
 */
export function createPlayer(run, on) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let playing = false;
  let speed = 1;
  let position = 0; // in steps, finer than the pictures
  let shown = -1;
  let timer = 0;
  let before = 0;
  let take = 0; // grows at each start and stop: an answer that comes late belongs to none

  function play() {
    const steps = run.steps();
    if (steps.length < 2) return;
    const atEnd = run.cursor() >= steps.at(-1);
    if (speed === Infinity) return on.end();
    position = atEnd ? steps[0] : run.cursor();
    shown = -1;
    before = performance.now();
    take++;
    set(true);
    go();
  }

  const go = () => (speed === SINGLE ? single(take) : next(performance.now()));

  function stop() {
    take++;
    cancelAnimationFrame(timer);
    clearTimeout(timer);
    if (playing) set(false);
  }

  function set(value) {
    playing = value;
    on.changed(value);
  }

  function end() {
    stop();
    on.end();
  }

  function next(now) {
    if (!playing) return;
    const last = run.last();
    position += still.matches ? (shown < 0 ? 0 : last / STILLS) : ((Math.max(0, now - before) / 1000) * speed * last) / FILM; // a frame's time can lie before the press
    before = now;
    if (position >= last) return end();
    const step = run.steps().findLast((s) => s <= position);
    if (step != null && step !== shown) on.show((shown = step));
    timer = still.matches ? setTimeout(() => next(performance.now()), STILL_PAUSE / speed) : requestAnimationFrame(next);
  }

  /** The next step, when it has its picture. */
  async function single(mine) {
    const step = Math.floor(position) + 1;
    if (step >= run.last()) return end();
    const there = await on.need?.(step);
    if (mine !== take) return;
    if (!there) return stop();
    on.show((position = shown = step));
    timer = setTimeout(() => single(mine), STEP_PAUSE);
  }

  return {
    play,
    stop,
    toggle: () => (playing ? stop() : play()),
    get playing() {
      return playing;
    },
    get speed() {
      return speed;
    },
    set speed(value) {
      speed = value;
      if (!playing) return;
      stop();
      play();
    },
  };
}
