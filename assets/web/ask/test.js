// A test that a scene runs on request: the answer as it was when it was asked, the seed of its draws, and a button for the next seed.
import { int } from "../format.js";
import { ask, sentence } from "./call.js";

/**
 * @param {{session: object, store: object, question: string, button: HTMLButtonElement, changed: () => void}} test
 * @returns {{update: (about: object) => void, answer: import("../decode.js").Frame|null, refused: string, busy: boolean}}
 *   `answer` belongs to the run of the last `update`, maybe to an earlier step of it
 */
export function createTest({ session, store, question, button, changed }) {
  const test = { update, answer: null, refused: "", busy: false };
  let run = "";
  let seed = 0; // of the next draws
  let started = false;

  async function press() {
    const [mine, draws] = [run, seed];
    Object.assign(test, { busy: true, refused: "" });
    show();
    try {
      const answer = await ask(session, question, { seed: draws }, { branch: session.active, again: press });
      if (mine === run) test.answer = answer;
      if (mine === run) seed = (draws + 1) % 10_000;
    } catch (error) {
      if (mine === run) test.refused = sentence(error);
    }
    test.busy = false;
    show();
    changed();
  }

  function show() {
    button.disabled = !started || test.busy;
    button.textContent = test.busy ? "Drawing…" : test.answer ? `Run again with seed ${int(seed)}` : "Run the test";
  }

  /** The first answer is asked for at once; a run that was begun anew or changed has none yet. */
  function update({ config, started: yes }) {
    const { active, lastStep = 0 } = { active: store.header.active, lastStep: store.active?.lastStep };
    const key = [active, config.dataset, config.seed, config.noise_dim, config.objective].join();
    if (key !== run || (test.answer && lastStep < test.answer.step)) Object.assign(test, { answer: null, refused: "" }), (seed = 0);
    run = key;
    started = yes;
    show();
    if (started && !test.answer && !test.refused && !test.busy) press();
  }

  button.addEventListener("click", press);
  return test;
}
