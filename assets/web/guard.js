// Stands in the page itself, before any module: if one does not arrive, or fails, the visitor is told so and may try again.
(() => {
  const HARMLESS = /ResizeObserver loop|AbortError/;
  let shown = null;

  /** One plate, over whatever there is; the first failure is the one that counts. */
  function say(title, text) {
    if (shown?.isConnected) return;
    shown = document.createElement("div");
    shown.id = "failure";
    shown.setAttribute("role", "alert");
    shown.style.cssText =
      "position:fixed;z-index:99;left:16px;right:16px;bottom:76px;max-width:560px;margin:auto;padding:14px 16px;border:1px solid #868e99;border-radius:8px;" +
      "background:var(--surface,#fff);color:var(--ink,#16191d);font:14px/20px system-ui,sans-serif;display:flex;gap:12px;align-items:center;flex-wrap:wrap";
    const words = document.createElement("span");
    words.style.flex = "1 1 300px";
    words.append(Object.assign(document.createElement("b"), { textContent: title }), ` ${text}`);
    shown.append(words, button("Load again", () => location.reload()), button("Close", () => shown.remove()));
    (document.body ?? document.documentElement).append(shown);
  }

  function button(words, act) {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: words, onclick: act });
    made.style.cssText = "font:inherit;padding:4px 12px;border:1px solid #868e99;border-radius:6px;background:transparent;color:inherit;cursor:pointer";
    return made;
  }

  const ours = (address) => !address || String(address).includes("/play/"); // a browser's extensions fail on their own account
  const STOPPED = "Part of this page stopped.";
  const KEPT = "What trains on the server goes on and is found again when the page is loaded again.";

  addEventListener(
    "error",
    ({ target, message, filename }) => {
      const address = target?.src ?? target?.href;
      if (address != null && ours(address) && /^(SCRIPT|LINK)$/.test(target.tagName))
        return say("The page did not arrive whole.", "A part of it was lost on the way. Nothing else is wrong; load it again.");
      if (address == null && filename && ours(filename) && !HARMLESS.test(message)) say(STOPPED, KEPT);
    },
    true,
  );
  addEventListener("unhandledrejection", ({ reason }) => {
    if (HARMLESS.test(`${reason?.name} ${reason?.message}`) || !(/\/play\//.test(reason?.stack ?? "") || reason instanceof TypeError)) return;
    if (window.playground) say(STOPPED, KEPT);
    else say("The page could not be started.", "The server did not answer, or a part of the page was lost. Load it again.");
  });
})();
