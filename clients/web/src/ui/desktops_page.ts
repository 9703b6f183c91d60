/** The page that lists the desktops which the user may open. */

import { type Desktop, type Failure, listDesktops, signOut } from "../gateway/gateway_client.ts";
import { button, h } from "./dom.ts";
import { icon } from "./icons.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { texts } from "./texts.ts";

export interface DesktopsOptions {
  /** The user's name; empty when unknown. */
  readonly user: string;
  readonly signedOut: (expired: boolean) => void;
  readonly redraw: () => void;
}

/** Interval at which the list is loaded again, ms: desktops are started and ended elsewhere, too. */
const REFRESH_MS = 5_000;
/** Profile of desktops that draw test patterns; they are opened on the display-check page. */
const CHECK_PROFILE = "check";

export function desktopsPage(options: DesktopsOptions): Page {
  const t = texts();
  const list = h(
    "div",
    { class: "desktops", attrs: { "aria-live": "polite", "aria-busy": "true" } },
    h("p", { class: "muted" }, t.desktops.loading),
  );
  /** What the list shows, as JSON. */
  let drawn = "";
  let closed = false;

  const show = (desktops: readonly Desktop[]): void => {
    list.setAttribute("aria-busy", "false");
    // An unchanged list is not drawn again: that would take the focus and make screen readers repeat it.
    const key = JSON.stringify(desktops);
    if (key === drawn) return;
    drawn = key;
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
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") {
      options.signedOut(true);
      return;
    }
    // A list that was loaded stays: the next attempt may succeed.
    if (drawn !== "") return;
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
    else showFailure(answer.failure);
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
    h("span", { class: "desktop-icon" }, icon("screen")),
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
