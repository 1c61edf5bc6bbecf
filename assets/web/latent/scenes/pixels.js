// Images as small canvases that the style sheet enlarges: one canvas pixel per pixel, so they are crisp at any size.

const WHOLE = 0.8; // of the room: from here on a whole number of screen pixels per pixel is worth the size

/** How many px wide a picture w pixels wide is shown in `room` px. */
export function sizeIn(room, w) {
  const whole = Math.floor(room / w) * w;
  return whole >= WHOLE * room ? whole : Math.floor(room);
}

/** @param {string} [label] for screen readers; none: decoration */
export function createPixels(label = "") {
  const canvas = Object.assign(document.createElement("canvas"), { className: "pixels", width: 1, height: 1 });
  if (label) canvas.setAttribute("role", "img");
  if (label) canvas.setAttribute("aria-label", label);
  else canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

/** Image i of a view onto a canvas; nothing without a view. @param {HTMLCanvasElement} canvas @param {object|null} view @param {number} i */
export function paint(canvas, view, i = 0) {
  if (!view) return canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  const [, c, h, w] = view.shapes.pixels;
  const { pixels } = view.arrays;
  const floats = !(pixels instanceof Uint8Array);
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const image = new ImageData(w, h);
  for (let k = 0; k < h * w; k++) {
    for (let channel = 0; channel < 3; channel++) {
      const v = pixels[(i * c + (c === 3 ? channel : 0)) * h * w + k];
      image.data[4 * k + channel] = floats ? (v + 1) * 127.5 : v;
    }
    image.data[4 * k + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/**
 * A row of pictures of equal size; one may be marked.
 * @param {HTMLElement} container @param {string} label
 * @param {{onPick?: (i: number) => void, words?: (i: number) => string}} [on] with `onPick` they are buttons
 */
export function createRow(container, label, { onPick, words } = {}) {
  container.classList.add("picture-row");
  container.setAttribute("role", onPick ? "group" : "img");
  container.setAttribute("aria-label", label);
  let cells = [];

  function build(n) {
    cells = Array.from({ length: n }, (_, i) => {
      const cell = document.createElement(onPick ? "button" : "span");
      const canvas = createPixels();
      cell.append(canvas);
      if (onPick) cell.type = "button";
      if (onPick) cell.addEventListener("click", () => onPick(i));
      if (words) cell.append(document.createElement("small"));
      return { cell, canvas };
    });
    container.replaceChildren(...cells.map(({ cell }) => cell));
  }

  return {
    /** @param {object|null} view @param {{marked?: number, n?: number, titles?: string[]}} [options] `n` places when there is nothing yet */
    update(view, { marked = -1, n = 8, titles } = {}) {
      const count = view?.shapes.pixels[0] ?? n;
      if (count !== cells.length) build(count);
      cells.forEach(({ cell, canvas }, i) => {
        if (canvas.view !== view) paint(canvas, view, i);
        canvas.view = view;
        cell.classList.toggle("marked", i === marked);
        if (onPick) cell.setAttribute("aria-pressed", i === marked);
        if (words) cell.lastChild.textContent = words(i);
        if (titles) cell.setAttribute("aria-label", (cell.title = titles[i] ?? ""));
      });
    },
  };
}
