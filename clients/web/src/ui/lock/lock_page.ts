/** The page of a locked screen: it shows the person's name and nothing else of theirs, until they give their password. */

import {
  type Failure,
  type LockInfo,
  type LockReason,
  lockNow,
  lockState,
  unlock,
} from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import { downtimeBanner } from "../downtime_banner.ts";
import { icon } from "../icons.ts";
import { sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { PasswordForm } from "../password_form.ts";
import { providerButton } from "../provider/provider_buttons.ts";
import { failureAtProvider } from "../provider/provider_page.ts";
import { brand, settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";

export interface LockOptions {
  /** The server has not confirmed the lock that the person asked for: it is asked until it does. */
  readonly unconfirmed: boolean;
  readonly confirmed: () => void;
  /** The password was given, here or in another window. */
  readonly unlocked: () => void;
  /** The password was right; a second factor is due. */
  readonly factorDue: () => void;
  /** The sign-in expired, or was ended elsewhere. */
  readonly expired: () => void;
  /** The person signs out, or somebody else wants to sign in. */
  readonly signOut: () => void;
  readonly redraw: () => void;
}

/** Interval at which the page asks whether the screen is still locked, ms. */
const ASK_INTERVAL_MS = 3_000;

export function lockPage(options: LockOptions): Page {
  const t = texts().lock;
  const name = h("h1", { class: "lock-name" });
  const reason = h("p", { class: "hint", attrs: { role: "status" } });
  // Password managers need the name beside the password.
  const username = h("input", { attrs: { type: "text", name: "username", autocomplete: "username", hidden: "" } });
  const form = new PasswordForm("lock", { submit: t.unlock, busy: t.busy });
  const { password } = form;
  const banner = downtimeBanner();
  const label = h("label", { attrs: { for: "password" } }, t.password);
  const atProvider = h("div", { class: "providers", attrs: { hidden: "" } });
  let closed = false;
  let { unconfirmed } = options;

  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") options.expired();
    else if (failure.kind === "factor-due") options.factorDue();
    else form.showFailure(failure);
  };
  const showReason = (why: LockReason | null): void => {
    const text = sentences(texts().messages.lock.reasons[why ?? "idle"]);
    if (reason.textContent !== text) reason.textContent = text;
  };
  /** Whoever signed in at a provider has no password here. */
  const showProvider = (provider: LockInfo["provider"]): void => {
    if (provider === null || !atProvider.hidden) return;
    const failed = (failure: Failure): void => {
      if (failure.kind === "signed-out") options.expired();
      else form.showAlert(failureAtProvider(failure));
    };
    for (const part of [label, password, form.submit]) part.hidden = true;
    atProvider.replaceChildren(providerButton(provider, "unlock", failed));
    atProvider.hidden = false;
  };
  const ask = async (): Promise<void> => {
    const answer = unconfirmed ? await lockNow() : await lockState();
    if (closed) return;
    if (unconfirmed && (answer.ok || answer.failure.kind === "signed-out")) {
      unconfirmed = false;
      options.confirmed();
    }
    if (!answer.ok) {
      if (answer.failure.kind === "signed-out") options.expired();
      return;
    }
    const { state, name: person, username: account } = answer.value;
    name.textContent = person;
    username.value = account;
    showReason(answer.value.reason);
    showProvider(answer.value.provider);
    // "warned" is a lock that is due any moment, or one of which another window says more.
    if (state === "open") options.unlocked();
  };
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") void ask();
  }, ASK_INTERVAL_MS);

  const card = h(
    "form",
    {
      class: "card sign-in lock",
      attrs: { novalidate: "" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (form.submit.disabled) return;
          if (password.value === "") {
            form.showAlert(texts().messages.lock.missing);
            password.focus();
            return;
          }
          form.setBusy(true);
          void unlock(password.value).then((answer) => {
            if (closed) return;
            form.setBusy(false);
            if (answer.ok) options.unlocked();
            else showFailure(answer.failure);
          });
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand()),
    h("p", { class: "lock-title" }, icon("lock"), t.title),
    name,
    reason,
    banner.element,
    username,
    label,
    password,
    form.alert,
    form.submit,
    atProvider,
    h("button", { class: "quiet", attrs: { type: "button" }, on: { click: () => options.signOut() } }, t.someoneElse),
  );
  const element = h(
    "div",
    { class: "page sign-in-page" },
    h("main", { class: "centre" }, card),
    h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
  );
  showReason(null);
  return {
    element,
    title: t.title,
    locked: true,
    shown: () => {
      password.focus();
      banner.show();
      void ask();
    },
    close: () => {
      closed = true;
      banner.close();
      form.close();
      clearInterval(timer);
    },
  };
}
