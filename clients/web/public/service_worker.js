/**
 * The service worker of the installed app: shows a page of its own while the server cannot be reached.
 *
 * Only the files of that page are stored, and only when the network fails are they used. Everything else goes to the
 * server as if there were no service worker: an old client would not fit its server, and what the server says about
 * people and desktops must not stay on a shared tablet.
 *
 * This file is no module and has no hash in its name, because browsers find a service worker by its address.
 */

const CACHE = "lightbox-offline";
const PAGE = address("offline.html");
const FILES = [PAGE, ...["offline.css", "offline.js", "icons/192.png"].map(address)];
/** Answers of a reverse proxy whose server does not run. */
const UNREACHABLE = [502, 503, 504];
/** Headers of the stored page that keep their meaning. Its text is not compressed any more. */
const PAGE_HEADERS = [
  "content-type",
  "content-security-policy",
  "cross-origin-embedder-policy",
  "cross-origin-opener-policy",
  "referrer-policy",
  "x-content-type-options",
];

/** Files are stored anew by the first page that opens after the service worker was started. */
let stored = false;

/** Returns the address of a file of the client, wherever a reverse proxy has put it. */
function address(name) {
  return new URL(name, self.registration.scope).href;
}

async function store() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((url) => new Request(url, { cache: "no-cache" })));
  stored = true;
}

/** Answers a navigation: with the server's page, or with the stored one when the server cannot be reached. */
async function openPage(event) {
  try {
    const response = await fetch(event.request);
    if (!UNREACHABLE.includes(response.status)) {
      if (!stored) event.waitUntil(store().catch(() => {})); // The files that are stored already stay in use.
      return response;
    }
  } catch {
    // The network failed: the stored page says so.
  }
  return offlinePage();
}

/** Returns the stored page. Its references are relative to the client's address, not to the one that is shown. */
async function offlinePage() {
  const page = await caches.match(PAGE);
  if (page === undefined) return Response.error();
  const scope = new URL(self.registration.scope).pathname;
  const headers = new Headers();
  for (const name of PAGE_HEADERS) {
    const value = page.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response((await page.text()).replaceAll('="./', `="${scope}`), { headers });
}

async function offlineFile(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(request.url)) ?? Response.error();
  }
}

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(store());
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(openPage(event));
  else if (FILES.includes(request.url)) event.respondWith(offlineFile(request));
});
