// One question to a model, on its way: the only place from which the page asks a worker. It knows how long this question usually takes, asks
// again where the server says that it will do better in a moment, can be given up, and is listed while it is under way, so that one strip on
// the stage shows every wait.
const PASSING = [404, 429, 503]; // answers of a server that will do better in a moment
const GONE = 204; // the run that was asked about has been replaced
const STOPPED = 499; // as servers log a request that was given up
const TRIES = 4; // beyond the patience that the transport has by itself where the server names a time
const PAUSE = 800; // ms before the second try, where the server names no time; longer from try to try
const LONGEST = 15_000; // ms
const CALLS = new WeakMap(); // session -> its calls
const took = new Map(); // family and question -> ms of the last answer

/** A question that the visitor gave up. */
export class Stopped extends Error {
  constructor() {
    super("Stopped waiting.");
    this.status = STOPPED;
  }
}

/** The calls of one session: those under way, and the last that was given up or refused. */
class Calls {
  underWay = new Set();
  failed = null; // {question, words, again}
  changed = () => {};

  stop() {
    for (const call of [...this.underWay].filter((c) => !c.quiet)) call.stop();
  }
}

export function callsOf(session) {
  if (!CALLS.has(session)) CALLS.set(session, new Calls());
  return CALLS.get(session);
}

/**
 * Ask. Throws Refused; with status 204 where the run is gone, of which nothing needs to be said.
 * @param {object} session @param {string} question @param {object} values
 * @param {{branch?: string|null, quiet?: boolean, again?: () => void}} [how] `branch` the run that is meant, else whichever is the active one when
 *   it is asked, also after another took its place; `quiet` where an older answer stays in sight; `again` asks the same once more
 * @returns {Promise<import("../decode.js").Frame>}
 */
export async function ask(session, question, values = {}, { branch, quiet = false, again = null } = {}) {
  const calls = callsOf(session);
  const ended = new AbortController();
  const name = `${session.family} ${question}`;
  const call = { question, quiet, since: performance.now(), usual: took.get(name) ?? null, tries: 1, stop: () => ended.abort() };
  calls.underWay.add(call);
  if (calls.failed?.question === question) calls.failed = null;
  calls.changed();
  try {
    for (;;) {
      const begun = performance.now();
      try {
        const frame = await session.ask(question, values, branch === undefined ? session.active : branch, ended.signal);
        took.set(name, performance.now() - begun);
        return frame;
      } catch (error) {
        if (ended.signal.aborted) throw new Stopped();
        if (!passing(error, branch) || call.tries === TRIES) throw error instanceof TypeError ? unreached(error) : error;
        call.tries++;
        await rest(error.again ? 1000 * error.again : Math.min(LONGEST, PAUSE * 2 ** (call.tries - 2)), ended.signal);
      }
    }
  } catch (error) {
    const given = error instanceof Stopped;
    if (!quiet && again && (given || passing(error))) calls.failed = { question, words: given ? "Stopped waiting." : sentence(error), again };
    throw error;
  } finally {
    calls.underWay.delete(call);
    calls.changed();
  }
}

/** A network that fails, a server that is busy; and a run just replaced, where any run will do. */
function passing(error, branch = null) {
  return error instanceof TypeError || PASSING.includes(error.status) || (error.status === GONE && branch === undefined);
}

const unreached = (cause) => Object.assign(new Error("The server cannot be reached just now.", { cause }), { status: 503 });

/** Wait, unless it is given up meanwhile. */
function rest(ms, signal) {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), stop(new Stopped())), { once: true });
  });
}

/** What a refusal says, as a sentence; the name of a setting at its beginning keeps its case. */
export const sentence = (error) => error.message.replace(/^[a-z](?![\w]*=)/, (letter) => letter.toUpperCase());
