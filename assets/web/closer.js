// Single steps of a run that was seen only now and then: they are made again from the checkpoint before and put between the pictures
// that are there.

const AHEAD = 12; // steps asked for at once

/** @param {{session: object, store: object, refuse: (error: Error) => void, redraw: () => void}} lab */
export function createCloser({ session, store, refuse, redraw }) {
  const asked = new Map(); // "branch/first step" -> promise

  const there = (owner, step) => owner?.frameAt(step)?.s === step;

  function ask(owner, step) {
    const key = `${owner.info.id}/${step}`;
    if (!asked.has(key)) {
      const answer = session.closer(owner.info.id, step, AHEAD).then(({ header, frames }) => {
        for (const { s, m } of header.rows) owner.fine.set(s, m);
        for (const { s, frame } of frames) owner.addFrame(s, frame);
      });
      asked.set(key, answer.catch(refuse).finally(() => (asked.delete(key), redraw())));
    }
    return asked.get(key);
  }

  /** Resolves once there is a picture of exactly this step of the active line; to false if it cannot be had. */
  return async function need(step) {
    const owner = store.owner(step);
    if (!owner) return false;
    if (!there(owner, step)) await ask(owner, step);
    const soon = step + 4;
    if (soon < owner.lastStep && !there(owner, soon) && there(owner, step)) ask(owner, firstMissing(owner, step));
    return there(owner, step);
  };

  function firstMissing(owner, step) {
    let missing = step + 1;
    while (there(owner, missing)) missing++;
    return missing;
  }
}
