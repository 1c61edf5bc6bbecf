// A recorded run, played on the stage while a visitor waits in line or is cut off, and always said to be one.
import { decodePull } from "./decode.js";
import { int } from "./format.js";

const SECONDS = 14; // of one pass
const RECORDED = ["gan"]; // families that have one

/** @param {string} family @param {() => void} redraw called while it plays */
export function createRecording(family, redraw) {
  let film = null; // {frames, backdrop, seed, total}
  let began = 0;
  let timer = 0;

  async function load() {
    if (!RECORDED.includes(family)) return;
    const reply = await fetch(new URL(`play/recordings/${family}.bin`, document.baseURI));
    if (!reply.ok) return;
    const { header, frames } = decodePull(await reply.arrayBuffer());
    const { config, total } = header.branches[0];
    film = { frames: frames.filter((f) => !f.backdrop), backdrop: frames.find((f) => f.backdrop).frame, seed: config.seed, total };
  }
  let loading = null;

  return {
    /** Play or stop. */
    set(playing) {
      if (playing === Boolean(timer)) return;
      clearInterval(timer);
      timer = 0;
      if (!playing) return;
      loading ??= load().catch(() => {});
      began = performance.now();
      timer = setInterval(redraw, 100);
    },
    /** The picture of this moment, or null while there is none. @returns {{frame: object, backdrop: object, about: string, step: number}|null} */
    now() {
      if (!timer || !film) return null;
      const { frames } = film;
      const i = Math.floor(((((performance.now() - began) / 1000) % SECONDS) / SECONDS) * frames.length);
      return { frame: frames[i].frame, backdrop: film.backdrop, about: `Recorded with seed ${film.seed}, ${int(film.total)} steps`, step: frames[i].s };
    },
  };
}
