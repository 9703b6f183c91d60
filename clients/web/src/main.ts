/** The entry point of the web client: decides by the address and the session which page is shown. */

import "./ui/styles/index.css";
import { whoAmI } from "./gateway/gateway_client.ts";
import { checkPage } from "./ui/check_page.ts";
import { desktopsPage } from "./ui/desktops_page.ts";
import type { Page } from "./ui/page.ts";
import { applyTheme, language, setUser } from "./ui/preferences.ts";
import { signInPage } from "./ui/sign_in_page.ts";
import { texts } from "./ui/texts.ts";
import { viewerPage } from "./ui/viewer/viewer_page.ts";

/** Largest monitor number on the wire (PROTOCOL.md §2). */
const MONITOR_MAX = 0xffff;

const root = document.getElementById("app") ?? document.body;
let current: Page | null = null;
let renderCount = 0;

/** Closes the current page, then creates and shows the next one. */
function show(createPage: () => Page): void {
  current?.close();
  const page = createPage();
  current = page;
  document.documentElement.lang = language();
  document.title = `${page.title} · ${texts().product}`;
  root.replaceChildren(page.element);
  page.shown();
}

function goTo(path: string): void {
  history.pushState(null, "", path);
  void render();
}

function showSignIn(expired: boolean): void {
  show(() => signInPage({ expired, signedIn: () => void render(), redraw: () => showSignIn(expired) }));
}

/** Shows the page of the current address, or the sign-in page when nobody is signed in. */
async function render(): Promise<void> {
  const turn = ++renderCount;
  const user = await whoAmI();
  // The address changed while the server was asked.
  if (turn !== renderCount) return;
  if (!user.ok && user.failure.kind === "signed-out") {
    showSignIn(false);
    return;
  }
  const name = user.ok ? user.value : "";
  setUser(name);
  const desktop = /^\/desktop\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  const check = /^\/check\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (desktop !== undefined) showDesktop(decodeName(desktop));
  else if (check !== undefined) {
    const options = { desktop: decodeName(check), showDesktopList, signedOut: showSignIn };
    show(() => checkPage(options));
  } else show(() => desktopsPage({ user: name, signedOut: showSignIn, redraw: () => void render() }));
}

function showDesktopList(): void {
  goTo("/");
}

/** Shows a desktop; the query parameters `monitor`, `fit` and `split` say how. */
function showDesktop(desktop: string): void {
  const query = new URLSearchParams(location.search);
  const monitor = Number(query.get("monitor") ?? 0);
  const replaceQuery = (): void => {
    const search = query.size > 0 ? `?${query}` : "";
    history.replaceState(history.state, "", `${location.pathname}${search}`);
  };
  show(() =>
    viewerPage({
      desktop,
      monitor: Number.isInteger(monitor) && monitor >= 0 && monitor <= MONITOR_MAX ? monitor : 0,
      fitWindow: query.get("fit") === "window",
      split: query.get("split") === "yes",
      showDesktopList,
      showMonitor: (number) => {
        query.set("monitor", String(number));
        replaceQuery();
        void render();
      },
      rememberSplit: (on) => {
        if (on) query.set("split", "yes");
        else query.delete("split");
        replaceQuery();
      },
      signedOut: showSignIn,
    }),
  );
}

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A malformed escape names no desktop; the gateway answers accordingly.
  }
}

// Links to desktops are followed without loading the page again: the desktop appears sooner.
document.addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a");
  if (link === null || link === undefined || event.defaultPrevented || event.button !== 0) return;
  const newWindow = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target !== "";
  if (newWindow || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || !/^\/(desktop|check)\//.test(link.pathname)) return;
  event.preventDefault();
  goTo(link.pathname);
});
window.addEventListener("popstate", () => {
  if (current?.back?.() !== true) void render();
});

applyTheme();
void render();
