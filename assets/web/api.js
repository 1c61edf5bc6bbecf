// The page's side of a session: open or reattach, send commands, pull what is new. No drawing here.
import { decodeFrame, decodePull, decodeTrial } from "./decode.js";
import { claim, keptForTab } from "./kept.js";

const BASE = new URL("play/", document.baseURI);
const WAIT = 15; // seconds the server may hold a pull when nothing is new
const PATIENCE = 30; // seconds that a call may wait for its turn where the server says when to ask again
const LONGEST = 8; // seconds between two tries to be let in

/** A command the server refused: one sentence, and the knob it is about. */
export class Refused extends Error {
  constructor({ error, field }) {
    super(error || "The server did not accept this");
    this.field = field;
  }
}

/** The static description of every family. */
export async function fetchSchema() {
  const reply = await patiently("schema", {});
  if (!reply.ok) throw new Error(`The server answered ${reply.status}`);
  return reply.json();
}

/** Overrides -> the full configuration with what is recommended for their data and loss; throws Refused. */
export const resolve = (family, settings) => post("resolve", { family, settings });

async function post(path, body, headers = {}, patience = PATIENCE) {
  const raw = typeof body === "string" || body instanceof FormData || body instanceof Blob;
  const type = body instanceof FormData ? {} : { "Content-Type": raw ? "text/csv" : "application/json" };
  const options = { method: "POST", headers: { ...type, ...headers }, body: raw ? body : JSON.stringify(body) };
  const reply = await patiently(path, options, patience);
  if (!reply.ok) throw await refusal(reply);
  return reply.json();
}

/** What the server says when it refuses, `again` seconds before it may be asked once more. */
async function refusal(reply) {
  const answer = await reply.json().catch(() => ({ error: `The server answered ${reply.status}` }));
  const { status, headers } = reply;
  return Object.assign(new Refused(answer), { status, answer, again: Number(headers.get("Retry-After")) || null });
}

/** Ask, and where the server has too much to do, ask again when it says so, for at most `patience` seconds. */
async function patiently(path, options, patience = PATIENCE) {
  const end = performance.now() + 1000 * patience;
  for (;;) {
    const reply = await fetch(new URL(path, BASE), options);
    const seconds = [429, 503].includes(reply.status) ? Number(reply.headers.get("Retry-After")) : 0;
    if (!(seconds > 0) || performance.now() + 1000 * seconds > end) return reply;
    await pause(seconds * (1 + Math.random() / 4), options.signal); // not all at the same moment
  }
}

function pause(seconds, signal) {
  return new Promise((go, stop) => {
    setTimeout(go, 1000 * seconds);
    signal?.addEventListener("abort", () => stop(signal.reason), { once: true });
  });
}

/** One visitor's session with one family. The token lives in this browser tab, so a reload finds the run again. */
export class Session {
  constructor(family) {
    this.family = family;
    this.key = `playground-${family}`;
    this.since = 0;
    this.active = null; // name of the run that is known as the active one
    this.stopped = false;
    this.inside = null; // a promise: of the session that commands belong to
    this.onWait = null;
    this.film = false; // every picture is wanted, not only the newest: the run is over before it can be watched
  }

  /** Ask for a session, the old one if it still exists, until there is one: a house that is full or a server that is away is no reason
   *  to give up. `onWait({message, place})` is told meanwhile, `onWait(null)` once inside; commands wait for that.
   *  @returns {Promise<boolean>} whether a run was found again */
  open() {
    const entry = this.enter();
    this.inside = entry.catch(() => {});
    return entry;
  }

  async enter() {
    const known = this.token ?? keptForTab.get(this.key);
    const mine = known && (await claim(known)); // a duplicated tab begins with the other's
    for (let tries = 0, ticket = null; ; tries++) {
      try {
        const body = { family: this.family, token: mine ? known : null, ...(ticket ? { ticket } : {}) };
        const answer = await post("open", body, {}, 0);
        await claim(answer.token);
        this.token = answer.token;
        this.since = 0;
        keptForTab.set(this.key, answer.token);
        if (tries) this.onWait?.(null);
        return answer.resumed;
      } catch (error) {
        if (!(error instanceof TypeError || [429, 502, 503, 504].includes(error.status))) throw error;
        ticket = error.answer?.ticket ?? ticket;
        const away = "The server cannot be reached just now.";
        this.onWait?.({ message: error instanceof Refused ? error.message : away, place: error.answer?.place ?? null });
        await pause((error.again ?? Math.min(LONGEST, 2 ** tries)) * (1 + Math.random() / 4));
      }
    }
  }

