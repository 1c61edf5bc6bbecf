// What every scene of the autoregressive tab is made of: a frame that knows when a model does not fit and offers one that does, words below,
// and texts whose tokens carry a tint.

/**
 * @param {{title: string, kinds: string[], html: string, needsRun?: boolean, empty?: string,
 *   fits?: (config: object) => {words: string, preset: string, button: string}|null,
 *   start: (frame: object, tools: object) => {update: (about: object) => void, hide?: () => void}}} about
 *   `fits` says what is missing, null if nothing is; `empty` is said before anything was trained, where `needsRun`
 */
export function defineScene({ title, kinds, html, fits, start, needsRun = true, empty = "" }) {
  function create(container, tools) {
    container.classList.add("about-all", "seq-scene");
    container.innerHTML = `<div class="misfit-plate" hidden><p></p><button type="button" class="button"></button></div>${html}<p class="scene-words"></p>`;
    const find = (selector) => container.querySelector(selector);
    const plate = find(".misfit-plate");
    const button = plate.querySelector("button");
    const scene = start({ container, find, say }, tools);
    button.addEventListener("click", () => tools.commands.preset(button.dataset.preset));

    function say(words, refused = false) {
      find(".scene-words").textContent = words;
    }

    function update(next) {
      const missing = fits?.(next.config) ?? null;
      const nothing = needsRun && !next.started;
      container.classList.toggle("misfit", Boolean(missing));
      container.classList.toggle("nothing", !missing && nothing);
      plate.hidden = !missing;
      if (missing) {
        plate.querySelector("p").textContent = missing.words;
        button.textContent = missing.button;
        button.dataset.preset = missing.preset;
        return say("");
      }
      scene.update(next);
      if (nothing) say(empty);
      return undefined;
    }

    return { update, hide: () => scene.hide?.() };
  }
  return { title, kinds, create };
}

export const TRANSFORMERS = ["gpt2", "llama"];

/** A model of text that is no transformer has no layers to look into. */
export const needsTransformer = ({ model }) =>
  TRANSFORMERS.includes(model) ? null : { words: `This looks into a transformer; the model here is ${NAMES[model] ?? model}. Load one that has attention.`, preset: "moby", button: "Load Moby Dick, small GPT" };

export const NAMES = {
  ngram: "n-gram", mlp: "MLP", rnn: "RNN", gru: "GRU", gpt2: "GPT-2", llama: "Llama",
  pixelcnn: "PixelCNN", "gated-pixelcnn": "Gated PixelCNN", "image-gpt": "Image GPT",
};

/**
 * A text, each token a span that may carry a tint and a mark.
 * @param {HTMLElement} container @param {{label: string, onPick?: (index: number) => void}} on
 * @returns {{update: (view: object|null, options?: {tint?: string, most?: number, picked?: number}) => void}}
 */
export function createText(container, { label, onPick }) {
  container.classList.add("tokens");
  container.setAttribute("role", onPick ? "group" : "note");
  container.setAttribute("aria-label", label);
  let shown = "";
  if (onPick) {
    container.tabIndex = 0;
    container.classList.add("pickable");
    container.addEventListener("click", (event) => event.target.dataset.i != null && onPick(+event.target.dataset.i));
  }

  return {
    update(view, { tint = "", most = 4, picked = -1 } = {}) {
      const values = view?.arrays[tint];
      const marks = view?.arrays.mark;
      const key = view ? [view.pieces.join(""), tint, most, picked, marks?.join("")].join("|") : "";
      if (key === shown && container.view === view) return;
      [shown, container.view] = [key, view];
      const spans = (view?.pieces ?? []).map((piece, i) => {
        const span = document.createElement("span");
        span.textContent = i === 0 && piece === "\n" && view.given > 0 ? "↵" : piece; // a text need not begin with an empty line
        if (onPick) span.dataset.i = i;
        const share = values && Number.isFinite(values[i]) ? Math.max(0, Math.min(1, values[i] / most)) : 0;
        if (share > 0.01) span.style.setProperty("--t", share.toFixed(3));
        span.className = [i < view.given ? "given" : "", marks?.[i] ? "mark" : "", i === picked ? "picked" : "", piece === "\n" ? "line" : ""].filter(Boolean).join(" ");
        if (values && Number.isFinite(values[i])) span.title = `${show(piece)}: ${values[i].toFixed(2)}`;
        return span;
      });
      container.replaceChildren(...spans);
    },
  };
}

/** A token in a sentence or a table: white space as signs. */
export const show = (piece) => piece.replaceAll("\n", "↵").replaceAll(" ", "␣").replaceAll("\t", "⇥");

/** Counts and gzip in nats per character, where they are known for the text on the stage. @returns {{name: string, value: number}[]} */
export function baselines(backdrop) {
  const bars = backdrop?.views.find((v) => v.panel === "baselines");
  return bars ? bars.labels.map((name, i) => ({ name, value: bars.arrays.values[i] })) : [];
}

/** Nats per token as nats per character are only said where a token is a character. */
export const unit = ({ tokens }) => (tokens === "bpe" ? "token" : "character");

/** What a scene of one question does when anything changes: a new run is asked anew, one that has trained on once more. */
export function followed(asking, { keep, ask, show }) {
  return {
    update(next) {
      keep(next);
      if (asking.renew(next)) ask();
      else asking.again();
      show();
    },
  };
}

/** Set attributes that tests and style sheets read. */
export const tell = (container, values) => Object.assign(container.dataset, Object.fromEntries(Object.entries(values).map(([k, v]) => [k, v ?? ""])));
