// The right side of the run header: state, step, speed, time left, seed, device.
import { duration, int } from "./format.js";
import { icon } from "./icons.js";

const WORDS = { empty: "Ready", waiting: "In line", starting: "Starting", running: "Training", paused: "Paused", finished: "Finished", diverged: "Stopped" };

/** @param {HTMLElement} part */
export function createHeader(part) {
  const box = part.querySelector(".status");
  box.innerHTML = `<span class="state"><i class="dot"></i> <b></b></span><span class="step"></span><span class="rate"></span><span class="left wide"></span><span class="seed wide"></span><span class="device wide">${icon("cpu")}<span></span></span>`;
  const at = (name) => box.querySelector(name);
  return {
    update(store, config, { whatIf = null, pending = null } = {}) {
      const { header, active } = store;
      const state = store.offline != null ? "offline" : store.door ? "waiting" : header.state;
      const replay = store.horizon != null && state !== "offline";
      at(".state b").textContent = state === "offline" ? "Reconnecting" : whatIf ? "What if" : pending ? "Waiting" : replay ? "Replay" : WORDS[state];
      at(".state").dataset.state = state;
      at(".step").innerHTML = `step <b>${int(whatIf ? whatIf.step : replay ? store.told : (active?.info.step ?? 0))}</b> of ${int(active?.info.total ?? config.steps)}`;
      const running = state === "running" && !replay;
      at(".rate").textContent = running && active?.info.rate ? `${int(active.info.rate)} it/s` : "";
      at(".left").textContent = running && active?.info.seconds_left != null ? `${duration(active.info.seconds_left)} left` : "";
      at(".seed").textContent = `seed ${config.seed}`;
      at(".device span").textContent = `${header.device ?? "CPU"}${header.engine ? `, ${header.engine}` : ""}`;
    },
  };
}
