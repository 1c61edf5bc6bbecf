// A link holds what a visitor changed: #gan?objective=r3gan&lr_g=0.001 opens the tab with those settings.
import { resolve } from "./api.js";
import { copyText } from "./kept.js";

/** Settings in the address for a family, {} if there are none. Values stay text where they are not numbers or true/false. */
export function parseLink(family) {
  const [key, query] = location.hash.slice(1).split("?");
  if (key !== family || !query) return {};
  return Object.fromEntries([...new URLSearchParams(query)].map(([name, text]) => [name, read(text)]));
}

function read(text) {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/**
 * The link to these settings goes to the address bar and to the clipboard, if the browser has one; else it is shown to be copied by hand.
 * @param {object} family @param {object} config
 * @param {{toast: (words: string, about?: {text?: string, link?: string}) => void, started: boolean, forked: boolean}} now
 */
export async function shareLink(family, config, { toast, started, forked }) {
  const usual = (await resolve(family.key, { dataset: config.dataset, [family.method]: config[family.method] })).config;
  const link = makeLink(family.key, family.method, config, usual);
  const copied = await copyText(link);
  history.replaceState(null, "", link);
  const bar = self === top ? "in the address bar" : "";
  const where = [bar, copied ? "on the clipboard" : ""].filter(Boolean).join(" and ");
  toast(where ? `The link to these settings is ${where}.` : "The link to these settings", { text: carries(started, forked), link: copied ? "" : link });
}

/** What the reader of a link gets. */
function carries(started, forked) {
  if (forked) return "It opens this branch's settings untrained: the run it left, the step of the fork and what was learned are not in it.";
  return started ? "It opens these settings untrained: steps, pictures and weights are not in it." : "It opens the same settings and the same seed.";
}

/** The address that opens this configuration of a family whose usual values depend on the data and on this knob. */
export function makeLink(family, method, config, usual) {
  const settings = { dataset: config.dataset, [method]: config[method] };
  for (const [name, value] of Object.entries(config)) if (value !== usual[name]) settings[name] = value;
  const url = new URL(location.href);
  url.hash = `${family}?${new URLSearchParams(settings)}`;
  return url.href;
}
