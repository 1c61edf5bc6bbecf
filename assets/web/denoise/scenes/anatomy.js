// How Stable Diffusion works, on a model small enough to train here: caption, text encoder, denoiser in latent space, decoder, and where
// each word was looked up. Each part says which part of Stable Diffusion, DALL·E 3 and Midjourney it stands for, and what is not public.
import { colorsOf, onTheme } from "../../colors.js";
import { int, percent, short } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createPixels, paint } from "../../latent/scenes/pixels.js";
import { PARTS, sizes } from "./anatomyfacts.js";
import { boxOf, overlay, shareIn } from "./wordmap.js";

export const title = "How Stable Diffusion works";
export const kinds = ["image"];

const IMAGES = 4;
const SCALES = [1, 1.5, 2, 3, 4, 7.5]; // guidance
const PACE = 260; // ms a step, when the steps are played
const SUGGESTIONS = {
  mnist: ["a large thick seven at the left", "a small thin three at the top right", "a large eight, slanted right", "a small zero at the bottom", "a two"],
  emoji: ["a small red apple", "a large yellow face in the middle", "a large blue circle at the top", "a green tree at the right", "a purple flower"],
};
const TRAINED_TO_POINT = "Maps explain nothing by themselves: this run was trained to let nouns and places point there.";
const UNTRAINED = "Maps explain nothing by themselves: nothing in training asked these to point, and those of places hardly do.";
const panel = (key, inner) => `<section data-part="${key}"><h3>${PARTS[key].title}</h3>${inner}<dl>${PARTS[key].facts.map(([who, what]) => `<dt>${who}</dt><dd>${what}</dd>`).join("")}</dl></section>`;
const HTML = `<form class="ask"><label>Caption <input type="text" list="anatomy-captions" maxlength="200" spellcheck="false" autocomplete="off"></label>
    <datalist id="anatomy-captions"></datalist>
    <label class="class">Class <select class="of"></select></label>
    <label>Guidance <select class="scale">${SCALES.map((w) => `<option>${w}</option>`).join("")}</select></label>
    <button type="submit" class="button small">Draw</button><button type="button" class="button small other">Other noise</button>
    <span class="tries"></span></form>
  <div class="line">${panel("text", `<div class="words" role="group" aria-label="Words of the caption"></div>`)}
    ${panel("denoiser", `<div class="pictures"><figure class="latent"><figcaption>latent z<sub>t</sub></figcaption></figure><figure class="xt"><figcaption>decoded</figcaption></figure><figure class="x0"><figcaption>its guess of x₀</figcaption></figure></div><div class="steps"><button type="button" class="button small play">Play</button><input type="range" min="0" max="1" step="1" value="1" aria-label="Step of the sampler"><output></output></div>`)}
    ${panel("decoder", `<div class="pictures"><figure class="image"><figcaption>image</figcaption></figure><div class="others"></div></div>`)}
    ${panel("attention", `<div class="maps"></div>`)}</div>
  <p class="scene-words"></p>`;

