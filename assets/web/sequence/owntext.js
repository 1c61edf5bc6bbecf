// A text of the visitor's own to train on: pasted or out of a file, measured by the server before anything is trained. Pictures go there
// as they are.
import { int } from "../format.js";
import { icon } from "../icons.js";

const LEAST = 1_000; // characters
const MOST = 1_000_000; // bytes
const HTML = `<div class="own-text-plate"><h3>${icon("pen")}Train on your own text</h3><p class="said"></p>
  <textarea aria-label="Your text" placeholder="Paste a text here" spellcheck="false"></textarea>
  <div class="row"><button type="button" class="button primary use" disabled>Use this text</button><label class="button small file">Choose a file<input type="file" accept=".txt,.md,.csv,.py,text/plain" aria-label="A text file"></label><button type="button" class="button small quiet cancel">Cancel</button><output></output></div></div>`;

/** @param {HTMLElement} stage the stage part @param {{upload: (data: any) => Promise<object>}} on */
export function createOwnText(stage, on) {
  const sheet = Object.assign(document.createElement("div"), { className: "drawing own-text", hidden: true, innerHTML: HTML });
  stage.querySelector(".stage-canvas").after(sheet);
  const find = (selector) => sheet.querySelector(selector);
  const [area, use, out, said] = ["textarea", ".use", "output", ".said"].map(find);
  const usual = `From ${int(LEAST)} characters to 1 MB of UTF-8. A tenth is held out; nobody else sees it, and it is gone when your session ends.`;
  let before = document.body;

  function count() {
    const bytes = new Blob([area.value]).size;
    const length = Array.from(area.value).length;
    use.disabled = length < LEAST || bytes > MOST;
    out.textContent = length ? `${int(length)} characters${length < LEAST ? `, ${int(LEAST - length)} to go` : bytes > MOST ? ", too many" : ""}` : "";
  }

  function say(words, bad = false) {
    said.textContent = words;
    said.classList.toggle("field-error", bad);
  }

  function open() {
    before = document.activeElement;
    sheet.hidden = false;
    say(usual);
    count();
    area.focus();
  }

  function close() {
    sheet.hidden = true;
    before?.focus?.();
  }

  async function send(data) {
    use.disabled = true;
    try {
      await on.upload(data);
      close();
    } catch (error) {
      sheet.hidden = false;
      count();
      say(error.message, true);
    }
  }

  /** One text file is shown before it is used, anything else goes as pictures. */
  async function files(list) {
    const text = list.find((f) => /^text\/|\.(txt|md|csv|py)$/i.test(f.type || f.name));
    if (!text) {
      const form = new FormData();
      for (const file of list) form.append("files", file);
      return send(form);
    }
    if (sheet.hidden) open();
    if (text.size > MOST) return say(`${text.name} has ${int(text.size)} bytes, at most ${int(MOST)} are taken.`, true);
    area.value = await text.text();
    return count();
  }

  area.addEventListener("input", count);
  area.addEventListener("keydown", (event) => event.key !== "Escape" && event.stopPropagation());
  find(".file input").addEventListener("change", (event) => (files([...event.target.files]), (event.target.value = "")));
  find(".cancel").addEventListener("click", close);
  use.addEventListener("click", () => send({ text: area.value }));
  sheet.addEventListener("keydown", (event) => event.key === "Escape" && close());

  return { open, close, files };
}
