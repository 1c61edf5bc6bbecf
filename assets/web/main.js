// Entry: wait until Gradio has put a tab's parts on the page, then bring the tab to life.
import { fetchSchema } from "./api.js";
import { createBrand } from "./brand.js";
import { createGlossary } from "./glossary.js";
import { createLab } from "./lab.js";
import { parseLink } from "./link.js";
import { autoregressive } from "./tabs/autoregressive.js";
import { diffusion } from "./tabs/diffusion.js";
import { gan } from "./tabs/gan.js";
import { vae } from "./tabs/vae.js";

const TABS = { autoregressive, diffusion, gan, vae };
const PARTS = ["header", "controls", "stage", "explain", "readings", "code", "phone-bar"];
const alive = new WeakSet();
const schema = fetchSchema();

schema.then(({ glossary }) => createGlossary(glossary));

const labs = {};
const watch = new IntersectionObserver(scan); // a tab that was hidden comes to life when it is first seen
Object.defineProperty(window, "playground", { get: () => Object.values(labs).find((lab) => lab.root.offsetParent) ?? Object.values(labs)[0] });

/** Bring to life every tab that is seen and whose parts are all there. Gradio mounts them one by one, and again when it re-draws a tab. */
async function scan() {
  const brand = document.querySelector('[data-part="brand"]');
  if (brand && !alive.has(brand)) {
    alive.add(brand);
    createBrand(brand);
  }
  for (const root of document.querySelectorAll("[id^=lab-]")) {
    const parts = Object.fromEntries(PARTS.map((name) => [name, root.querySelector(`[data-part="${name}"]`)]));
    const key = root.id.slice("lab-".length);
    watch.observe(root);
    if (root.offsetParent) document.body.dataset.family = key; // whose colour the bar has
    if (alive.has(parts.stage ?? root) || Object.values(parts).includes(null) || !root.offsetParent) continue;
    alive.add(parts.stage);
    const { families, metrics } = await schema;
    labs[key] = createLab({ root, parts, family: families[key], tab: TABS[key], metrics, link: parseLink(key) });
  }
}

let queued = 0; // our own numbers change the page many times a second: look once in a while, not each time
const look = () => (queued ||= setTimeout(() => ((queued = 0), scan()), 150));
new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
scan();