  /** Send a command; throws Refused. */
  async act(what, details = {}) {
    await this.inside;
    return post("act", { do: what, ...details }, { "X-Session": this.token });
  }

  /** A whole short run with other settings, of which nothing is kept. @returns {Promise<{rows: object[], frame: object}>} */
  async whatIf(settings) {
    return decodeTrial(await this.bytes("what-if", { settings }));
  }

  /** The end of a whole run with other settings, as if it had been trained here, or with `foresee` how many seconds it takes; throws
   *  Refused. Ending the `signal` gives it up. @returns {Promise<import("./decode.js").Whole>} */
  async exact(settings, { foresee = false, signal } = {}) {
    return decodeTrial(await this.bytes("what-if", { settings, exact: true, foresee }, signal));
  }

  /** One of the family's questions about a run, the one that the page knows as active, as it is now; throws Refused, 204 if that run
   *  is gone. @returns {Promise<import("./decode.js").Frame>} */
  async ask(question, values = {}, branch = this.active, signal = undefined) {
    return decodeFrame(await this.bytes("ask", { question, values, ...(branch ? { branch } : {}) }, signal));
  }

  /** Single steps `step` to `step + count − 1` of a branch, made again. @returns {Promise<{header: {rows: object[]}, frames: object[]}>} */
  async closer(branch, step, count) {
    return decodePull(await this.bytes("closer", { branch, step, count }));
  }

  /** Codes of a VQ-VAE become this session's own data: of the run of the session `source`, or of the one that comes with the project. */
  async codes(source = null) {
    return decodeFrame(await this.bytes("codes", { source }));
  }

  /** n grids that the run draws, through the decoder of that VQ-VAE. */
  async decoded(n, seed) {
    return decodeFrame(await this.bytes("decoded", { n, seed }));
  }

  /** Ask the worker something; throws Refused. */
  async bytes(path, body, signal) {
    await this.inside;
    const headers = { "X-Session": this.token, "Content-Type": "application/json" };
    const reply = await patiently(path, { method: "POST", headers, body: JSON.stringify(body), signal });
    const replaced = "The run that this was asked about has been replaced.";
    if (reply.status === 204) throw Object.assign(new Refused({ error: replaced }), { status: 204 });
    if (!reply.ok) throw await refusal(reply);
    return reply.arrayBuffer();
  }

  /** The page closes: its run may wait sooner than the half minute a hidden page is given. */
  leave() {
    if (!this.token) return;
    const headers = { "X-Session": this.token, "Content-Type": "application/json" };
    fetch(new URL("act", BASE), { method: "POST", keepalive: true, headers, body: '{"do":"leave"}' }).catch(() => {});
  }

  /** Send the visitor's own data: {points}, CSV text, a FormData of files, or {text} to learn to write. */
  async upload(data) {
    await this.inside;
    return post(data.text == null || data instanceof FormData ? "data" : "text", data, { "X-Session": this.token });
  }

  /** Pull for ever. `on.news(pull)` gets what is new, `on.offline(seconds)` how long until the next try, `on.lost()` a session
   *  the server no longer knows. Each pull asks for the newest only, so a slow page never falls behind. */
  async follow(on) {
    let failures = 0;
    while (!this.stopped) {
      await visible();
      try {
        const pull = await this.pull(this.film || this.since === 0);
        failures = 0;
        this.since = pull.header.seq;
        this.active = pull.header.active;
        on.news(pull);
      } catch (error) {
        if (error.status === 404) {
          await on.lost();
          continue;
        }
        const seconds = Math.min(8, 2 ** failures++);
        on.offline(seconds);
        await new Promise((go) => {
          this.retry = go;
          setTimeout(go, seconds * 1000);
        });
      }
    }
  }

  async pull(history) {
    const query = new URLSearchParams({ since: this.since, history: history ? 1 : 0, wait: WAIT });
    const reply = await patiently(`pull?${query}`, { headers: { "X-Session": this.token } });
    if (!reply.ok) throw Object.assign(new Error(`pull answered ${reply.status}`), { status: reply.status });
    return decodePull(await reply.arrayBuffer());
  }
}

/** A hidden page asks for nothing: after 30 s the server lets its run wait. */
function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
}
