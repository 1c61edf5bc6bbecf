// Draw your own distribution: strokes on the stage become points; files become points or images on the server.
import { icon } from "./icons.js";

const RANGE = 2; // the sheet spans -2..2 in both directions, in data units
const SPREAD = 0.04; // each stroke is a soft brush, this wide in data units
const PER_EVENT = 6; // points laid down each time the pointer moves

/** @param {HTMLElement} stage the stage part @param {{upload: (data: any) => Promise<object>}} on */
export function createDrawing(stage, on) {
  const sheet = document.createElement("div");
  sheet.className = "drawing";
  sheet.hidden = true;
  sheet.innerHTML = `<canvas tabindex="0" role="img" aria-label="Drawing sheet: drag to lay down points"></canvas><div class="drawing-plate"><h3>${icon("pen")}Draw with the pointer</h3><p>Every stroke lays down points. At least 10 are needed.</p><div class="row"><button type="button" class="button primary use" disabled>Use these points</button><button type="button" class="button small clear">Clear</button><button type="button" class="button small quiet cancel">Cancel</button><output></output></div></div>`;
  stage.querySelector(".stage-canvas").after(sheet);
  const canvas = sheet.querySelector("canvas");
  const text = sheet.querySelector("p");
  const out = sheet.querySelector("output");
  const use = sheet.querySelector(".use");
  let points = [];
  let before = document.body;

  const gauss = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  const unit = () => Math.min(canvas.clientWidth, canvas.clientHeight) / (2 * RANGE);

  function lay(event) {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left - box.width / 2) / unit();
    const y = (box.height / 2 - (event.clientY - box.top)) / unit();
    for (let i = 0; i < PER_EVENT && points.length < 5000; i++) points.push([+(x + SPREAD * gauss()).toFixed(4), +(y + SPREAD * gauss()).toFixed(4)]);
    draw();
  }

  function draw() {
    const d = devicePixelRatio || 1;
    canvas.width = canvas.clientWidth * d;
    canvas.height = canvas.clientHeight * d;
    const c = canvas.getContext("2d");
    c.scale(d, d);
    axes(c);
    c.fillStyle = getComputedStyle(canvas).getPropertyValue("--data");
    for (const [x, y] of points) {
      c.beginPath();
      c.arc(canvas.clientWidth / 2 + x * unit(), canvas.clientHeight / 2 - y * unit(), 2.2, 0, 7);
      c.fill();
    }
    use.disabled = points.length < 10;
    out.textContent = points.length ? `${points.length} points` : "";
  }

  /** Hairlines through whole numbers, so that a drawing has a size. */
  function axes(c) {
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    c.strokeStyle = getComputedStyle(canvas).getPropertyValue("--line");
    c.beginPath();
    for (let v = -5; v <= 5; v++) {
      c.moveTo(Math.round(w / 2 + v * unit()) + 0.5, 0);
      c.lineTo(Math.round(w / 2 + v * unit()) + 0.5, h);
      c.moveTo(0, Math.round(h / 2 - v * unit()) + 0.5);
      c.lineTo(w, Math.round(h / 2 - v * unit()) + 0.5);
    }
    c.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    lay(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && lay(event));
  sheet.querySelector(".clear").addEventListener("click", () => ((points = []), draw()));
  sheet.querySelector(".cancel").addEventListener("click", close);
  sheet.addEventListener("keydown", (event) => event.key === "Escape" && close());
  use.addEventListener("click", () => send({ points }));

  function open() {
    before = document.activeElement;
    sheet.hidden = false;
    say("Every stroke lays down points. At least 10 are needed.");
    draw();
    canvas.focus();
  }

  function close() {
    sheet.hidden = true;
    before?.focus?.();
  }

  function say(words, bad = false) {
    text.textContent = words;
    text.classList.toggle("field-error", bad);
  }

  async function send(data) {
    try {
      await on.upload(data);
      close();
    } catch (error) {
      sheet.hidden = false;
      draw();
      say(error.message, true);
    }
  }

  /** Files from the form: one CSV or text file of points, otherwise images. */
  async function files(list) {
    const table = list.find((f) => /\.(csv|txt)$/i.test(f.name));
    if (table) return send(await table.text());
    const form = new FormData();
    for (const file of list) form.append("files", file);
    return send(form);
  }

  return { open, close, files };
}
