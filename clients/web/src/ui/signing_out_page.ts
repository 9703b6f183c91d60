/**
 * The page from "Sign out" until the server has confirmed it. It shows nothing of the person, tries again while the
 * server cannot be reached, and says so. The sign-in page is shown only afterwards: over a living session it would
 * make people believe that they had signed out.
 */

import { h } from "./dom.ts";
import { sentences } from "./message.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { leave, type SignedOut } from "./sign_out.ts";
import { SignOutCore } from "./sign_out_core.ts";
import { texts } from "./texts.ts";

export interface SigningOutOptions {
  /** The server has confirmed it. */
  readonly signedOut: (what: SignedOut) => void;
  readonly redraw: () => void;
}

/** Interval at which the countdown is drawn, ms. */
const TICK_MS = 250;

export function signingOutPage(options: SigningOutOptions): Page {
  const t = texts().signingOut;
  const core = new SignOutCore();
  const progress = h("p", { class: "muted", attrs: { role: "status" } }, t.busy);
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  const count = h("p", { class: "muted" });
  const again = h(
    "button",
    { class: "primary", attrs: { type: "button", hidden: "" }, on: { click: () => tick(true) } },
    t.again,
  );
  let closed = false;

  const attempt = async (): Promise<void> => {
    draw();
    const left = await leave();
    if (closed) return;
    if (left === null) core.attemptFailed(Date.now());
    else {
      core.confirmed();
      options.signedOut(left);
    }
    draw();
  };
  const tick = (asked: boolean): void => {
    if (core.retry(Date.now(), asked)) void attempt();
    else draw();
  };
  const draw = (): void => {
    const waiting = core.state === "waiting";
    // An unchanged alert is not written again: screen readers would repeat it.
    if (core.failed && alert.textContent === "") alert.textContent = sentences(texts().messages.signIn.stillSignedIn);
    progress.hidden = core.failed;
    again.hidden = !core.failed;
    again.disabled = !waiting;
    count.textContent = core.failed ? (waiting ? t.next(core.remainingS(Date.now())) : t.busy) : "";
  };
  const timer = setInterval(() => tick(false), TICK_MS);
  const online = (): void => tick(true);
  window.addEventListener("online", online);

  const element = h(
    "div",
    { class: "page sign-in-page", attrs: { "data-signing-out": "" } },
    h(
      "main",
      { class: "centre" },
      h(
        "div",
        { class: "card sign-in" },
        h("div", { class: "sign-in-head" }, brand()),
        h("h1", { class: "lock-name" }, t.title),
        progress,
        alert,
        count,
        again,
      ),
    ),
    h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
  );
  return {
    element,
    title: t.title,
    signingOut: true,
    shown: () => void attempt(),
    close: () => {
      closed = true;
      clearInterval(timer);
      window.removeEventListener("online", online);
    },
  };
}
