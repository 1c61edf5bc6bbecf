// A made-up run on a ring of eight: frames in the wire format of the server, rows of metrics, and pictures of blobs as "digits".
const CENTRES = Array.from({ length: 8 }, (_, k) => [Math.cos((k * Math.PI) / 4), Math.sin((k * Math.PI) / 4)]);
const BYTES = { f4: 4, u1: 1, i4: 4 };
const pad8 = (n) => (n + 7) & ~7;

/** Numbers in 0..1 that are the same on every visit. */
export function random(seed) {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) | 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const gauss = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

/** `u32 length | JSON | padding | arrays`; each view: {panel, type, role, name, ..., data: {name: [dtype, shape, typed array]}}. */
export function encode(step, metrics, views) {
  const chunks = [];
  let offset = 0;
  const described = views.map(({ data, ...view }) => {
    const arrays = {};
    for (const [name, [dtype, shape, array]] of Object.entries(data)) {
      arrays[name] = { dtype, shape, offset };
      chunks.push([offset, new Uint8Array(array.buffer, array.byteOffset, array.length * BYTES[dtype])]);
      offset += pad8(array.length * BYTES[dtype]);
    }
    return { ...view, arrays };
  });
  return envelope({ step, metrics, views: described }, chunks, offset);
}

function envelope(header, chunks, size) {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const body = pad8(4 + text.length);
  const bytes = new Uint8Array(body + size);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  for (const [offset, chunk] of chunks) bytes.set(chunk, body + offset);
  return bytes.buffer;
}

/** An answer to a pull that holds frames: [{b, s, seq, backdrop, bytes}]. */
export function encodePull(header, frames) {
  const chunks = [];
  let offset = 0;
  const about = frames.map(({ bytes, ...rest }) => {
    const entry = { ...rest, offset, length: bytes.byteLength };
    chunks.push([offset, new Uint8Array(bytes)]);
    offset += pad8(bytes.byteLength);
    return entry;
  });
  return envelope({ ...header, frames: about }, chunks, offset);
}

const points = (n, make) => Float32Array.from({ length: 2 * n }, (_, i) => make(i >> 1)[i & 1]);

/** The data of the ring, 2,000 points, with the centres. */
export function backdrop() {
  const next = random(1);
  const cloud = Array.from({ length: 2000 }, () => {
    const c = CENTRES[Math.floor(8 * next())];
    return [c[0] + 0.02 * gauss(next), c[1] + 0.02 * gauss(next)];
  });
  return encode(0, { sliced_w1: 0.017 }, [
    { panel: "stage", type: "points", role: "data", name: "data", data: { xy: ["f4", [2000, 2], points(2000, (i) => cloud[i])] } },
    { panel: "stage", type: "points", role: "exact", name: "modes", data: { xy: ["f4", [8, 2], points(8, (i) => CENTRES[i])] } },
  ]);
}

/** What the model shows at a step: samples spread from the middle to the modes, mode 1 rarely. */
export function frame(step, total = 4200) {
  const next = random(7);
  const t = Math.min(1, step / (0.6 * total));
  const share = CENTRES.map((_, k) => (k === 1 ? 0.03 : 0.97 / 7) * (0.8 + 0.4 * next()));
  const samples = Array.from({ length: 300 }, () => {
    const k = next() < 0.03 ? 1 : [0, 2, 3, 4, 5, 6, 7][Math.floor(7 * next())];
    const spread = 0.05 + 0.5 * (1 - t);
    const slide = next() < 0.35 ? 0.55 * (next() - 0.5) : 0;
    const angle = (k * Math.PI) / 4 + slide;
    return [t * Math.cos(angle) + spread * gauss(next) * 0.7, t * Math.sin(angle) + spread * gauss(next) * 0.7];
  });
  const arrows = samples.slice(0, 64);
  const pull = (i) => {
    const [x, y] = arrows[i];
    const nearest = CENTRES.reduce((a, b) => (Math.hypot(b[0] - x, b[1] - y) < Math.hypot(a[0] - x, a[1] - y) ? b : a));
    return [4 * (nearest[0] - x) + 0.4 * gauss(next), 4 * (nearest[1] - y) + 0.4 * gauss(next)];
  };
  return encode(step, { g_loss: 1, sliced_w1: null }, [
    { panel: "stage", type: "heat", role: "model", name: "D(x)", lo: 0, hi: 1, contour: 0.5, extent: [-1.43, 1.43, -1.43, 1.43], data: { values: ["u1", [48, 48], heat(t)] } },
    { panel: "stage", type: "field", role: "model", name: "gradient", data: { xy: ["f4", [64, 2], points(64, (i) => arrows[i])], uv: ["f4", [64, 2], points(64, pull)] } },
    { panel: "stage", type: "points", role: "model", name: "samples", data: { xy: ["f4", [300, 2], points(300, (i) => samples[i])] } },
    { panel: "modes", type: "bars", role: "model", name: "share", labels: [..."01234567"], fair: 0.125, low: 0.05, data: { values: ["f4", [8], Float32Array.from(share)] } },
  ]);
}

