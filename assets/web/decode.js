// Reads the binary answers of the server: a pull (header and frames) and one frame (step, metrics, views) as typed arrays.
// Layout of both: u32 length of the JSON | JSON | zeros to a multiple of 8 | body. Arrays are looked at in place, never copied.

const text = new TextDecoder();
const ARRAYS = { f4: Float32Array, i4: Int32Array, u1: Uint8Array };

/**
 * @typedef {object} View
 * @property {string} panel where it is shown: "stage", "modes"
 * @property {"points"|"heat"|"field"|"mesh"|"images"|"curve"|"bars"|"ellipses"} type
 * @property {"data"|"model"|"reference"|"exact"} role
 * @property {string} name
 * @property {Record<string, Float32Array|Int32Array|Uint8Array>} arrays
 * @property {Record<string, number[]>} shapes
 */
/** @typedef {{step: number, metrics: Record<string, number|null>, views: View[]}} Frame */

const pad8 = (n) => (n + 7) & ~7;

/** The JSON at `offset` and where its body starts. */
function readHeader(buffer, offset) {
  const length = new DataView(buffer).getUint32(offset, true);
  const header = JSON.parse(text.decode(new Uint8Array(buffer, offset + 4, length)));
  return { header, body: offset + pad8(4 + length) };
}

/** A typed array over the buffer; copied only if it does not start where its type may. */
function readArray(buffer, body, { dtype, shape, offset }) {
  const Type = ARRAYS[dtype];
  const count = shape.reduce((a, b) => a * b, 1);
  const start = body + offset;
  if (start % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, start, count);
  return new Type(buffer.slice(start, start + count * Type.BYTES_PER_ELEMENT));
}

function readView(buffer, body, { arrays: about = {}, ...view }) {
  const arrays = {};
  const shapes = {};
  for (const [name, entry] of Object.entries(about)) {
    arrays[name] = readArray(buffer, body, entry);
    shapes[name] = entry.shape;
  }
  return { ...view, arrays, shapes };
}

/**
 * One frame that starts at `offset`.
 * @param {ArrayBuffer} buffer @param {number} [offset] @param {number} [length] bytes that belong to it
 * @returns {Frame}
 */
export function decodeFrame(buffer, offset = 0, length = buffer.byteLength - offset) {
  if (offset + length > buffer.byteLength) throw new RangeError(`a frame of ${length} bytes at ${offset} does not fit into ${buffer.byteLength}`);
  const { header, body } = readHeader(buffer, offset);
  return { step: header.step, metrics: header.metrics, views: header.views.map((view) => readView(buffer, body, view)) };
}

/**
 * An answer to a pull. Frame offsets count from the end of the padded header.
 * @param {ArrayBuffer} buffer
 * @returns {{header: object, frames: {b: string, s: number, seq: number, backdrop: boolean, frame: Frame}[]}}
 */
export function decodePull(buffer) {
  const { header, body } = readHeader(buffer, 0);
  const frames = (header.frames ?? []).map(({ offset, length, ...about }) => ({ ...about, frame: decodeFrame(buffer, body + offset, length) }));
  return { header, frames };
}

/** @typedef {{rows: {s: number, m: Record<string, number|null>}[], frame: Frame}} Trial */
/** @typedef {Trial & {seconds: number, twin: string, floors: Record<string, number>, lost: string|null}} Whole */

/**
 * The answer to a what-if: the rows of a run and its last picture; of a whole run also what it took and whether it was lost.
 * @param {ArrayBuffer} buffer
 * @returns {Trial|Whole}
 */
export function decodeTrial(buffer) {
  const { header, body } = readHeader(buffer, 0);
  return { ...header, frame: decodeFrame(buffer, body) };
}
