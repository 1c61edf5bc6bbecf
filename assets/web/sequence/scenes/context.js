// How much does more context help? The mean surprise of held-out tokens by how many came before them in the window, beside counts of few.
import { fixed, int } from "../../format.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { createChart } from "./chart.js";
import { NAMES, baselines, defineScene, tell } from "./kit.js";

const WIDTH = 1.3; // a mean is taken over so much of the context, as a factor: far back there are few new places
const HTML = `<h3>Loss against context used <small>held-out text, nats per token</small></h3><div class="plot"></div>`;

/** Means over stretches that grow with the place, so that a logarithmic axis shows them evenly. */
export function smoothed(x, y) {
  const out = { x: [], y: [] };
  for (let i = 0; i < x.length; ) {
    let j = i;
    while (j < x.length && (j === i || x[j] < x[i] * WIDTH)) j++;
    const part = y.slice(i, j);
    out.x.push(Math.sqrt(x[i] * x[j - 1]));
    out.y.push(part.reduce((a, b) => a + b, 0) / part.length);
    i = j;
  }
  return out;
}

function start({ container, find, say }, { session, store }) {
  const chart = createChart(find(".plot"), "Loss against context used");
  const asking = createAsking({ session, store }, "context", { show, stale: 3000 });
  let about = null;

  const curve = () => view(asking.frame, "context")?.arrays ?? null;
  const levels = () => (about.config.tokens === "bpe" ? [] : baselines(about.backdrop).filter(({ name }) => name !== "gzip"));

  function show() {
    if (!about) return;
    const c = curve();
    const even = c && smoothed(c.x, c.y);
    chart.update(c && { xName: "tokens seen before, log", yName: "nats per token", xLog: true, twice: true, lines: [{ x: c.x, y: c.y, color: "lineStrong", width: 1 }, { ...even, color: "accent", dots: true, label: NAMES[about.config.model] }], levels: levels().map(({ name, value }) => ({ y: value, label: `${name} ${fixed(value, 2)}` })) });
    say(asking.refused || sentence(c, even), asking.refused);
    tell(container, { step: asking.frame?.step, first: c?.y[0], last: even?.y.at(-1) });
  }

  function sentence(c, even) {
    if (!c) return "Reading the held-out text.";
    const first = even.y[0];
    const least = Math.min(...even.y);
    const at = even.y.indexOf(least);
    const half = even.x[even.y.findIndex((v) => first - v >= (first - least) / 2)];
    const windows = asking.frame.metrics.windows;
    const still = at >= even.y.length - 2 ? "more context still helps at the end of the window" : "what lies further back does not help it";
    if (first - least < 0.02) return `${elsewhere(store, asking.frame)}Context makes no difference here: ${fixed(first, 2)} nats after one token, at best ${fixed(least, 2)} after ${int(even.x[at])}. Step ${int(asking.frame.step)}, n ${int(windows)} windows.`;
    return `${elsewhere(store, asking.frame)}After one token a held-out token costs ${fixed(first, 2)} nats, and ${fixed(least, 2)} at the lowest, after ${int(even.x[at])}: half of the gain is there after ${int(half)}, and ${still}. Step ${int(asking.frame.step)}, n ${int(windows)} windows, training seed ${int(about.config.seed)}.`;
  }

  return {
    update(next) {
      about = next;
      if (asking.renew(next) && ready(store)) asking.ask({});
      else asking.again();
      show();
    },
  };
}

export const { title, kinds, create } = defineScene({
  title: "Context used",
  kinds: ["text"],
  html: HTML,
  start,
  empty: "Nothing trained yet. Train, and the loss is read off by how much came before.",
});
