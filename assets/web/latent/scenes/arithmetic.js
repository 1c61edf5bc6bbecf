// Attribute arithmetic: a test image moved among the latents by the difference between the means of two classes, at every strength.
import { fixed, int } from "../../format.js";
import { createAsking, elsewhere, named, newest, ready, view } from "../../ask/question.js";
import { createChooser } from "./chooser.js";
import { axesOf } from "./draw.js";
import { createPixels, createRow, paint } from "./pixels.js";
import { createSmallMap } from "./smallmap.js";

export const title = "Attribute arithmetic";
export const kinds = ["image"];

const STRENGTHS = Array.from({ length: 13 }, (_, i) => -3 + i / 2); // those the server answers with
const ZERO = 6;
const HTML = `<div class="sum">
    <div class="row pick"><h3>Test image <small></small></h3><div class="choose"></div></div>
    <div class="row terms"><figure><figcaption>z of the image</figcaption></figure><span class="op">+ <output class="s"></output> × (</span>
      <figure><figcaption>mean of <select class="plus" aria-label="Class added"></select></figcaption></figure><span class="op">−</span>
      <figure><figcaption>mean of <select class="minus" aria-label="Class taken off"></select></figcaption></figure><span class="op">) =</span>
      <figure class="result"><figcaption>result</figcaption></figure></div></div>
  <div class="beside"><h3>On the latent map</h3><div class="map"></div></div>
  <div class="all"><div class="strengths"></div><div class="row slide"><label for="arithmetic-s">strength</label><input id="arithmetic-s" type="range" min="0" max="12" step="1" value="8" aria-label="Strength, from −3 to 3"></div><p class="scene-words"></p></div>`;

const signed = (s) => (s > 0 ? `+${fixed(s, 1)}` : fixed(s, 1));

