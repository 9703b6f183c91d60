/** The entry point of the web client: decides by the address and the session which page is shown. */

import "./ui/styles/index.css";
import { pathBelowBase, pathTo } from "./base.ts";
import { type EnrolledDevice, thisDevice } from "./gateway/device_client.ts";
import { type SignInStep, screenLocked, type UserWithRoles, whoAmI } from "./gateway/gateway_client.ts";
import { signInState } from "./gateway/second_factor_client.ts";
import { BadgeReader } from "./ui/badge_reader/badge_reader.ts";
import { BadgeTaps } from "./ui/badge_reader/badge_taps.ts";
import { checkPage } from "./ui/check_page.ts";
import { desktopsPage } from "./ui/desktops_page.ts";
import { enrolPage } from "./ui/device/enrol_page.ts";
import { prepareInstalledApp } from "./ui/installed_app.ts";
import { leavingMark, markLeaving, watchLeaving } from "./ui/leaving_mark.ts";
import { lockPage } from "./ui/lock/lock_page.ts";
import { ScreenLock } from "./ui/lock/screen_lock.ts";
import { notFoundPage } from "./ui/not_found_page.ts";
import type { Page } from "./ui/page.ts";
import { PersonMessages } from "./ui/person_messages/person_messages.ts";
import { applyTheme, language, setUser } from "./ui/preferences.ts";
import { providerPage } from "./ui/provider/provider_page.ts";
import { rememberedPage } from "./ui/provider/return_path.ts";
import { routeOf } from "./ui/route.ts";
import { codePage } from "./ui/second_factor/code_page.ts";
import { enrolmentPage } from "./ui/second_factor/enrolment_page.ts";
import { mySignInPage } from "./ui/second_factor/my_sign_in_page.ts";
import { signInPage } from "./ui/sign_in_page.ts";
import type { SignInReason } from "./ui/sign_out.ts";
import { signingOutPage } from "./ui/signing_out_page.ts";
import { texts } from "./ui/texts.ts";
import { viewerPage } from "./ui/viewer/viewer_page.ts";

/** Largest monitor number on the wire (PROTOCOL.md §2). */
const MONITOR_MAX = 0xffff;

const root = document.getElementById("app") ?? document.body;
let current: Page | null = null;
let renderCount = 0;
/** Who is signed in, as the server said last. */
let signedInAs = "";

/** Takes the keys of badges, before everything below listens to keys. */
const badgeReader = new BadgeReader();
/** The lock of this browser's screen. */
const screenLock = new ScreenLock();
/** What the person is to read, on every page. */
const personMessages = new PersonMessages();

/** Closes the current page, then creates and shows the next one. `locked` says that it comes back later. */
function show(createPage: () => Page, locked?: "locked"): void {
  current?.close(locked);
  const page = createPage();
  current = page;
  document.documentElement.lang = language();
  document.title = `${page.title} · ${texts().product}`;
  root.replaceChildren(page.element);
  page.shown();
}

function goTo(path: string): void {
  history.pushState(null, "", path);
  follow();
}

/** Shows the page of an address that has just changed: the present page, if the address is one of its own. */
function follow(): void {
  const path = pathBelowBase(location.pathname);
  if (path === null || current?.follow?.(path) !== true) void render();
}

function showSignIn(reason: SignInReason): void {
  screenLock.stop();
  personMessages.stop();
  show(() =>
    signInPage({
      reason,
      signedIn: () => void render(),
      factorDue: showFactorDue,
      redraw: () => showSignIn(reason),
      device: readDevice,
    }),
  );
}

/** Asks the server what this device is enrolled as, and how its reader of badges types; null if it is unknown. */
async function readDevice(): Promise<EnrolledDevice | null> {
  const answer = await thisDevice();
  if (!answer.ok) return null; // the reader stays as it is
  badgeReader.use(answer.value?.badge ?? null);
  return answer.value;
}

/** Shows the page that enrols this device, on which nobody need be signed in. */
function showEnrolment(): void {
  screenLock.stop();
  personMessages.stop();
  show(() => enrolPage(location.hash.slice(1), showEnrolment));
}

/** Shows the page on which a person gives, or sets up, the second factor after the right password. */
function showFactorDue(step: SignInStep): void {
  const options = {
    step,
    signedIn: () => void render(),
    startOver: (reason: SignInReason) => showSignIn(reason),
    redraw: () => showFactorDue(step),
  };
  show(() => (step.state === "enrolment" ? enrolmentPage(options) : codePage({ ...options, unlocks: false })));
}

/** Shows the page to which a provider has sent the browser back, which is over as soon as it is known how it went. */
function showProvider(provider: string, query: string): void {
  const back = (): void => history.replaceState(null, "", rememberedPage(pathBelowBase));
  show(() =>
    providerPage({
      provider,
      query,
      done: () => {
        back();
        void render();
      },
      factorDue: (step) => {
        back();
        showFactorDue(step);
      },
      factorToUnlock: () => {
        back();
        void showFactorToUnlock();
      },
      goOn: () => {
        back();
        void render();
      },
      redraw: () => showProvider(provider, ""),
    }),
  );
}

/** Shows the page on which a person gives the second factor to unlock the screen, after the right password. */
async function showFactorToUnlock(): Promise<void> {
  const turn = ++renderCount;
  const answer = await signInState();
  if (turn !== renderCount) return;
  if (!answer.ok) {
    showLock();
    return;
  }
  const step = answer.value;
  const draw = (): void =>
    show(() =>
      codePage({ step, unlocks: true, signedIn: () => screenLock.unlock(), startOver: showLock, redraw: draw }),
    );
  draw();
}

