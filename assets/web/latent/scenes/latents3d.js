// Latents in three dimensions: the posterior means of test examples along their first three principal directions, each in the hue of its
// class; two latents lie in their plane, under the density of all codes. Without WebGL the first two directions stand in.
import { colorsOf, onTheme } from "../../colors.js";
import { fixed, int, percent } from "../../format.js";
import { hue } from "../hues.js";
import { createAsking, elsewhere, ready, view } from "../../ask/question.js";
import { hasWebGL, loadPlotly } from "./plotly.js";
import { createSmallMap } from "./smallmap.js";

export const title = "Latents in 3-D";

const EYES = { Corner: [1.08, -1.08, 0.5], Front: [0, -1.35, 0.05], Side: [1.35, 0, 0.05], Above: [0, -0.01, 1.4] };
const FARTHER = 1.3; // times as far away from a cloud that has no floor
const TURN = Math.PI / 18; // rad per arrow key
const SPHERE = 2; // standard deviations of the prior that are drawn
const ROUND = Array.from({ length: 65 }, (_, i) => (i * 2 * Math.PI) / 64);
const FONT = "IBM Plex Sans, ui-sans-serif, system-ui, sans-serif";
const NO_WEBGL = "This browser cannot draw in three dimensions (no WebGL), so the first two directions stand in.";

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

