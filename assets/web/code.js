// The lines of engine code that just ran: G's loss or D's, as they stand in the source, with the measured values beside them.
import { fmt } from "./format.js";

const STEPS = [
  ["g", "generator step"],
  ["d", "discriminator step"],
];

/** @param {HTMLElement} part @param {Record<string, object[]>} code objective -> [G's function, D's function] */
export function createCodePanel(part, code) {
  part.innerHTML = `<div class="head"><span class="title"></span><span class="tabs">${STEPS.map(([key, words], i) => `<button type="button" data-step="${key}" aria-pressed="${i === 0}">${words}</button>`).join("")}</span></div><pre class="code" tabindex="0"></pre>`;
  const title = part.querySelector(".title");
  const pre = part.querySelector("pre");
  let which = "g";
  let last = null;
  part.querySelector(".tabs").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    which = button.dataset.step;
    part.querySelectorAll(".tabs button").forEach((b) => b.setAttribute("aria-pressed", b === button));
    if (last) update(last);
  });

  let shown = "";
  function update(now) {
    last = now;
    const [source] = code[now.objective].slice(which === "g" ? 0 : 1);
    const loss = now.values[`${which}_loss`];
    const grad = now.values[`${which}_grad_norm`];
    const key = [now.objective, which, loss, grad].join();
    if (key === shown) return;
    shown = key;
    title.textContent = `${source.file.split("/").at(-1)}, line ${source.line}`;
    pre.replaceChildren();
    if (source.paper) pre.append(comment(`# ${source.paper}\n`));
    for (const line of source.code.split("\n")) {
      const at = line.indexOf("  #");
      const row = document.createElement("span");
      row.append(at < 0 ? line : line.slice(0, at));
      if (at >= 0) row.append(comment(line.slice(at)));
      if (line.trim().startsWith("return")) {
        row.className = "running";
        if (loss != null) row.append(comment(`  # ${fmt(loss, 3)}${grad != null ? `, |∇| ${fmt(grad, 3)}` : ""}`));
      }
      pre.append(row, "\n");
    }
  }

  return { update };
}

const comment = (text) => Object.assign(document.createElement("span"), { className: "comment", textContent: text });
