// A sheet to draw on, in the pixels of the data: a soft brush in the colour of ink, an eraser, undo, and pictures laid under the strokes.

const BRUSH = { radius: 0.045, soft: 0.045, least: 0.55 }; // of the width; px that the edge fades over at least
const ERASER = 1.6; // times the brush
const UNDO = 60;

/**
 * @param {HTMLElement} container
 * @param {{onChange: () => void, onFirst: () => void}} on `onFirst` comes before the first stroke over something
 */
export function createSheet(container, { onChange, onFirst }) {
  const canvas = Object.assign(document.createElement("canvas"), { className: "pixels sheet" });
  canvas.setAttribute("role", "img");
  canvas.style.touchAction = "none";
  container.append(canvas);
  const ctx = canvas.getContext("2d");
  let shape = null; // [c, h, w]
  let ground = -1; // value of empty paper; ink is its opposite
  let pixels = null; // (c, h, w) in [−1, 1]
  let past = [];
  let last = null; // where the pointer was, px of the data
  const sheet = { canvas, erasing: false, setup, lay, clear, undo, paint, get pixels() { return pixels; }, get canUndo() { return past.length > 0; }, get blank() { return !pixels || pixels.every((v) => v === ground); } };

  /** Paper of another size or colour; what was drawn is gone. */
  function setup(nextShape, nextGround) {
    [shape, ground, past] = [nextShape, nextGround, []];
    Object.assign(canvas, { width: shape[2], height: shape[1] });
    pixels = new Float32Array(shape[0] * shape[1] * shape[2]).fill(ground);
    paint();
  }

  /** Put a picture on the sheet. */
  function lay(values, keep = true) {
    if (keep) remember();
    pixels = Float32Array.from(values);
    paint();
  }

  function remember() {
    past = [...past.slice(1 - UNDO), pixels.slice()];
  }

  function clear() {
    remember();
    pixels.fill(ground);
    paint();
    onChange();
  }

  function undo() {
    if (!past.length) return;
    pixels = past.pop();
    paint();
    onChange();
  }

  /** Ink along a line, as dark as its middle is near; where strokes cross it does not add up. */
  function stroke([x0, y0], [x1, y1]) {
    const [c, h, w] = shape;
    const radius = w * BRUSH.radius * (sheet.erasing ? ERASER : 1);
    const soft = Math.max(BRUSH.least, w * BRUSH.soft);
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length2 = dx * dx + dy * dy || 1;
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const t = Math.max(0, Math.min(1, ((x + 0.5 - x0) * dx + (y + 0.5 - y0) * dy) / length2));
        const away = Math.hypot(x + 0.5 - x0 - t * dx, y + 0.5 - y0 - t * dy);
        const part = Math.max(0, Math.min(1, (radius + soft - away) / soft));
        if (part > 0) for (let k = 0; k < c; k++) mix((k * h + y) * w + x, part);
      }
    }
    paint();
    onChange();
  }

  function mix(i, part) {
    const to = sheet.erasing ? ground : -ground;
    const value = -to + 2 * to * part; // from the other colour to this one
    if (to > 0 ? value > pixels[i] : value < pixels[i]) pixels[i] = value;
  }

  function paint() {
    const [c, h, w] = shape;
    const image = new ImageData(w, h);
    for (let k = 0; k < h * w; k++) {
      for (let channel = 0; channel < 3; channel++) image.data[4 * k + channel] = (pixels[(c === 3 ? channel : 0) * h * w + k] + 1) * 127.5;
      image.data[4 * k + 3] = 255;
    }
    ctx.putImageData(image, 0, 0);
  }

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!shape || event.button > 0) return;
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that a program made up
    }
    onFirst();
    remember();
    last = placeOf(event);
    stroke(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !event.buttons) return;
    for (const e of event.getCoalescedEvents?.() ?? [event]) {
      const place = placeOf(e);
      stroke(last, place);
      last = place;
    }
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (last = null));
  return sheet;
}

/**
 * An image file as values in [−1, 1], whole and in the middle, in the data's shape. Where the paper of the data is dark and that of the file
 * is light (or the other way round), it is turned into its negative.
 * @param {Blob} file @param {number[]} shape [c, h, w] @param {number} ground @returns {Promise<{values: Float32Array, negative: boolean}>}
 */
export async function fromFile(file, [c, h, w], ground) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("This file is not an image that the browser can read.");
  });
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = ground < 0 ? "#000" : "#fff";
  const scale = Math.min(w / bitmap.width, h / bitmap.height);
  const small = shrunk(bitmap, Math.ceil(bitmap.width * scale), Math.ceil(bitmap.height * scale));
  const rgba = (source) => source.getImageData(0, 0, source.canvas.width, source.canvas.height).data;
  const grey = (d, i) => (0.299 * d[i] + 0.587 * d[i + 1] + 0.114 * d[i + 2]) / 127.5 - 1;
  const [sw, sh] = [small.canvas.width, small.canvas.height];
  const corners = [0, sw - 1, (sh - 1) * sw, sh * sw - 1].map((k) => grey(rgba(small), 4 * k));
  const negative = c === 1 && corners.reduce((a, b) => a + b) * ground < 0;
  ctx.fillRect(0, 0, w, h);
  if (negative) ctx.filter = "invert(1)";
  ctx.drawImage(small.canvas, Math.round((w - sw) / 2), Math.round((h - sh) / 2));
  const d = rgba(ctx);
  const values = Float32Array.from({ length: c * h * w }, (_, k) => (c === 1 ? grey(d, 4 * k) : d[4 * (k % (h * w)) + Math.floor(k / (h * w))] / 127.5 - 1));
  return { values, negative };
}

/** Made smaller by halves, so that no pixel of a large photograph is passed over; on white where it is transparent. */
function shrunk(bitmap, width, height) {
  let source = bitmap;
  for (;;) {
    const next = [width, height].map((goal, i) => Math.max(1, goal, Math.ceil([source.width, source.height][i] / 2)));
    const last = next[0] <= Math.max(1, width) && next[1] <= Math.max(1, height);
    const canvas = Object.assign(document.createElement("canvas"), { width: last ? Math.max(1, width) : next[0], height: last ? Math.max(1, height) : next[1] });
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.fillStyle = "#fff";
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(source, 0, 0, canvas.width, canvas.height);
    if (last) return ctx;
    source = canvas;
  }
}
