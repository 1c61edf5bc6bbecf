// What a browser may keep for a page, and may refuse to: storage, the clipboard, and whose a session is. Where it refuses, memory serves
// until the page is left; nothing else on the page asks the browser for any of this.

const CLAIM = 500; // ms in which a page that is just being left lets go of its session

/** One of the browser's stores with a memory behind it. @param {"localStorage"|"sessionStorage"} name */
function keeper(name) {
  const memory = new Map();
  const store = () => {
    try {
      return window[name]; // reading the property alone may throw
    } catch {
      return null;
    }
  };
  return {
    /** @returns {string|null} */
    get(key) {
      try {
        return memory.get(key) ?? store()?.getItem(key) ?? null;
      } catch {
        return memory.get(key) ?? null;
      }
    },
    set(key, value) {
      memory.set(key, value);
      try {
        store()?.setItem(key, value);
      } catch {
        return; // full or refused: memory has it
      }
    },
  };
}

/** Kept for all visits, and kept for this browser tab. */
export const kept = keeper("localStorage");
export const keptForTab = keeper("sessionStorage");

/** Put a text on the clipboard. @returns {Promise<boolean>} whether it is there */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text); // absent where the page is not secure, refused in some frames
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The old way, which needs no permission but a selection. */
function copySelected(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true });
  Object.assign(field.style, { position: "fixed", top: 0, opacity: 0 });
  const before = document.activeElement;
  document.body.append(field);
  field.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    done = false;
  }
  field.remove();
  before?.focus?.();
  return done;
}

const mine = new Set(); // what this page has claimed
const channel = "BroadcastChannel" in window ? openChannel() : null;

/** Other pages ask here whether a name is taken: the way where the page is not secure and has no locks. */
function openChannel() {
  try {
    const open = new BroadcastChannel("playground");
    open.addEventListener("message", ({ data }) => data.asks && mine.has(data.asks) && open.postMessage({ taken: data.asks }));
    return open;
  } catch {
    return null;
  }
}

/** Make a name this page's own. A tab that the browser duplicates starts with a copy of what is kept for the first, which is still open.
 *  @param {string} name @returns {Promise<boolean>} false if another open page has it */
export async function claim(name) {
  if (mine.has(name)) return true;
  const free = navigator.locks ? await lock(name) : await nobodyAnswers(name);
  if (free) mine.add(name);
  return free;
}

/** Held until the page is left, even while it sleeps in the background. */
function lock(name) {
  return new Promise((settle) => {
    const held = () => (settle(true), new Promise(() => {}));
    navigator.locks.request(`playground ${name}`, { signal: AbortSignal.timeout(CLAIM) }, held).catch((error) => {
      if (error.name === "AbortError" || error.name === "TimeoutError") settle(false);
      else nobodyAnswers(name).then(settle); // locks are refused together with storage
    });
  });
}

function nobodyAnswers(name) {
  if (!channel) return Promise.resolve(true);
  return new Promise((settle) => {
    const heard = ({ data }) => data.taken === name && end(false);
    const end = (free) => (channel.removeEventListener("message", heard), clearTimeout(timer), settle(free));
    const timer = setTimeout(() => end(true), CLAIM);
    channel.addEventListener("message", heard);
    channel.postMessage({ asks: name });
  });
}
