// A canvas that fills its container, sharp on every screen, and is painted in one pass at most once per animation frame.
import { colorsOf, onTheme } from "./colors.js";

const dirty = new Set(); // paint functions waiting for the next animation frame
let waiting = 0;

/** Have `paint` run once in the next animation frame, however often this is asked. @param {() => void} paint */
export function schedule(paint) {
  dirty.add(paint);
  waiting ||= requestAnimationFrame(flush);
}

/** Paint everything that waits, now. */
export function flush() {
  cancelAnimationFrame(waiting);
  waiting = 0;
  const paints = [...dirty];
  dirty.clear();
  for (const paint of paints) paint();
}

/** Device pixels per layout pixel, zoomed pages (lecture mode) included. */
const density = (element) => Math.max(1, (devicePixelRatio || 1) * (element.currentCSSZoom ?? 1));

/**
 * @param {HTMLElement} container
 * @param {(context: CanvasRenderingContext2D, width: number, height: number, colors: import("./colors.js").Colors) => void} draw
 * @param {{label?: string, height?: number, focusable?: boolean, opaque?: boolean}} [options] `height` fixes the container's height in px;
 *   `opaque` promises that every pixel is painted
 */
export function createSurface(container, draw, { label = "", height, focusable = false, opaque = false } = {}) {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { alpha: !opaque });
  if (label) canvas.setAttribute("role", "img");
  if (label) canvas.setAttribute("aria-label", label);
  else canvas.setAttribute("aria-hidden", "true");
  if (focusable) canvas.tabIndex = 0;
  if (height) container.style.height = `${height}px`;
  if (getComputedStyle(container).position === "static") container.style.position = "relative";
  Object.assign(canvas.style, { position: "absolute", left: 0, top: 0, display: "block" });
  container.append(canvas);

  const surface = { canvas, width: 0, height: 0, schedule: () => schedule(paint), resize, paint, point, destroy };

  /** Give the canvas the container's size. Setting the size clears it, so it is painted again in the same task. */
  function resize() {
    surface.width = container.clientWidth;
    surface.height = container.clientHeight;
    const d = density(canvas);
    const [w, h] = [Math.round(surface.width * d), Math.round(surface.height * d)];
    if (w !== canvas.width || h !== canvas.height) {
      canvas.width = w;
      canvas.height = h;
      Object.assign(canvas.style, { width: `${surface.width}px`, height: `${surface.height}px` });
    }
    paint();
  }

  function paint() {
    dirty.delete(paint);
    if (!surface.width || !surface.height) return; // in a hidden tab
    const d = density(canvas);
    if (canvas.width !== Math.round(surface.width * d)) return resize();
    context.setTransform(d, 0, 0, d, 0, 0);
    if (!opaque) context.clearRect(0, 0, surface.width, surface.height);
    draw(context, surface.width, surface.height, colorsOf(canvas));
  }

  /** Where a pointer event is, in layout pixels of the canvas. */
  function point(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) * surface.width) / box.width, y: ((event.clientY - box.top) * surface.height) / box.height };
  }

  const observer = new ResizeObserver(resize);
  observer.observe(container);
  const ignoreTheme = onTheme(surface.schedule);
  document.fonts?.addEventListener("loadingdone", surface.schedule);

  function destroy() {
    observer.disconnect();
    ignoreTheme();
    document.fonts?.removeEventListener("loadingdone", surface.schedule);
    dirty.delete(paint);
    canvas.remove();
  }

  return surface;
}

/** Sets an aria-label at most every five seconds; the last one always arrives. @param {Element} element */
export function slowLabel(element, pause = 5000) {
  let next = null;
  let timer = 0;
  let last = -Infinity;
  const speak = () => {
    timer = 0;
    last = performance.now();
    element.setAttribute("aria-label", next);
  };
  return (label) => {
    if (label === next) return;
    next = label;
    if (!timer) timer = setTimeout(speak, Math.max(0, last + pause - performance.now()));
  };
}
