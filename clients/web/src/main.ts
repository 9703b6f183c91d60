/** The entry point of the web client: decides by the address and the session which page is shown. */

import "./ui/styles/index.css";
import { pathBelowBase, pathTo } from "./base.ts";
import { whoAmI } from "./gateway/gateway_client.ts";
import { checkPage } from "./ui/check_page.ts";
import { desktopsPage } from "./ui/desktops_page.ts";
import { prepareInstalledApp } from "./ui/installed_app.ts";
import { notFoundPage } from "./ui/not_found_page.ts";
import type { Page } from "./ui/page.ts";
import { applyTheme, language, setUser } from "./ui/preferences.ts";
import { routeOf } from "./ui/route.ts";
import { signInPage } from "./ui/sign_in_page.ts";
import type { SignInReason } from "./ui/sign_out.ts";
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

function showSignIn(reason: SignInReason): void {
  show(() => signInPage({ reason, signedIn: () => void render(), redraw: () => showSignIn(reason) }));
}

/** Shows the sign-in page after somebody was signed out. */
function signedOut(reason: SignInReason): void {
  renderCount += 1;
  // Whoever signs in next starts at the list, not at the desktop of the person who left.
  if (reason !== "expired") history.replaceState(null, "", pathTo(""));
  showSignIn(reason);
}

/** Shows the page of the current address, or the sign-in page when nobody is signed in. */
async function render(): Promise<void> {
  const turn = ++renderCount;
  if (routeOf(pathBelowBase(location.pathname)).page === "nothing") {
    show(() => notFoundPage(() => void render()));
    return;
  }
  const user = await whoAmI();
  // The address changed while the server was asked.
  if (turn !== renderCount) return;
  if (!user.ok && user.failure.kind === "signed-out") {
    showSignIn("first");
    return;
  }
  const { username, name } = user.ok ? user.value : { username: "", name: "" };
  // The sign-in of another person expired in this tab: the address is theirs.
  if (setUser(username)) history.replaceState(null, "", pathTo(""));
  const route = routeOf(pathBelowBase(location.pathname));
  if (route.page === "desktop") showDesktop(route.desktop);
  else if (route.page === "check") show(() => checkPage({ desktop: route.desktop, showDesktopList, signedOut }));
  else show(() => desktopsPage({ user: name, signedOut, redraw: () => void render(), open: goTo }));
}

function showDesktopList(): void {
  goTo(pathTo(""));
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
      signedOut,
    }),
  );
}

// Links to pages of the client are followed without loading it again: the desktop appears sooner.
document.addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a");
  if (link === null || link === undefined || event.defaultPrevented || event.button !== 0) return;
  const newWindow = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target !== "";
  if (newWindow || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || routeOf(pathBelowBase(link.pathname)).page === "nothing") return;
  event.preventDefault();
  goTo(link.pathname);
});
window.addEventListener("popstate", () => {
  if (current?.back?.() !== true) void render();
});

applyTheme();
prepareInstalledApp();
void render();
