// Run button, step buttons, presets and the form of knobs; on small screens the same form slides up as a sheet.
import { int } from "./format.js";
import { icon } from "./icons.js";
import { createKnobs } from "./knobs.js";
import { createLectureBar } from "./lecture.js";

/** @param {HTMLElement} part @param {{phone: HTMLElement, header: HTMLElement}} places @param {object} family @param {object} on commands and `changed` */
export function createControls(part, { phone, header }, family, on) {
  const buttons = part.querySelector(".run-buttons");
  buttons.innerHTML = `<button type="button" class="button primary train"></button><div class="row">${family.parts
    .map((p) => `<button type="button" class="button small grow step-button" data-part-name="${p.part ?? ""}">${p.title}</button>`)
    .join("")}<button type="button" class="button small reset" aria-label="Back to step 0" title="Back to step 0">${icon("reset")}</button></div>
    <button type="button" class="button small cancel-fork" hidden>Do not fork</button>`;
  const train = buttons.querySelector(".train");
  for (const action of family.actions ?? []) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small grow action", textContent: action.title, title: action.about });
    button.addEventListener("click", () => on.action(action));
    buttons.querySelector(".row").prepend(button);
  }
  train.addEventListener("click", press);
  buttons.querySelectorAll(".step-button").forEach((b) => b.addEventListener("click", () => on.step(b.dataset.partName || null)));
  buttons.querySelector(".reset").addEventListener("click", () => on.reset());
  buttons.querySelector(".cancel-fork").addEventListener("click", () => on.cancelFork());
  const presets = part.querySelector(".presets");
  presets.insertAdjacentHTML("beforebegin", '<div class="section">Preset</div>');
  presets.innerHTML = family.presets.map((p) => `<button type="button" role="radio" aria-checked="false" data-preset="${p.key}" title="${p.about}"><span>${p.title}</span><small>${p.expect}</small></button>`).join("");
  presets.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && !button.disabled) on.preset(button.dataset.preset);
  });
  presets.addEventListener("keydown", moveFocus);
  const form = createKnobs(part.querySelector(".knobs"), family.knobs, { onChange: on.changed }, { prefix: `${family.key}-knob-`, matters: family.matters });
  const own = ownData(part, family.own ?? OWN);
  const bar = phoneBar(phone, part, on);
  const lecture = createLectureBar(header, family, on);
  lecture.train.addEventListener("click", press);
  let selected = family.presets[0].key;

  function primary({ store, started, running, forking, changes }) {
    const info = store.active?.info;
    if (forking) return ["fork", `Fork from ${int(forking.step)}`, "train"];
    if (running) return ["pause", store.header.state === "waiting" ? "Leave the line" : "Pause", "pause"];
    if (started && changes.some((k) => !k.live) && !sameRun(info, form.values())) return ["play", "Train again", "train"];
    if (started && info && info.step < info.total && store.header.state !== "diverged") return ["play", `Continue from ${int(info.step)}`, "train"];
    return ["play", started ? "Train again" : "Train", "train"];
  }

  const sameRun = (info, values) => info && Object.entries(values).every(([name, v]) => info.config[name] === v);

  /** One word on three buttons: all do the same. */
  function press() {
    return train.dataset.does === "pause" ? on.pause() : on.train();
  }

  function update(now) {
    const { forking, running, started, mayChange, store } = now;
    const [glyph, words, does] = primary(now);
    for (const button of [train, bar.train, lecture.train]) {
      if (button.dataset.words === words) continue;
      button.innerHTML = `${icon(glyph)}<span>${words}</span>`;
      Object.assign(button.dataset, { words, does });
    }
    const stuck = running || Boolean(forking) || ["diverged", "finished"].includes(store.header.state);
    buttons.querySelectorAll(".step-button").forEach((b) => {
      b.disabled = stuck;
      b.title = running ? "Pause to step" : "One update, slowly";
    });
    buttons.querySelectorAll(".action").forEach((b) => (b.disabled = Boolean(forking)));
    bar.step.disabled = stuck;
    buttons.querySelector(".reset").disabled = !started || running;
    buttons.querySelector(".cancel-fork").hidden = !forking;
    presets.querySelectorAll("button").forEach((b) => {
      b.disabled = running;
      b.title = running ? "Pause to choose a preset" : family.presets.find((p) => p.key === b.dataset.preset).about;
    });
    markPreset(now.changes);
    lecture.update({ selected, changes: now.changes, running });
    form.lock(mayChange, forking ? "A fork keeps this" : "Pause to change");
    own.disabled(running || Boolean(forking));
  }

  /** The chosen preset is bold; what is off it is named in place of the expected result. */
  function markPreset(changes) {
    presets.querySelectorAll("button").forEach((b) => {
      const on = b.dataset.preset === selected;
      b.setAttribute("aria-checked", on);
      b.tabIndex = on ? 0 : -1;
      const expect = family.presets.find((p) => p.key === b.dataset.preset).expect;
      const text = on && changes.length ? `${changes.length} changed` : expect;
      if (b.lastChild.textContent !== text) b.lastChild.textContent = text;
    });
  }

  function moveFocus(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...presets.querySelectorAll("button")];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    next.click();
  }

  return {
    update,
    show(config, usual, kind) {
      form.show(config, usual, kind);
      const match = family.presets.find((p) => Object.entries(p.config).every(([name, v]) => usual[name] === v));
      selected = match?.key ?? null;
    },
    changed: form.changed,
    refuse: form.refuse,
    clearErrors: form.clearErrors,
    unread: form.unread,
    onOwnData: (draw, files) => own.listen(draw, files),
  };
}

const OWN = { make: "Draw your own", upload: "Upload", accept: ".csv,.txt,.png,.jpg,.jpeg,.webp,.zip", about: "Upload points as CSV, or images" };

/** Under the data set: make one's own, or choose files. */
function ownData(part, { make, upload, accept, about }) {
  const row = document.createElement("div");
  row.className = "row own-data";
  row.innerHTML = `<button type="button" class="button small quiet draw-own">${icon("pen")}${make}</button>
    <label class="button small quiet upload-own">${icon("save")}${upload}<input type="file" multiple accept="${accept}" aria-label="${about}"></label>`;
  part.querySelector('[data-knob="dataset"]').append(row);
  return {
    listen(draw, files) {
      row.querySelector(".draw-own").addEventListener("click", draw);
      const input = row.querySelector("input");
      input.addEventListener("change", () => {
        if (input.files.length) files([...input.files]);
        input.value = "";
      });
    },
    disabled: (off) => row.querySelectorAll("button, input").forEach((el) => (el.disabled = off)),
  };
}

function phoneBar(phone, part, on) {
  phone.innerHTML = `<button type="button" class="button primary train"></button><button type="button" class="button step">Step</button><button type="button" class="button sheet-toggle" aria-expanded="false">Controls</button>`;
  const train = phone.querySelector(".train");
  train.addEventListener("click", () => (train.dataset.does === "pause" ? on.pause() : on.train()));
  const step = phone.querySelector(".step");
  step.addEventListener("click", () => on.step(null));
  const toggle = phone.querySelector(".sheet-toggle");
  toggle.addEventListener("click", () => {
    const open = document.body.classList.toggle("sheet-open");
    toggle.setAttribute("aria-expanded", open);
    toggle.textContent = open ? "Close" : "Controls";
  });
  return { train, step };
}
