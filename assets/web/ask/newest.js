// One question at a time: of those asked while it is under way only the newest is sent.

/**
 * @template Q, A
 * @param {(question: Q) => Promise<A>} ask
 * @param {{answer: (answer: A, question: Q) => void, refuse: (error: Error, question: Q) => void}} on
 * @param {number} pause ms from one question to the next, at least: the server answers so many a second, and no more
 * @returns {(question: Q) => Promise<void>} settles when this question is answered, refused or overtaken by a newer one
 */
export function createNewest(ask, on, pause = 0) {
  let busy = false;
  let waiting = null; // {question, done}

  async function send(question) {
    busy = true;
    const begun = performance.now();
    try {
      on.answer(await ask(question), question);
    } catch (error) {
      on.refuse(error, question);
    }
    await new Promise((go) => setTimeout(go, Math.max(0, pause - (performance.now() - begun))));
    busy = false;
    const next = waiting;
    waiting = null;
    if (next) send(next.question).then(next.done);
  }

  return (question) => {
    if (!busy) return send(question);
    waiting?.done();
    return new Promise((done) => (waiting = { question, done }));
  };
}
