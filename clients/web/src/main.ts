/** The page's composition root: decides by address and session which page is there. */

import "./ui/styles/index.css";
import { whoAmI } from "./gateway/gateway_client.ts";
import { checkPage } from "./ui/check_page.ts";
import { desktopsPage } from "./ui/desktops_page.ts";
import type { Page } from "./ui/page.ts";
import { applyTheme, language, setPerson } from "./ui/preferences.ts";
import { signInPage } from "./ui/sign_in_page.ts";
import { texts } from "./ui/texts.ts";
import { viewerPage } from "./ui/viewer/viewer_page.ts";

const root = document.getElementById("app") ?? document.body;
let current: Page | null = null;
let draws = 0;

function put(page: Page): void {
  current?.close();
  current = page;
  document.documentElement.lang = language();
  document.title = `${page.title} · ${texts().product}`;
  root.replaceChildren(page.element);
  page.shown();
}

function go(path: string): void {
  history.pushState(null, "", path);
  void draw();
}

function signedOut(expired: boolean): void {
  put(signInPage({ expired, signedIn: () => void draw(), redraw: () => signedOut(expired) }));
}

/** The page for the current address; asks first who is there. */
async function draw(): Promise<void> {
  const turn = ++draws;
  const person = await whoAmI();
  if (turn !== draws) return;
  if (!person.ok && person.failure.kind === "signed-out") {
    signedOut(false);
    return;
  }
  setPerson(person.ok ? person.value : "");
  const desktop = /^\/desktop\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (desktop !== undefined) {
    const query = new URLSearchParams(location.search);
    const monitor = Number(query.get("monitor") ?? 0);
    put(
      viewerPage({
        desktop: decodeName(desktop),
        monitor: Number.isInteger(monitor) && monitor >= 0 && monitor <= 0xffff ? monitor : 0,
        fitWindow: query.get("fit") === "window",
        beside: query.get("beside") === "yes",
        toList: () => go("/"),
        toMonitor: (number) => {
          query.set("monitor", String(number));
          history.replaceState(history.state, "", `${location.pathname}?${query}`);
          void draw();
        },
        keepBeside: (on) => {
          if (on) query.set("beside", "yes");
          else query.delete("beside");
          history.replaceState(history.state, "", query.size > 0 ? `${location.pathname}?${query}` : location.pathname);
        },
        signedOut,
      }),
    );
    return;
  }
  const checked = /^\/check\/([^/]+)\/?$/.exec(location.pathname)?.[1];
  if (checked !== undefined) {
    put(checkPage({ desktop: decodeName(checked), toList: () => go("/"), signedOut }));
    return;
  }
  put(desktopsPage({ person: person.ok ? person.value : "", signedOut, redraw: () => void draw() }));
}

function decodeName(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A broken escape is no desktop's name; the door will say so.
  }
}

// Links within the product need no new page load: the way from a click to the picture is shorter.
document.addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a");
  if (link === null || link === undefined || event.defaultPrevented || event.button !== 0) return;
  if (
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey ||
    link.target !== "" ||
    link.hasAttribute("download")
  )
    return;
  if (link.origin !== location.origin || !/^\/(desktop|check)\//.test(link.pathname)) return;
  event.preventDefault();
  go(link.pathname);
});
window.addEventListener("popstate", () => {
  if (current?.back?.() !== true) void draw();
});

applyTheme();
void draw();