export function create(container, { session, store, tab }) {
  container.classList.add("latent-scene");
  container.innerHTML = HTML;
  const find = (selector) => container.querySelector(selector);
  const words = find(".scene-words");
  const labels = ["Reconstruction of the test image", "Mean of the class added, decoded", "Mean of the class taken off, decoded", "Result"];
  const canvases = labels.map((label, i) => container.querySelectorAll(".terms figure")[i].insertAdjacentElement("afterbegin", createPixels(label)));
  const chooser = createChooser(find(".choose"), { session }, { n: 7, onPick: (i) => ((index = i), ask()) });
  const row = createRow(find(".strengths"), "Results at strengths from −3 to 3", { onPick: (i) => move(i), words: caption });
  const map = createSmallMap(find(".map"), "Latent map with the direction between the two classes");
  const asking = createAsking({ session, store }, "arithmetic", { show, pause: 60 });
  let about = null;
  let index = 0;
  let at = 8;
  let opened = "";

  const strengths = () => view(asking.frame, "arithmetic", "strengths");
  const classOf = (i) => strengths()?.arrays.label?.[i];
  const nameOf = (label) => about.set.classes[label] ?? String(label);

  function caption(i) {
    return about && strengths() ? `${signed(STRENGTHS[i])} · ${nameOf(classOf(i))}` : signed(STRENGTHS[i]);
  }

  function ask() {
    if (ready(store)) asking.ask({ index, plus: +find(".plus").value || 0, minus: +find(".minus").value || 0, strength: STRENGTHS[at] });
    show();
  }

  function move(to) {
    at = to;
    ask();
  }

  // --- showing --------------------------------------------------------------------------------------------------------------------
  function show() {
    if (!about) return;
    const { frame } = asking;
    const all = strengths();
    const means = view(frame, "arithmetic", "class means");
    [[all, ZERO], [means, 0], [means, 1], [all, at]].forEach(([shown, i], k) => paint(canvases[k], shown, i));
    const titles = STRENGTHS.map((s, i) => `Strength ${signed(s)}${all ? `, nearest test image ${named(about.set.classes, classOf(i))}` : ""}`);
    row.update(all, { marked: at, n: STRENGTHS.length, titles });
    find(".s").textContent = fixed(STRENGTHS[at], 1);
    find("input[type=range]").value = at;
    find("input[type=range]").setAttribute("aria-valuetext", signed(STRENGTHS[at]));
    find(".pick small").textContent = `number ${index}`;
    chooser.mark(index);
    showMap(frame);
    words.textContent = sentence();
    container.classList.toggle("waiting", !frame);
    Object.assign(container.dataset, { index: asking.values?.index ?? "", strength: asking.values?.strength ?? "", plus: asking.values?.plus ?? "", minus: asking.values?.minus ?? "", step: frame?.step ?? "" });
  }

  /** The plane is linear, so the places of two strengths give those of all. */
  function showMap(frame) {
    const xy = view(frame, "latent", "points")?.arrays.xy;
    const s = asking.values?.strength;
    const along = xy && s ? (t) => [0, 1].map((k) => xy[k] + (t / s) * (xy[2 + k] - xy[k])) : null;
    const paths = along ? [{ places: [along(-3), along(3)] }] : [];
    const names = along ? [1, -1, 2, -2, 3, -3].map((t) => ({ place: along(t), words: signed(t).replace(".0", "") })) : [];
    const place = along ? along(STRENGTHS[at]) : xy ? [xy[0], xy[1]] : null;
    map.update({ points: view(newest(store), "latent", "points"), hasPrior: tab.hasPrior(about.config), axes: axesOf(about.config), paths, place, names, fit: along ? [along(-1), along(1)] : [] });
  }

  /** At which strength the nearest test image changes its class, in either direction. */
  function sentence() {
    if (asking.refused) return asking.refused;
    if (!asking.frame) return ready(store) ? "Moving the first test image." : "Nothing is trained yet. Press Train: then the difference between two classes becomes a direction among the latents.";
    const { plus, minus, index: i } = asking.values;
    const own = classOf(ZERO);
    const turn = (from, by) => {
      for (let k = from; k >= 0 && k < STRENGTHS.length; k += by) if (classOf(k) !== own) return k;
      return -1;
    };
    const told = (k) => `${signed(STRENGTHS[k])} on (${named(about.set.classes, classOf(k))})`;
    const [up, down] = [turn(ZERO, 1), turn(ZERO, -1)];
    const changes = [up, down].filter((k) => k >= 0).map(told);
    const kept = `up to ±3 the nearest test image stays ${named(about.set.classes, own)}`;
    const first = STRENGTHS.findIndex((s, k) => s > 0 && classOf(k) === plus);
    const arrives = own !== plus && first >= 0 && first !== up ? ` ${nameOf(plus)} is reached at ${signed(STRENGTHS[first])}.` : "";
    return `${elsewhere(store, asking.frame)}Test image ${i}, nearest to ${named(about.set.classes, own)} at strength 0, along mean of ${nameOf(plus)} − mean of ${nameOf(minus)}: ${changes.length ? `another class is nearest from ${changes.join(" and from ")}` : kept}.${arrives} Under each picture: strength, class of the nearest of ${int(view(newest(store), "latent", "points")?.shapes.xy[0] ?? 0)} test means.`;
  }

  for (const name of [".plus", ".minus"]) find(name).addEventListener("change", ask);
  find("input[type=range]").addEventListener("input", (event) => move(+event.target.value));

  return {
    update(next) {
      about = next;
      const { classes } = next.set;
      if (opened !== next.config.dataset) {
        opened = next.config.dataset;
        for (const [name, chosen] of [[".plus", 0], [".minus", 1]]) {
          find(name).replaceChildren(...classes.map((word, i) => new Option(word, i)));
          if (classes.length) find(name).value = Math.min(chosen, classes.length - 1);
        }
        index = 0;
      }
      if (asking.renew(next)) {
        chooser.renew(next.set, ready(store));
        ask();
      } else asking.again();
      show();
    },
  };
}
