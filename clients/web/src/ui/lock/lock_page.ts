/** The page of a locked screen: it shows the person's name and nothing else of theirs, until they give their password. */

import { type Failure, type LockReason, lockNow, lockState, unlock } from "../../gateway/gateway_client.ts";
import { apiMessage } from "../api_message.ts";
import { h } from "../dom.ts";
import { icon } from "../icons.ts";
import { type Message, sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { brand, settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";

export interface LockOptions {
  /** The server has not confirmed the lock that the person asked for: it is asked until it does. */
  readonly unconfirmed: boolean;
  readonly confirmed: () => void;
  /** The password was given, here or in another window. */
  readonly unlocked: () => void;
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
  const password = h("input", {
    attrs: {
      name: "password",
      id: "password",
      type: "password",
      autocomplete: "current-password",
      required: "",
      maxlength: "1024",
    },
  });
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  const submit = h("button", { class: "primary", attrs: { type: "submit" } }, t.unlock);
  let countdown: ReturnType<typeof setInterval> | undefined;
  let closed = false;
  let { unconfirmed } = options;

  const showAlert = (message: Message | null): void => {
    alert.textContent = message === null ? "" : sentences(message);
  };
  /** Counts down the seconds until the gateway accepts another attempt. */
  const countDown = (seconds: number): void => {
    let remaining = seconds;
    submit.disabled = true;
    const draw = (): void => showAlert(texts().messages.lock.tooMany(remaining));
    draw();
    clearInterval(countdown);
    countdown = setInterval(() => {
      remaining -= 1;
      if (remaining > 0) return draw();
      clearInterval(countdown);
      showAlert(null);
      submit.disabled = false;
    }, 1000);
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") options.expired();
    else if (failure.kind === "too-many") countDown(failure.waitS);
    else if (failure.kind === "unreachable") showAlert(texts().messages.lock.unreachable);
    else if (failure.kind === "server") showAlert(apiMessage(failure.code, failure.status));
    else {
      showAlert(texts().messages.lock.wrongPassword);
      password.focus();
      password.select();
    }
  };
  const showReason = (why: LockReason | null): void => {
    const text = sentences(texts().messages.lock.reasons[why ?? "idle"]);
    if (reason.textContent !== text) reason.textContent = text;
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
    // "warned" is a lock that is due any moment, or one of which another window says more.
    if (state === "open") options.unlocked();
  };
  const timer = setInterval(() => {
    if (document.visibilityState === "visible") void ask();
  }, ASK_INTERVAL_MS);

  const form = h(
    "form",
    {
      class: "card sign-in lock",
      attrs: { novalidate: "" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (submit.disabled) return;
          if (password.value === "") {
            showAlert(texts().messages.lock.missing);
            password.focus();
            return;
          }
          submit.disabled = true;
          submit.textContent = t.busy;
          showAlert(null);
          void unlock(password.value).then((answer) => {
            if (closed) return;
            submit.disabled = false;
            submit.textContent = t.unlock;
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
    username,
    h("label", { attrs: { for: "password" } }, t.password),
    password,
    alert,
    submit,
    h("button", { class: "quiet", attrs: { type: "button" }, on: { click: () => options.signOut() } }, t.someoneElse),
  );
  const element = h(
    "div",
    { class: "page sign-in-page" },
    h("main", { class: "centre" }, form),
    h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
  );
  showReason(null);
  return {
    element,
    title: t.title,
    locked: true,
    shown: () => {
      password.focus();
      void ask();
    },
    close: () => {
      closed = true;
      password.value = "";
      clearInterval(countdown);
      clearInterval(timer);
    },
  };
}