export function create(container, { session, store }) {
  container.classList.add("latent-scene");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const [caption, slider, select] = [find("input[type=text]"), find("input[type=range]"), find("select.of")];
  const large = Object.fromEntries(["latent", "xt", "x0", "image"].map((name) => [name, put(find(`figure.${name}`), PARTS.pictures[name])]));
  const others = Array.from({ length: IMAGES - 1 }, () => find(".others").appendChild(createPixels()));
  const told = createAsking({ session, store }, "attention", { show: arrived });
  const classes = createAsking({ session, store }, "denoise", { show: arrived });
  let about = null;
  let seed = 0;
  let step = 0;
  let playing = null;
  let seen = null; // the last answer
  let chosen = -1; // a word
  let maps = []; // {canvas, button} of each word

  /** Captions that fit the data set, and what its images measure. */
  function suggest({ config, set }) {
    const { dataset } = config;
    for (const [name, words] of Object.entries(sizes(set.shape, config))) container.querySelectorAll(`[data-size=${name}]`).forEach((at) => (at.textContent = words));
    const list = SUGGESTIONS[dataset] ?? SUGGESTIONS.mnist;
    if (caption.dataset.of === list[0]) return;
    caption.value = caption.dataset.of = list[0];
    find("datalist").innerHTML = list.map((text) => `<option value="${text}">`).join("");
    find(".tries").innerHTML = list.map((text) => `<button type="button" class="button small">${text}</button>`).join("");
  }

  function put(figure, label) {
    const canvas = createPixels(label);
    figure.prepend(canvas);
    return canvas;
  }

  // --- asking -----------------------------------------------------------------------------------------------------------------------
  const inWords = () => Boolean(about?.config.text);
  const latent = () => about?.config.space === "latent";
  const asking = () => (inWords() ? told : classes);

  function ask() {
    if (!about || !latent() || !ready(store)) return show();
    const cfg_scale = +find(".scale").value;
    if (inWords()) told.ask({ caption: caption.value.trim(), n: IMAGES, seed, cfg_scale });
    else classes.ask({ label: about.config.conditional ? +select.value : -1, n: IMAGES, seed, cfg_scale: about.config.conditional ? cfg_scale : -1 });
    return show();
  }

  /** The run's own guidance, or what is nearest to it. */
  function guide() {
    find(".scale").value = SCALES.reduce((a, b) => (Math.abs(b - about.config.cfg_scale) < Math.abs(a - about.config.cfg_scale) ? b : a));
  }

  function arrived() {
    const { frame } = asking();
    if (frame && frame !== seen) {
      const first = !seen;
      seen = frame;
      chosen = -1;
      step = count() - 1;
      if (!first && !matchMedia("(prefers-reduced-motion: reduce)").matches) play();
    }
    show();
  }

  const layers = (name) => seen?.views.filter((v) => v.panel === name) ?? [];
  const count = () => layers("x0").length;

  // --- steps ------------------------------------------------------------------------------------------------------------------------
  function stop() {
    clearInterval(playing);
    playing = null;
  }

  function play() {
    stop();
    step = 0;
    playing = setInterval(() => {
      if (step >= count() - 1 || container.hidden) return stop(), show();
      step += 1;
      show();
    }, PACE);
    show();
  }

  // --- showing ----------------------------------------------------------------------------------------------------------------------
  /** The words as read, with a picture of where each was looked up. */
  function build(words) {
    const same = maps.length === words.length && words.every((word, i) => maps[i].word === word);
    if (same) return;
    find(".words").replaceChildren();
    find(".maps").replaceChildren();
    maps = words.map((word, i) => {
      const token = Object.assign(document.createElement("button"), { type: "button", className: "token", textContent: word });
      token.addEventListener("click", () => ((chosen = chosen === i ? -1 : i), show()));
      find(".words").append(token);
      const figure = document.createElement("figure");
      const canvas = put(figure, `Where “${word}” was looked up`);
      const [box, share] = [document.createElement("i"), document.createElement("small")];
      const name = document.createElement("figcaption");
      name.append(word, share);
      figure.append(box, name);
      find(".maps").append(figure);
      return { word, token, figure, canvas, box, share };
    });
  }

  function show() {
    if (!about) return;
    const words = layers("tokens")[0]?.pieces ?? [];
    const k = Math.min(step, count() - 1);
    build(inWords() ? words : []);
    for (const [name, layer] of [["latent", "latent"], ["xt", "x_t"], ["x0", "x0"]]) paint(large[name], layers(layer)[k] ?? null, 0);
    const last = layers("x0").at(-1) ?? null;
    paint(large.image, layers("image")[0] ?? last, 0);
    others.forEach((canvas, i) => paint(canvas, layers("image")[0] ?? last, i + 1));
    const heats = layers("words");
    const colors = colorsOf(container);
    const drawn = layers("image")[0];
    const around = inWords() && drawn ? boxOf(drawn) : null;
    maps.forEach(({ token, figure, canvas, box, share }, i) => {
      overlay(canvas, drawn, heats[i], colors);
      const part = around && heats[i] ? shareIn(heats[i], around) : NaN;
      box.hidden = !around;
      if (around) for (const side of ["top", "left", "bottom", "right"]) box.style.setProperty(`--${side}`, around[side]);
      share.textContent = around ? percent(part, 0) : "";
      figure.dataset.share = part;
      token.setAttribute("aria-pressed", chosen === i);
      figure.classList.toggle("dim", chosen >= 0 && chosen !== i);
    });
    Object.assign(slider, { max: Math.max(1, count() - 1), value: Math.max(0, k), disabled: !count() });
    find("output").textContent = count() ? `step ${k + 1} of ${count()}` : "";
    find(".play").disabled = !count();
    for (const control of container.querySelectorAll(".ask :is(input, button, select)")) control.disabled = !latent() || !ready(store);
    find(".ask label:first-child").hidden = find(".tries").hidden = !inWords();
    find(".ask .class").hidden = inWords() || !about.config.conditional;
    for (const part of ["text", "attention"]) find(`[data-part=${part}]`).classList.toggle("absent", !inWords());
    find(".scene-words").textContent = sentence();
    Object.assign(container.dataset, { caption: seen?.views && inWords() ? words.join(" ") : "", step: k, seed });
  }

  /** How the maps are read. */
  function legend() {
    const box = layers("image")[0] && boxOf(layers("image")[0]);
    const inside = box ? ` Below it: how much of all its attention lies in the dashed box around the ink, ${percent(box.area, 0)} of the image.` : "";
    return `Colour: cells that gave the word more attention than the mean cell did, over all heads, blocks and steps.${inside}`;
  }

  /** Why there is nothing, or what is seen. */
  function sentence() {
    if (!latent()) return "This run denoises pixels. Choose “Digits from words” under the presets: a run with all the parts of Stable Diffusion. “MNIST, latent, 15 s” has them without words.";
    if (asking().refused) return asking().refused;
    if (!ready(store)) return "Nothing is trained yet. Press Train: the autoencoder learns first, then the denoiser on its latents.";
    if (!seen) return "Drawing.";
    const { config } = about;
    const first = Math.max(1, Math.min(config.steps - 1, Math.round(config.ae_share * config.steps)));
    if (seen.step <= first) return `${elsewhere(store, seen)}Step ${int(seen.step)}: until step ${int(first)} the autoencoder learns, and the denoiser knows nothing yet.`;
    const what = inWords() ? `${legend()} ${config.grounding ? TRAINED_TO_POINT : UNTRAINED}` : "This run is told the class as a number; “Digits from words” has a text encoder.";
    return `${elsewhere(store, seen)}${what} Guidance ${short(asking().values?.cfg_scale ?? config.cfg_scale)}, noise seed ${seed}, step ${int(seen.step)}.`;
  }

  find("form").addEventListener("submit", (event) => (event.preventDefault(), ask()));
  find(".other").addEventListener("click", () => ((seed = (seed + 1) % 10_000), ask()));
  find(".tries").addEventListener("click", ({ target }) => target.matches("button") && ((caption.value = target.textContent), ask()));
  for (const choice of [select, find(".scale")]) choice.addEventListener("change", ask);
  slider.addEventListener("input", () => (stop(), (step = +slider.value), show()));
  find(".play").addEventListener("click", play);
  onTheme(show);

  return {
    hide: stop,
    update(next) {
      about = next;
      suggest(next);
      const names = next.set.classes ?? [];
      if (select.length !== names.length) select.replaceChildren(...names.map((name, i) => new Option(name, i)));
      if ([told, classes].map((a) => a.renew(next)).some(Boolean)) (seen = null), stop(), guide(), ask();
      else if (!next.running && latent()) asking().again();
      show();
    },
  };
}
