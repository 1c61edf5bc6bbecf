// The lines of engine code that just ran: of each step of a round its loss, as it stands in the source, with the measured values beside it.
import { fmt } from "./format.js";

/**
 * @param {HTMLElement} part
 * @param {Record<string, object[]>} code "objective/step" -> pieces of source
 * @param {{key: string, title: string, loss: string, grad: string}[]} steps of one round, with the metrics of each
 */
export function createCodePanel(part, code, steps) {
  part.innerHTML = `<div class="head"><span class="title"></span><span class="tabs">${steps.map(({ key, title }, i) => `<button type="button" data-step="${key}" aria-pressed="${i === 0}">${title}</button>`).join("")}</span></div><pre class="code" tabindex="0"></pre>`;
  const title = part.querySelector(".title");
  const pre = part.querySelector("pre");
  let which = steps[0].key;
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
    const about = steps.find((step) => step.key === which);
    const [loss, grad] = [now.values[about.loss], now.values[about.grad]];
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
