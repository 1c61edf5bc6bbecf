// A link holds what a visitor changed: #gan?objective=r3gan&lr_g=0.001 opens the tab with those settings.
import { resolve } from "./api.js";

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

/** The link to these settings goes to the address bar and to the clipboard. @param {object} config of `family` @param {(words: string) => void} toast */
export async function shareLink(family, config, toast) {
  const usual = (await resolve(family.key, { dataset: config.dataset, [family.method]: config[family.method] })).config;
  const link = makeLink(family.key, family.method, config, usual);
  await navigator.clipboard?.writeText(link).catch(() => {});
  history.replaceState(null, "", link);
  toast("The link to these settings is in the address bar and on the clipboard.");
}

/** The address that opens this configuration of a family whose usual values depend on the data and on this knob. */
export function makeLink(family, method, config, usual) {
  const settings = { dataset: config.dataset, [method]: config[method] };
  for (const [name, value] of Object.entries(config)) if (value !== usual[name]) settings[name] = value;
  const url = new URL(location.href);
  url.hash = `${family}?${new URLSearchParams(settings)}`;
  return url.href;
}
