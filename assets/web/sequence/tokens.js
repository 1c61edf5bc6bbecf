// Texts as lists of tokens with what the model made of each: taken from the wire, cut, joined, measured.

const MOST = 2_000; // characters of a text that are sent: no model here looks back further

/** @typedef {{pieces: string[], surprise: number[], entropy: number[], given: number, mark: Uint8Array|null, step: number, about: string}} Text */

const SIGNS = { " ": "␣", "\n": "↵", "\t": "⇥", "\r": "␍" };

/** A token as it can be seen: spaces and line ends have signs of their own. @param {string} piece */
export const visible = (piece) => Array.from(piece, (c) => SIGNS[c] ?? c).join("") || "∅";

const numbers = (array, n) => (array ? Array.from(array) : new Array(n).fill(NaN));

/** @param {import("../decode.js").View|null} view of type "tokens" @param {number} step @returns {Text|null} */
export function textOf(view, step, about = "") {
  if (!view) return null;
  const n = view.pieces.length;
  const { surprise, entropy, mark } = view.arrays;
  return { pieces: view.pieces, surprise: numbers(surprise, n), entropy: numbers(entropy, n), given: view.given, mark: mark ?? null, step, about };
}

/** The tokens of the answers' and pictures' text. */
export const tokensIn = (frame, panel) => frame?.views.find((v) => v.panel === panel && v.type === "tokens") ?? null;

/** The first `n` tokens of a text. @param {Text} text */
export const cut = (text, n) => ({ ...text, pieces: text.pieces.slice(0, n), surprise: text.surprise.slice(0, n), entropy: text.entropy.slice(0, n), given: Math.min(text.given, n), mark: null });

/** A text and what an answer added to it; the tokens before are kept as they are, with what is known of them. @param {Text} text @param {Text} answer */
export function joined(text, answer) {
  const from = answer.given;
  const add = (name) => [...text[name], ...answer[name].slice(from)];
  return { ...text, pieces: add("pieces"), surprise: add("surprise"), entropy: add("entropy"), step: answer.step, mark: null };
}

/** What comes before a token, as it is sent. @param {Text} text @param {number} position */
export const before = (text, position) => text.pieces.slice(0, position).join("").slice(-MOST);

/** Mean of what is known, and of how many. @param {number[]} values */
export function meanOf(values) {
  const known = values.filter(Number.isFinite);
  return { mean: known.reduce((a, b) => a + b, 0) / known.length, n: known.length };
}

/** The model's distribution as temperature, top-k and top-p would leave it: does it change at all? */
export const neutral = ({ temperature, top_p, top_k }) => temperature === 1 && top_p === 1 && !top_k;
