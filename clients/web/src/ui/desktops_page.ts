/** The page that lists the desktops which the user may open. */

import { pathTo } from "../base.ts";
import { emergencyChoices } from "../gateway/emergency_client.ts";
import { type Desktop, type Failure, listDesktops, type Role } from "../gateway/gateway_client.ts";
import { apiMessage } from "./api_message.ts";
import { button, h } from "./dom.ts";
import { askForEmergency } from "./emergency/emergency_dialog.ts";
import { askToEnd, desktopToEnd, type Ending } from "./end_desktop_dialog.ts";
import { type IconName, icon } from "./icons.ts";
import { sentences } from "./message.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { type SignInReason, titleOf } from "./sign_out.ts";
import { texts } from "./texts.ts";

export interface DesktopsOptions {
  /** The user's name; empty when unknown. */
  readonly user: string;
  /** Whoever has a role sees the entry of the administration. */
  readonly roles: readonly Role[];
  readonly signedOut: (reason: SignInReason) => void;
  readonly signOut: () => void;
  readonly lock: () => void;
  readonly redraw: () => void;
  /** Shows the page of this address. */
  readonly open: (address: string) => void;
}

/** Interval at which the list is loaded again, ms: desktops are started and ended elsewhere, too. */
const REFRESH_MS = 5_000;
/** Profile of desktops that draw test patterns; they are opened on the display-check page. */
const CHECK_PROFILE = "check";
/** Icons of the profiles; other desktops have that of a screen. */
const ICONS: Readonly<Record<string, IconName>> = { radiology: "radiology", office: "office", check: "check" };

