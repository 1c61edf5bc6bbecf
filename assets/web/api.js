// The page's side of a session: open or reattach, send commands, pull what is new. No drawing here.
import { decodeFrame, decodePull, decodeTrial } from "./decode.js";
import { claim, keptForTab } from "./kept.js";

const BASE = new URL("play/", document.baseURI);
const WAIT = 15; // seconds the server may hold a pull when nothing is new

/** A command the server refused: one sentence, and the knob it is about. */
export class Refused extends Error {
  constructor({ error, field }) {
    super(error || "The server did not accept this");
    this.field = field;
  }
}

/** The static description of every family. */
export const fetchSchema = async () => (await fetch(new URL("schema", BASE))).json();

/** Overrides -> the full configuration with what is recommended for their data and loss; throws Refused. */
export const resolve = (family, settings) => post("resolve", { family, settings });

async function post(path, body, headers = {}) {
  const raw = typeof body === "string" || body instanceof FormData || body instanceof Blob;
  const type = body instanceof FormData ? {} : { "Content-Type": raw ? "text/csv" : "application/json" };
  const reply = await fetch(new URL(path, BASE), { method: "POST", headers: { ...type, ...headers }, body: raw ? body : JSON.stringify(body) });
  const answer = await reply.json().catch(() => ({ error: `The server answered ${reply.status}` }));
  if (!reply.ok) throw Object.assign(new Refused(answer), { status: reply.status });
  return answer;
}

/** One visitor's session with one family. The token lives in this browser tab, so a reload finds the run again. */
export class Session {
  constructor(family) {
    this.family = family;
    this.key = `playground-${family}`;
    this.since = 0;
    this.active = null; // name of the run that is known as the active one
    this.stopped = false;
    this.film = false; // every picture is wanted, not only the newest: the run is over before it can be watched
  }

  /** Ask for a session, the old one if it still exists. @returns {Promise<boolean>} whether a run was found again */
  async open() {
    const known = this.token ?? keptForTab.get(this.key);
    const mine = known && (await claim(known)); // a duplicated tab begins with the other's
    const answer = await post("open", { family: this.family, token: mine ? known : null });
    await claim(answer.token);
    this.token = answer.token;
    this.since = 0;
    keptForTab.set(this.key, answer.token);
    return answer.resumed;
  }

  /** Send a command; throws Refused. */
  act(what, details = {}) {
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

  /** One of the family's questions about a run, the one that the page knows as active, as it is now; throws Refused, 204 if that run is gone. @returns {Promise<import("./decode.js").Frame>} */
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
    const headers = { "X-Session": this.token, "Content-Type": "application/json" };
    const reply = await fetch(new URL(path, BASE), { method: "POST", headers, body: JSON.stringify(body), signal });
    if (reply.status === 204) throw Object.assign(new Refused({ error: "The run that this was asked about has been replaced." }), { status: 204 });
    if (!reply.ok) throw Object.assign(new Refused(await reply.json().catch(() => ({ error: `The server answered ${reply.status}` }))), { status: reply.status });
    return reply.arrayBuffer();
  }

  /** The page closes: its run may wait sooner than the half minute a hidden page is given. */
  leave() {
    const headers = { "X-Session": this.token, "Content-Type": "application/json" };
    fetch(new URL("act", BASE), { method: "POST", keepalive: true, headers, body: '{"do":"leave"}' }).catch(() => {});
  }

  /** Send the visitor's own data: {points}, CSV text, a FormData of files, or {text} to learn to write. */
  upload(data) {
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
    const url = new URL("pull", BASE);
    url.search = new URLSearchParams({ since: this.since, history: history ? 1 : 0, wait: WAIT });
    const reply = await fetch(url, { headers: { "X-Session": this.token } });
    if (!reply.ok) throw Object.assign(new Error(`pull answered ${reply.status}`), { status: reply.status });
    return decodePull(await reply.arrayBuffer());
  }
}

/** A hidden page asks for nothing: after 30 s the server lets its run wait. */
function visible() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((go) => document.addEventListener("visibilitychange", go, { once: true }));
}