/** Shows the lock page instead of the current page, which comes back when the person gives their password. */
function showLock(): void {
  renderCount += 1;
  show(
    () =>
      lockPage({
        unconfirmed: leavingMark() === "lock",
        confirmed: () => markLeaving(null),
        unlocked: () => screenLock.unlock(),
        factorDue: () => void showFactorToUnlock(),
        expired: () => signedOut("expired"),
        signOut,
        redraw: showLock,
      }),
    "locked",
  );
}

/** Locks the screen because the person leaves. Without the server the page is locked all the same. */
function lock(): void {
  markLeaving("lock");
  screenLock.lock();
}

function signOut(): void {
  markLeaving("sign-out");
  showSigningOut();
}

/** Shows nothing of the person until the server has confirmed that they have signed out. */
function showSigningOut(): void {
  renderCount += 1;
  screenLock.stop();
  personMessages.stop();
  show(() =>
    signingOutPage({
      signedOut: (what) => {
        markLeaving(null);
        if (what.continueAt !== null) location.assign(what.continueAt);
        else signedOut(what);
      },
      redraw: showSigningOut,
    }),
  );
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
  const leaving = leavingMark();
  if (leaving !== null) {
    if (leaving === "sign-out") showSigningOut();
    else screenLock.lock();
    return;
  }
  const asked = routeOf(pathBelowBase(location.pathname));
  if (asked.page === "nothing") {
    show(() => notFoundPage(() => void render()));
    return;
  }
  if (asked.page === "provider") {
    showProvider(asked.provider, location.search);
    return;
  }
  if (asked.page === "enrol") {
    showEnrolment();
    return;
  }
  const user = await whoAmI();
  // The address changed while the server was asked.
  if (turn !== renderCount) return;
  if (!user.ok && user.failure.kind === "signed-out") {
    showSignIn("first");
    return;
  }
  if (!user.ok && user.failure.kind === "locked") return; // `screenLocked` shows the lock page
  const { username, name, roles } = user.ok ? user.value : { username: "", name: "", roles: [] };
  signedInAs = username;
  // The sign-in of another person expired in this tab: the address is theirs.
  if (setUser(username)) history.replaceState(null, "", pathTo(""));
  screenLock.start();
  personMessages.start();
  const route = routeOf(pathBelowBase(location.pathname));
  if (route.page === "desktop") showDesktop(route.desktop);
  else if (route.page === "admin") await showAdmin({ username, name, roles }, turn);
  else if (route.page === "my-sign-in") {
    show(() => mySignInPage({ user: name, showDesktopList, signedOut, redraw: () => void render() }));
  } else if (route.page === "check") show(() => checkPage({ desktop: route.desktop, showDesktopList, signedOut }));
  else {
    const redraw = (): void => void render();
    show(() => desktopsPage({ user: name, roles, signedOut, signOut, lock, redraw, open: goTo }));
  }
}

/** Shows the administration, which is loaded when it is needed for the first time. */
async function showAdmin({ username, name, roles }: UserWithRoles, turn: number): Promise<void> {
  const loaded = await import("./ui/admin/admin_page.ts").catch(() => null);
  // The address changed while the files were loaded.
  if (turn !== renderCount) return;
  const redraw = (): void => void render();
  if (loaded === null) {
    show(() => notFoundPage(redraw, texts().messages.notLoaded));
    return;
  }
  const path = pathBelowBase(location.pathname) ?? "";
  const common = { signedOut, signOut, lock, showDesktopList, redraw, open: goTo };
  show(() => loaded.adminPage({ ...common, username, user: name, roles, path }));
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
      signOut,
      lock,
      screen: screenLock,
    }),
  );
}

const badgeTaps = new BadgeTaps({
  showPage: (create) => {
    renderCount += 1;
    show(create, "locked");
  },
  locked: () => screenLock.lock(),
  cancelled: () => {
    if (screenLock.state === "locked") showLock();
    else void render();
  },
  displays: (username) =>
    username === signedInAs &&
    screenLock.state !== "locked" &&
    current?.locked !== true &&
    routeOf(pathBelowBase(location.pathname)).page === "desktop",
  lock,
  opened: (username, address) => {
    markLeaving(null);
    setUser(username);
    history.pushState(null, "", address);
    screenLock.unlock();
    void render();
  },
});
badgeReader.tapped.on((number) => badgeTaps.tapped(number, performance.now()));

// Links to pages of the client are followed without loading it again: the desktop appears sooner.
document.addEventListener("click", (event) => {
  const link = (event.target as Element | null)?.closest?.("a");
  if (link === null || link === undefined || event.defaultPrevented || event.button !== 0) return;
  const newWindow = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target !== "";
  if (newWindow || link.hasAttribute("download")) return;
  if (link.origin !== location.origin || routeOf(pathBelowBase(link.pathname)).page === "nothing") return;
  event.preventDefault();
  goTo(link.pathname + link.search);
});
window.addEventListener("popstate", () => {
  if (current?.back?.() !== true) follow();
});

screenLocked.on(() => {
  if (leavingMark() !== "sign-out") screenLock.lock();
});
screenLock.changed.on((state) => {
  if (state === "locked") {
    personMessages.stop();
    showLock();
  } else if (state === "open" && current?.locked === true) void render();
});
watchLeaving((leaving) => {
  if (leaving === "sign-out") showSigningOut();
  else if (leaving === "lock") screenLock.lock();
  // The other window has signed out: trying again here could sign out whoever signs in next.
  else if (current?.signingOut === true) signedOut({ ended: [], running: null, continueAt: null, signedInAt: null });
});

applyTheme();
prepareInstalledApp();
void render();
void readDevice();