export function desktopsPage(options: DesktopsOptions): Page {
  const t = texts();
  const list = h(
    "div",
    { attrs: { "aria-live": "polite", "aria-busy": "true" } },
    h("p", { class: "muted" }, t.desktops.loading),
  );
  /** What the list shows, as JSON. */
  let drawn = "";
  let closed = false;

  const show = (desktops: readonly Desktop[]): void => {
    list.setAttribute("aria-busy", "false");
    // An unchanged list is not drawn again: that would take the focus and make screen readers repeat it.
    const listed = desktops.filter(({ kind }) => kind !== "unlisted");
    const key = JSON.stringify(
      listed.map((desktop) => ({ ...desktop, endsInS: desktop.endsInS === null ? null : timeLeft(desktop.endsInS) })),
    );
    if (key === drawn) return;
    drawn = key;
    const tools = listed.filter(({ kind }) => kind === "tool");
    const others = listed.filter(({ kind }) => kind !== "tool");
    const { activeElement } = document;
    const focused = list.contains(activeElement) ? selectorOf(activeElement) : null;
    list.replaceChildren(
      ...(listed.every(({ isolated }) => isolated)
        ? []
        : [h("p", { class: "muted not-isolated" }, sentences(t.messages.notIsolated))]),
      ...(others.length > 0
        ? [h("div", { class: "desktops" }, ...others.map((desktop) => entry(desktop, ended)))]
        : [nothingToOpen()]),
      ...(tools.length > 0
        ? [
            h("h2", {}, t.desktops.tools),
            h("div", { class: "desktops" }, ...tools.map((desktop) => entry(desktop, ended))),
          ]
        : []),
    );
    if (focused !== null) list.querySelector<HTMLElement>(focused)?.focus();
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") {
      options.signedOut("expired");
      return;
    }
    if (failure.kind === "locked") return; // the lock page is about to be shown
    // A list that was loaded stays: the next attempt may succeed.
    if (drawn !== "") return;
    const { signIn } = texts().messages;
    const reason = failure.kind === "server" ? apiMessage(failure.code, failure.status) : signIn.unreachable;
    const retry = h(
      "button",
      { class: "secondary", attrs: { type: "button" }, on: { click: () => void refresh() } },
      t.desktops.retry,
    );
    list.replaceChildren(
      h(
        "div",
        { class: "empty", attrs: { role: "alert" } },
        icon("warning"),
        h("p", {}, t.desktops.failed),
        h("p", { class: "muted" }, sentences(reason)),
        retry,
      ),
    );
  };
  const ended = (desktop: Desktop, ending: Ending): void => {
    if (ending === "restart") options.open(addressOf(desktop));
    else void refresh();
  };
  const refresh = async (): Promise<void> => {
    const answer = await listDesktops();
    if (closed) return;
    if (answer.ok) show(answer.value);
    else showFailure(answer.failure);
  };
  /** Offered to people who may open other desktops in an emergency. */
  const emergency = h(
    "button",
    { class: "quiet emergency-open", attrs: { type: "button", hidden: "" } },
    t.emergency.open,
  );
  const open = (name: string): void => options.open(pathTo(`desktop/${encodeURIComponent(name)}`));
  emergency.addEventListener("click", () => {
    void emergencyChoices().then((answer) => {
      if (!closed && answer.ok && answer.value !== null) askForEmergency(answer.value, open);
    });
  });
  const offerEmergency = async (): Promise<void> => {
    const answer = await emergencyChoices();
    emergency.hidden = !answer.ok || answer.value === null || answer.value.desktops.length === 0;
  };
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") void refresh();
  }, REFRESH_MS);

  const element = h(
    "div",
    { class: "page" },
    h(
      "header",
      { class: "header" },
      brand(),
      h("span", { class: "spacer" }),
      options.user === "" ? null : h("span", { class: "user-name" }, options.user),
      ...settingButtons(options.redraw),
      options.roles.length === 0
        ? null
        : button(t.administration, icon("administration"), "quiet square", () => options.open(pathTo("admin"))),
      button(t.mySignIn.title, icon("account"), "quiet square", () => options.open(pathTo("my-sign-in"))),
      button(t.bar.lock, icon("lock"), "quiet square", () => options.lock()),
      button(t.bar.signOut, icon("signOut"), "quiet square", () => options.signOut()),
    ),
    h("main", { class: "content" }, h("h1", {}, t.desktops.title), list, emergency),
  );
  return {
    element,
    title: t.desktops.title,
    shown: () => {
      void refresh();
      void offerEmergency();
    },
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

/** Returns the address of the page that shows a desktop. */
function addressOf(desktop: Desktop): string {
  return pathTo(`${desktop.profile === CHECK_PROFILE ? "check" : "desktop"}/${encodeURIComponent(desktop.name)}`);
}

/** Returns a selector of a control of the list, by which it is found again after the list was redrawn. */
function selectorOf(control: Element | null): string | null {
  const [href, ends] = [control?.getAttribute("href") ?? null, control?.getAttribute("data-end") ?? null];
  if (href !== null) return `a[href="${CSS.escape(href)}"]`;
  return ends === null ? null : `button[data-end="${CSS.escape(ends)}"]`;
}

/** What the list shows to a person who may open no desktop. */
function nothingToOpen(): HTMLElement {
  const { what, why, next } = texts().messages.noDesktop;
  return h(
    "div",
    { class: "empty" },
    icon("screen"),
    h("p", {}, what),
    h("p", { class: "muted" }, why),
    h("p", { class: "muted" }, next),
  );
}

/** Time left below which a desktop that is about to end is shown as a warning, s. */
const ENDS_SOON_S = 3600;

/** Returns a time in words. Coarse, because each change redraws the list. */
function timeLeft(seconds: number): string {
  const t = texts().endDesktop;
  if (seconds >= ENDS_SOON_S) return t.hours(String(Math.round(seconds / 3600)));
  return t.minutes(String(Math.max(5, Math.ceil(seconds / 300) * 5)));
}

/** A desktop of the list; below one that runs are the time until it ends, and a button that ends it. */
function entry(desktop: Desktop, ended: (desktop: Desktop, ending: Ending) => void): HTMLElement {
  const running = desktop.state === "ready" || desktop.state === "starting";
  if (!running) return h("div", { class: "card" }, card(desktop));
  const t = texts();
  const { endsInS } = desktop;
  const soon = endsInS !== null && endsInS < ENDS_SOON_S;
  const title = `${t.endDesktop.open} – ${titleOf(desktop)}`;
  return h(
    "div",
    { class: "card" },
    card(desktop),
    h(
      "div",
      { class: "desktop-running" },
      h(
        "span",
        { class: soon ? "ends-soon" : "muted" },
        endsInS === null ? "" : sentences(t.messages.endDesktop.unattended(timeLeft(endsInS))),
      ),
      h(
        "button",
        {
          class: "quiet",
          attrs: { type: "button", "aria-label": title, "data-end": desktop.name },
          on: {
            click: () =>
              void askToEnd(desktopToEnd(desktop)).then((ending) => {
                if (ending !== null) ended(desktop, ending);
              }),
          },
        },
        t.endDesktop.open,
      ),
    ),
  );
}

function card(desktop: Desktop): HTMLElement {
  const t = texts().desktops;
  const state = t.states[desktop.state] ?? desktop.state;
  const title = titleOf(desktop);
  // A desktop that has the name of its profile is not named twice.
  const profile = t.profiles[desktop.profile];
  const subtitle = profile === undefined || profile === title ? null : profile;
  const home = t.homes[desktop.home];
  return h(
    "a",
    {
      class: "desktop",
      attrs: { href: addressOf(desktop) },
    },
    h("span", { class: "desktop-icon" }, icon(ICONS[desktop.profile] ?? "screen")),
    h(
      "span",
      { class: "desktop-text" },
      h("span", { class: "desktop-title" }, title),
      subtitle === null ? null : h("span", { class: "muted" }, subtitle),
      home === "" ? null : h("span", { class: "muted" }, home),
      h(
        "span",
        { class: "desktop-state", attrs: { "data-desktop-state": desktop.state } },
        h("span", { class: "dot" }),
        state,
      ),
    ),
    h("span", { class: "desktop-open" }, icon("arrow")),
  );
}