export function create(container, { session, store, tab }) {
  container.classList.add("about-all");
  container.innerHTML = `<div class="bar views-3d" role="group" aria-label="Seen from">${Object.keys(EYES).map((name) => `<button type="button" class="button small" data-eye="${name}">${name}</button>`).join("")}<span class="said"></span></div>
    <div class="space" tabindex="0" role="img" aria-label="Cloud of posterior means: the arrow keys turn it"></div><div class="flat" hidden></div><div class="bar classes" role="group" aria-label="Classes shown"></div><p class="scene-words"></p>`;
  const find = (selector) => container.querySelector(selector);
  const space = find(".space");
  const asking = createAsking({ session, store }, "cloud", { show });
  const possible = hasWebGL();
  let flat = null; // the map that stands in
  let plotly = null;
  let failed = possible ? "" : NO_WEBGL;
  let drawn = null; // {frame, key}
  let about = null;
  let eye = EYES.Corner;
  const hidden = new Set(); // classes that are not shown

  if (possible) {
    loadPlotly().then(
      (lib) => ((plotly = lib), show()),
      (error) => ((failed = `${error.message} The first two directions stand in.`), show()),
    );
  }

  /** Where the eye stands, by name. */
  const seenFrom = (name) => EYES[name].map((v) => v * (deep() === "plane" ? 1 : FARTHER));

  // --- what is drawn ------------------------------------------------------------------------------------------------------------------
  const deep = () => (about.config.latent > 2 ? "principal" : "plane");

  /** One trace per class that is shown, its name in its middle, and the prior. */
  function traces(frame, colors) {
    const points = view(frame, "cloud", "points");
    const third = view(frame, "cloud", "curve").arrays.y;
    const { xy, label } = points.arrays;
    const groups = new Map();
    for (let i = 0; i < third.length; i++) {
      const key = label ? label[i] : -1;
      if (!groups.has(key)) groups.set(key, { x: [], y: [], z: [] });
      const group = groups.get(key);
      group.x.push(xy[2 * i]), group.y.push(xy[2 * i + 1]), group.z.push(third[i]);
    }
    const ordered = [...groups].sort(([a], [b]) => a - b).filter(([key]) => !hidden.has(key));
    const clouds = ordered.map(([key, at]) => ({
      type: "scatter3d", mode: "markers", ...at, name: nameOf(key), hovertemplate: `${nameOf(key)}<br>%{x:.2f}, %{y:.2f}, %{z:.2f}<extra></extra>`,
      marker: { size: 2.6, color: key < 0 ? colors.data : hue(key, colors.dark), opacity: 0.85 },
    }));
    const few = groups.size > 1 && groups.size <= 12;
    const middles = { type: "scatter3d", mode: "text", hoverinfo: "skip", text: few ? ordered.map(([key]) => `<b>${about.set.classes[key] ?? key}</b>`) : [],
      ...Object.fromEntries(["x", "y", "z"].map((axis) => [axis, few ? ordered.map(([, at]) => median([...at[axis]])) : []])),
      textfont: { family: FONT, size: 17, color: colors.ink } }; // prettier-ignore
    return [...clouds, ...(few ? [middles] : []), ...prior(colors, Math.min(...third))];
  }

  const nameOf = (key) => (key < 0 ? "test examples" : (about.set.classes[key] ?? `mode ${key}`));

  /** The prior at two standard deviations: three great circles, or one under the plane. */
  function prior(colors, lowest) {
    if (!tab.hasPrior(about.config)) return [];
    const [c, s, zero] = [ROUND.map((a) => SPHERE * Math.cos(a)), ROUND.map((a) => SPHERE * Math.sin(a)), ROUND.map(() => 0)];
    const rings = deep() === "plane" ? [[c, s, ROUND.map(() => lowest)]] : [[c, s, zero], [c, zero, s], [zero, c, s]];
    return rings.map(([x, y, z]) => ({ type: "scatter3d", mode: "lines", x, y, z, hoverinfo: "skip", name: `N(0, I), ${SPHERE}σ`, line: { color: colors.ink, width: 2, dash: "dash" } }));
  }

  function layout(m, colors) {
    const names = deep() === "plane" ? ["z₁", "z₂", "log q(z)"] : [1, 2, 3].map((i) => `PC ${i} (${percent(m[`share/${i}`], 0)})`);
    const axis = (text) => ({ title: { text, font: { size: 13, color: colors.ink2 } }, color: colors.ink3, gridcolor: colors.line, zerolinecolor: colors.lineStrong, showbackground: false, showspikes: false, tickfont: { size: 11 } });
    return {
      uirevision: "kept", showlegend: false, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: colors.surface, font: { family: FONT, size: 12.5, color: colors.ink2 },
      hoverlabel: { bgcolor: colors.surface, bordercolor: colors.lineStrong, font: { family: FONT, color: colors.ink } },
      scene: { uirevision: "kept", dragmode: "orbit", camera: { eye: { x: eye[0], y: eye[1], z: eye[2] }, center: { x: 0, y: 0, z: -0.2 } },
        aspectmode: deep() === "plane" ? "manual" : "data", aspectratio: { x: 1.15, y: 1.15, z: 0.7 }, xaxis: axis(names[0]), yaxis: axis(names[1]), zaxis: axis(names[2]) },
    }; // prettier-ignore
  }

  async function draw() {
    if (!plotly || !asking.frame || !space.clientWidth || failed) return;
    const colors = colorsOf(container);
    const key = [colors.key, colors.dark, about.config.latent, ...hidden].join();
    if (drawn?.frame === asking.frame && drawn.key === key) return;
    drawn = { frame: asking.frame, key };
    try {
      await plotly.react(space, traces(asking.frame, colors), layout(asking.frame.metrics, colors), { displayModeBar: false, responsive: false, scrollZoom: true });
      if (!space.dataset.heard) space.on("plotly_relayout", heard);
      space.dataset.heard = "yes";
      Object.assign(container.dataset, { drawn: asking.frame.step, points: asking.frame.metrics.n });
    } catch (error) {
      failed = NO_WEBGL;
      show();
    }
  }

  /** A button per class that takes it away. */
  function legend() {
    const box = find(".classes");
    const label = view(asking.frame, "cloud", "points")?.arrays.label;
    const keys = label ? [...new Set(label)].sort((a, b) => a - b) : [];
    const colors = colorsOf(container);
    const key = [keys, colors.dark, about.set.key].join();
    box.hidden = keys.length < 2 || Boolean(failed);
    if (box.dataset.key !== key) {
      box.dataset.key = key;
      box.replaceChildren(
        ...keys.map((k) => {
          const button = Object.assign(document.createElement("button"), { type: "button", className: "toggle", innerHTML: "<i></i>" });
          button.append(nameOf(k));
          button.firstChild.style.background = hue(k, colors.dark);
          button.dataset.label = k;
          button.addEventListener("click", () => (hidden.has(k) ? hidden.delete(k) : hidden.add(k), show()));
          return button;
        }),
      );
      box.insertAdjacentHTML("beforeend", tab.hasPrior(about.config) ? `<span class="legend dash">N(0, I) at ${SPHERE}σ</span>` : "");
    }
    for (const button of box.querySelectorAll("button")) button.setAttribute("aria-pressed", !hidden.has(+button.dataset.label));
  }

  /** Where the visitor has turned it to. */
  function heard(change) {
    const at = change["scene.camera"]?.eye;
    if (at) eye = [at.x, at.y, at.z];
  }

  function look(next) {
    eye = next;
    if (plotly && drawn && !failed) plotly.relayout(space, { "scene.camera.eye": { x: eye[0], y: eye[1], z: eye[2] } });
    container.dataset.eye = eye.map((v) => v.toFixed(3)).join();
  }

  space.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!turn) return;
    event.preventDefault();
    event.stopPropagation();
    const r = Math.hypot(...eye);
    const around = Math.atan2(eye[1], eye[0]) + turn[0] * TURN;
    const up = Math.max(-1.5, Math.min(1.5, Math.asin(eye[2] / r) + turn[1] * TURN));
    look([r * Math.cos(up) * Math.cos(around), r * Math.cos(up) * Math.sin(around), r * Math.sin(up)]);
  });
  find(".views-3d").addEventListener("click", (event) => event.target.dataset.eye && look(seenFrom(event.target.dataset.eye)));
  new ResizeObserver(() => (drawn && plotly && !failed && space.clientWidth ? plotly.Plots.resize(space) : draw())).observe(space);
  onTheme(() => about && show());

  // --- words ------------------------------------------------------------------------------------------------------------------------
  function sentence() {
    if (!about.started) return "Nothing trained yet. Train, and every test example has its place in the cloud here.";
    if (asking.refused) return asking.refused;
    const m = asking.frame?.metrics;
    if (!m) return "Encoding the test examples.";
    const from = `${elsewhere(store, asking.frame)}${failed ? `${failed} ` : ""}`;
    const end = ` Step ${int(asking.frame.step)}, n ${int(m.n)} test examples at their posterior means.`;
    if (deep() === "plane") return `${from}Two latents lie in a plane, and the plane is all there is: the height is log q(z) of all these posteriors together, in nats. Hills are where codes crowd, valleys inside the dashed circle are holes.${end}`;
    const three = m["share/1"] + m["share/2"] + m["share/3"];
    const rest = about.config.latent - 3;
    const left = rest ? `the other ${rest === 1 ? "direction" : `${int(rest)} directions`} hold ${percent(1 - three, 0)}` : "nothing is left out";
    return `${from}These three directions hold ${percent(three, 0)} of the variance of the means in ${int(about.config.latent)} latents; ${left}. In three dimensions classes may part that overlap in two.${end}`;
  }

  function show() {
    if (!about) return;
    const m = asking.frame?.metrics;
    space.hidden = Boolean(failed);
    find(".flat").hidden = !failed;
    for (const button of container.querySelectorAll("[data-eye]")) button.disabled = Boolean(failed) || !m;
    find(".said").textContent = failed ? "" : "drag or arrow keys turn it, the wheel zooms";
    find(".scene-words").textContent = sentence();
    container.classList.toggle("nothing", !about.started || Boolean(asking.refused && !m));
    container.dataset.webgl = failed ? "no" : "yes";
    if (failed && !flat) flat = createSmallMap(find(".flat"), "Posterior means along the first two directions");
    flat?.update({ points: view(asking.frame, "cloud", "points"), hasPrior: tab.hasPrior(about.config), axes: deep() === "plane" ? ["z₁", "z₂"] : [1, 2].map((i) => `PC ${i}${m ? ` (${fixed(100 * m[`share/${i}`], 0)} %)` : ""}`) });
    legend();
    draw();
  }

  return {
    update(next) {
      about = next;
      if (asking.renew(next)) {
        drawn = null;
        look(seenFrom("Corner"));
        hidden.clear();
        if (ready(store)) asking.ask({});
      } else asking.again();
      show();
    },
  };
}
