// Plotly's bundle for three dimensions, from our own server, fetched when a scene first needs it; and whether this browser can draw with it.

let loading = null;

/** @returns {Promise<object>} Plotly; rejects with a sentence if it cannot be fetched */
export function loadPlotly() {
  loading ??= new Promise((done, fail) => {
    const script = Object.assign(document.createElement("script"), { src: new URL("../../vendor/plotly-gl3d.min.js", import.meta.url) });
    script.addEventListener("load", () => done(window.Plotly));
    script.addEventListener("error", () => ((loading = null), fail(new Error("The part of this page that draws in three dimensions did not arrive."))));
    document.head.append(script);
  });
  return loading;
}

/** Whether a canvas here can draw with WebGL. Its one context is given back at once: a browser lends few. */
export function hasWebGL() {
  const context = document.createElement("canvas").getContext("webgl");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(context);
}
