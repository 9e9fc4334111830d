// Isolates the pages of a server that cannot send headers: a page's first script, and the service worker that it registers, which
// puts them on everything that passes. The first visit loads the page twice.

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

function isolated(response) {
  // What comes from elsewhere unread, and a redirection, cannot be changed.
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

if (typeof document === "undefined") {
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", (event) => {
    const { request } = event;
    // Asked for by the developer tools, and only allowed there.
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
    event.respondWith(fetch(request).then(isolated));
  });
} else if (!crossOriginIsolated && "serviceWorker" in navigator && !navigator.serviceWorker.controller) {
  // With a controller it would be loaded again for ever: then something else is in the way, and the page says so.
  const { serviceWorker } = navigator;
  serviceWorker.register(document.currentScript.src).then(() => serviceWorker.ready).then(() => location.reload());
}
