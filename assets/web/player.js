// Plays the pictures that are there as a film. At 1x a whole run takes ten seconds, whatever its length, as long as it has pictures.
// Where the visitor prefers less motion it goes on in a few still steps instead.

const FILM = 10; // s at 1x
const STILLS = 12; // pictures of the still version
const STILL_PAUSE = 900; // ms

export const SPEEDS = [0.25, 0.5, 1, 2, 4];

/**
 * @param {{steps: () => number[], cursor: () => number, last: () => number}} run what there is to play
 * @param {{show: (step: number) => void, end: () => void, changed: (playing: boolean) => void}} on
 */
export function createPlayer(run, on) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let playing = false;
  let speed = 1;
  let position = 0; // in steps, finer than the pictures
  let shown = -1;
  let timer = 0;
  let before = 0;

  function play() {
    const steps = run.steps();
    if (steps.length < 2) return;
    const atEnd = run.cursor() >= steps.at(-1);
    position = atEnd ? steps[0] : run.cursor();
    shown = -1;
    before = performance.now();
    set(true);
    next(before);
  }

  function stop() {
    cancelAnimationFrame(timer);
    clearTimeout(timer);
    if (playing) set(false);
  }

  function set(value) {
    playing = value;
    on.changed(value);
  }

  function next(now) {
    if (!playing) return;
    const end = run.last();
    position += still.matches ? (shown < 0 ? 0 : end / STILLS) : ((Math.max(0, now - before) / 1000) * speed * end) / FILM; // a frame's time can lie before the press
    before = now;
    if (position >= end) {
      set(false);
      return on.end();
    }
    const step = run.steps().findLast((s) => s <= position);
    if (step != null && step !== shown) on.show((shown = step));
    timer = still.matches ? setTimeout(() => next(performance.now()), STILL_PAUSE / speed) : requestAnimationFrame(next);
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
    },
  };
}
