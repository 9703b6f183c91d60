/** The desktops that the person may open. */

import { type Desktop, type Failure, listDesktops, signOut } from "../gateway/gateway_client.ts";
import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { texts } from "./texts.ts";

export interface DesktopsOptions {
  readonly person: string;
  readonly signedOut: (expired: boolean) => void;
  readonly redraw: () => void;
}

/** States change without the person: someone starts or ends a desktop. */
const REFRESH_MS = 5_000;
/** A desktop with this profile draws test patterns, and has a page of its own. */
const CHECK_PROFILE = "check";

export function desktopsPage(options: DesktopsOptions): Page {
  const t = texts();
  const list = h(
    "div",
    { class: "desktops", attrs: { "aria-live": "polite", "aria-busy": "true" } },
    h("p", { class: "muted" }, t.desktops.loading),
  );
  let shownAs = "";
  let closed = false;

  const show = (desktops: readonly Desktop[]): void => {
    list.setAttribute("aria-busy", "false");
    // Untouched while nothing changed, so that neither focus nor a screen reader is disturbed.
    const key = JSON.stringify(desktops);
    if (key === shownAs) return;
    shownAs = key;
    list.replaceChildren(
      ...(desktops.length > 0
        ? desktops.map(card)
        : [
            h(
              "div",
              { class: "empty" },
              icon("screen"),
              h("p", {}, t.desktops.none),
              h("p", { class: "muted" }, t.desktops.noneHint),
            ),
          ]),
    );
  };
  const fail = (failure: Failure): void => {
    if (failure.kind === "signed-out") {
      options.signedOut(true);
      return;
    }
    // A list that is there stays: the next look may work again.
    if (shownAs !== "") return;
    const reason =
      failure.kind === "unreachable"
        ? t.signIn.unreachable
        : failure.kind === "server" && failure.message !== ""
          ? failure.message
          : "";
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
        reason === "" ? null : h("p", { class: "muted" }, reason),
        retry,
      ),
    );
  };
  const refresh = async (): Promise<void> => {
    const answer = await listDesktops();
    if (closed) return;
    if (answer.ok) show(answer.value);
    else fail(answer.failure);
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
      h("span", { class: "spring" }),
      options.person === "" ? null : h("span", { class: "person" }, options.person),
      ...settingButtons(options.redraw),
      button(t.bar.signOut, icon("signOut"), "quiet square", () => {
        void signOut().then(() => options.signedOut(false));
      }),
    ),
    h("main", { class: "content" }, h("h1", {}, t.desktops.title), list),
  );
  return {
    element,
    title: t.desktops.title,
    shown: () => void refresh(),
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}

function card(desktop: Desktop): HTMLElement {
  const t = texts().desktops;
  const state = t.states[desktop.state] ?? desktop.state;
  const profile = t.profiles[desktop.profile] ?? desktop.profile;
  return h(
    "a",
    {
      class: "card desktop",
      attrs: {
        href: `/${desktop.profile === CHECK_PROFILE ? "check" : "desktop"}/${encodeURIComponent(desktop.name)}`,
      },
    },
    h("span", { class: "desktop-picture" }, icon("screen")),
    h(
      "span",
      { class: "desktop-text" },
      h("span", { class: "desktop-title" }, desktop.title),
      h("span", { class: "muted" }, profile),
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
