// A few points in the plane that can be dragged, over the data.
import { createCell, dataOf } from "../cell.js";

const GRAB = 18; // px
const KEY_STEP = 0.02; // of the extent
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @param {HTMLElement} container @param {{count: number, onMove: () => void}} on */
export function createDragging(container, { count, onMove }) {
  const cell = createCell(container, "Points to drag over the data: Tab chooses one, arrow keys move it", { over: draw });
  const { canvas } = cell;
  Object.assign(canvas, { tabIndex: 0 });
  canvas.style.touchAction = "none";
  let backdrop = null;
  let place = null; // the mapping of the last draw
  let held = -1;
  const sheet = { points: [], chosen: 0, start, update };

  /** The first points of the data, well apart from each other in the order they were drawn. */
  function start(from) {
    const xy = dataOf(from)?.arrays.xy;
    sheet.points = xy ? Array.from({ length: Math.min(count, xy.length / 2) }, (_, i) => [xy[2 * i], xy[2 * i + 1]]) : [];
    show();
  }

  function draw(ctx, at, width, height, colors) {
    place = at;
    sheet.points.forEach(([x, y], i) => {
      ctx.beginPath();
      ctx.arc(at.X(x), at.Y(y), i === sheet.chosen ? 6.5 : 5, 0, 2 * Math.PI);
      ctx.fillStyle = colors.data;
      ctx.strokeStyle = i === sheet.chosen ? colors.ink : colors.surface;
      ctx.lineWidth = 2;
      ctx.fill();
      ctx.stroke();
    });
  }

  const show = () => cell.update({ view: null, backdrop, key: sheet.points.join() + sheet.chosen });

  function update(next) {
    backdrop = next;
    show();
  }

  const placeIn = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.clientWidth) / box.width, ((event.clientY - box.top) * canvas.clientHeight) / box.height];
  };
  /** Values of the plane at px; the mapping is linear. */
  const valueOf = ([px, py]) => {
    const [ax, bx, ay, by] = [place.X(0), place.X(1), place.Y(0), place.Y(1)];
    return [(px - ax) / (bx - ax), (py - ay) / (by - ay)];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!place) return;
    const [px, py] = placeIn(event);
    const away = sheet.points.map(([x, y]) => Math.hypot(place.X(x) - px, place.Y(y) - py));
    held = away.indexOf(Math.min(...away));
    if (!(away[held] < GRAB)) held = -1;
    if (held < 0) return;
    sheet.chosen = held;
    canvas.setPointerCapture?.(event.pointerId);
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held < 0 || !event.buttons) return;
    sheet.points[held] = valueOf(placeIn(event));
    show();
    onMove();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (held = -1));
  canvas.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || !place || !sheet.points.length) {
      if (event.key === " ") (sheet.chosen = (sheet.chosen + 1) % sheet.points.length), show(), event.preventDefault(), event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const unit = KEY_STEP * (canvas.clientWidth / Math.abs(place.X(1) - place.X(0)));
    sheet.points[sheet.chosen] = sheet.points[sheet.chosen].map((v, i) => v + unit * move[i]);
    show();
    onMove();
  });
  return sheet;
}

