// What a prediction depends on where there is no attention to look at: a bar for each token before it, the nearest first.
import { int, percent } from "../format.js";
import { createSurface, slowLabel } from "../surface.js";
import { TICK, hairline } from "../views/text.js";
import { visible } from "./tokens.js";

const ROW = 16; // px
const LEAST = 0.01; // of the largest: from there on a token counts

/** @param {HTMLElement} container @returns {{update: (data: {pieces: string[], value: ArrayLike<number>, limit: number|null}|null) => void, canvas: HTMLCanvasElement}} `limit`: tokens that can matter */
export function createReach(container) {
  const surface = createSurface(container, draw, { label: "What the prediction depends on" });
  const spoken = slowLabel(surface.canvas);
  let data = null;

  function draw(ctx, width, height, colors) {
    if (!data) return;
    const n = Math.min(data.pieces.length, Math.floor((height - 24) / ROW));
    const most = Math.max(1e-9, ...data.value);
    const [left, right] = [74, width - 52];
    for (let k = 0; k < n; k++) {
      const i = data.pieces.length - 1 - k;
      const y = 10 + k * ROW;
      const beyond = data.limit != null && k >= data.limit;
      ctx.font = TICK;
      ctx.textBaseline = "middle";
      ctx.textAlign = "right";
      ctx.fillStyle = colors.ink3;
      ctx.fillText(`−${int(k + 1)}`, 28, y);
      ctx.font = '12px "IBM Plex Mono", monospace';
      ctx.fillStyle = beyond ? colors.ink3 : colors.ink;
      ctx.fillText(Array.from(visible(data.pieces[i])).slice(0, 5).join(""), 66, y);
      ctx.fillStyle = colors.accent;
      const share = data.value[i] / most;
      ctx.fillRect(left, y - 5, Math.max(share > 0 ? 1 : 0, share * (right - left)), 10);
      ctx.font = TICK;
      ctx.textAlign = "left";
      ctx.fillStyle = colors.ink2;
      ctx.fillText(beyond || share === 0 ? "unseen" : percent(share, 0), left + share * (right - left) + 6, y);
    }
    if (data.limit != null && data.limit < n) {
      ctx.setLineDash([4, 3]);
      hairline(ctx, 8, 10 + (data.limit - 0.5) * ROW, width - 8, 10 + (data.limit - 0.5) * ROW, colors.exact);
      ctx.setLineDash([]);
    }
  }

  return {
    canvas: surface.canvas,
    update(next) {
      data = next;
      const most = Math.max(...(next?.value ?? [0]));
      if (next) spoken(`${int(Array.from(next.value).filter((v) => v > LEAST * most).length)} tokens matter for what comes next`);
      surface.schedule();
    },
  };
}
