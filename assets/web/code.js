// The lines of engine code that just ran: G's loss or D's, as they stand in the source, with the measured values beside them.
import { fmt } from "./format.js";

const STEPS = [
  ["g", "generator step"],
  ["d", "discriminator step"],
];

/** @param {HTMLElement} part @param {Record<string, object[]>} code "objective/g" and "/d" -> pieces of source */
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
    const sources = code[`${now.objective}/${which}`];
    const loss = now.values[`${which}_loss`];
    const grad = now.values[`${which}_grad_norm`];
    const key = [now.objective, which, loss, grad].join();
    if (key === shown) return;
    shown = key;
    title.textContent = sources.map((s) => `${s.file.split("/").at(-1)}:${s.line}`).join(", ");
    const value = loss == null ? "" : `  # ${fmt(loss, 3)}`;
    pre.replaceChildren(...sources.flatMap((s, i) => [...lines(s.code, i === 0 ? value : "", grad), "\n"]));
  }

  /** Lines with their comments dimmed; the line that gives the loss is marked and carries its value, so does the gradient's. */
  function* lines(text, value, grad) {
    for (const line of text.split("\n")) {
      const at = line.startsWith("#") ? 0 : line.indexOf("  #");
      const row = document.createElement("span");
      row.append(at < 0 ? line : line.slice(0, at));
      if (at >= 0) row.append(comment(line.slice(at)));
      if (value && line.trim().startsWith("return")) {
        row.className = "running";
        row.append(comment(value));
      } else if (grad != null && line.includes("_grad_norm(")) row.append(comment(`  # ${fmt(grad, 3)}`));
      yield row;
      yield "\n";
    }
  }

  return { update };
}

const comment = (text) => Object.assign(document.createElement("span"), { className: "comment", textContent: text });
