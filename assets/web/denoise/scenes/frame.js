// What the scenes of the diffusion tab share: how they are laid out, how they ask, and what they say when there is nothing to say yet.
import { int } from "../../format.js";
import { OLD, createSeries } from "../../ask/series.js";

/** The box of a scene: a bar of controls, its parts, one sentence. @param {HTMLElement} container @param {{bar?: string, body: string}} html */
export function layOut(container, { bar = "", body }) {
  container.classList.add("about-noise");
  container.innerHTML = `<div class="bar">${bar}<span class="said"></span></div>${body}<p class="scene-words"></p>`;
  return (selector) => container.querySelector(selector);
}

/** Buttons of which one is chosen. */
export const choices = (name, entries, chosen) => entries.map(([key, words]) => `<button type="button" class="button small" data-${name}="${key}" aria-pressed="${key === chosen}">${words}</button>`).join("");

/** A slider with its value. */
export const slider = (label, { max, value, min = 0, step = 1 }) => `<label class="wide-slider"><span>${label}</span><input type="range" min="${min}" max="${max}" step="${step}" value="${value}" aria-label="${label}"></label>`;

export const panels = (frame, name) => frame?.views.filter((v) => v.panel === name) ?? [];
export const layer = (frame, panel, name) => frame?.views.find((v) => v.panel === panel && v.name === name) ?? null;
export const curve = (frame, panel, name) => (name == null ? panels(frame, panel)[0] : layer(frame, panel, name))?.arrays ?? null;

/**
 * A scene that asks when the model stands still.
 * @param {HTMLElement} container @param {{session: object, store: object}} tools
 * @param {{questions: (about: object) => [string, object][], of?: string[], show: (about: object) => string, nothing: string, waiting?: string}} on
 *   `show` draws and returns the sentence; `nothing` is said before anything was trained
 */
export function createAskingScene(container, tools, { questions, of = [], show, nothing, waiting = "Measuring…" }) {
  const series = createSeries(tools, () => draw());
  const words = container.querySelector(".scene-words");
  let about = null;

  function draw() {
    if (!about) return;
    const idle = !about.started;
    const said = show(about);
    words.textContent = idle ? nothing : series.refused || (said ? elsewhere() + said : waiting);
    container.classList.toggle("nothing", idle);
    container.classList.toggle("stale", Boolean(!idle && series.age() === OLD));
    Object.assign(container.dataset, { step: series.step ?? "", busy: series.busy, missing: series.missing() });
  }

  /** What must be said when the answer is of another step than the one on the timeline. */
  function elsewhere() {
    const { store } = tools;
    if (series.step == null) return "";
    if (series.age() === OLD) return "Of the run before; measured anew when this one pauses. ";
    if (about.running) return `Measured at step ${int(series.step)}; measured again when the run pauses. `;
    return store.live ? "" : `The timeline is at step ${int(store.step)}; answers come from the newest step, ${int(series.step)}. `;
  }

  function ask() {
    if (about) series.want(about, questions(about), of);
    draw();
  }

  return {
    get: series.get,
    series,
    ask,
    draw,
    get about() {
      return about;
    },
    update(next) {
      about = next;
      ask();
    },
  };
}

const OWN = "own-images"; // for which there is no judge

export const isImage = (about) => about.kind === "image";

/** The unit of a distance between samples and data, in a sentence. */
export const distanceOf = (about) => (!isImage(about) ? "sliced W₁" : about.config.dataset === OWN ? "sliced W₁ of pixels" : "sliced W₁ of the judge’s features");