function heat(t) {
  return Uint8Array.from({ length: 48 * 48 }, (_, i) => {
    const x = -1.43 + (2.86 * (i % 48)) / 47;
    const y = -1.43 + (2.86 * Math.floor(i / 48)) / 47;
    const near = CENTRES.map((c, k) => Math.exp(-((c[0] - x) ** 2 + (c[1] - y) ** 2) / 0.012) * (k === 1 ? 0.95 : 0.52));
    return Math.round(255 * (0.05 + (1 - t) * 0.3 + Math.max(...near) * 0.9 * t));
  });
}

/** n pictures of 28 x 28 with labels that go round: a blob that moves with its class. */
export function pictures(step, role, n = 60, channels = 1) {
  const next = random(role === "data" ? 3 : 5);
  const size = 28 * 28;
  const pixels = new Uint8Array(n * channels * size);
  for (let i = 0; i < n; i++) {
    const angle = ((i % 10) * 2 * Math.PI) / 10;
    const [cx, cy] = [14 + 6 * Math.cos(angle) + next(), 14 + 6 * Math.sin(angle) + next()];
    for (let c = 0; c < channels; c++)
      for (let k = 0; k < size; k++) {
        const d = Math.hypot((k % 28) - cx, Math.floor(k / 28) - cy);
        pixels[(i * channels + c) * size + k] = Math.max(0, 255 * Math.exp(-((d - 5) ** 2) / (3 + 2 * c)) - 20 * next());
      }
  }
  const view = { panel: "stage", type: "images", role, name: role === "data" ? "data" : "samples" };
  return encode(step, {}, [{ ...view, data: { pixels: ["u1", [n, channels, 28, 28], pixels], label: ["u1", [n], Uint8Array.from({ length: n }, (_, i) => i % 10)] } }]);
}

/** [[step, value], ...] of the metrics up to a step, one row every five steps. */
export function rows(until = 3000) {
  const next = random(11);
  const all = { g_loss: [], d_loss: [], modes: [], fork: [], hq: [], kl: [], sw: [] };
  for (let s = 5; s <= until; s += 5) {
    const t = 1 - Math.exp(-s / 900);
    all.g_loss.push([s, 0.69 + 0.65 * t + 0.12 * gauss(next) * (1 + 0.5 * Math.sin(s / 130))]);
    all.d_loss.push([s, 1.4 - 0.3 * t + 0.06 * gauss(next)]);
    if (s % 25) continue;
    all.modes.push([s, Math.max(0, Math.min(8, Math.round(8 * t + 0.8 * gauss(next)) - (s % 700 < 60 ? 3 : 0)))]);
    if (s >= 2400) all.fork.push([s, s < 2500 ? 6 : 8]);
    all.hq.push([s, 0.6 * t + 0.06 * gauss(next)]);
    all.kl.push([s, 2 * (1 - t) + 0.05 + 0.02 * next()]);
    all.sw.push([s, 0.4 * (1 - t) + 0.07 + 0.02 * next()]);
  }
  return all;
}
