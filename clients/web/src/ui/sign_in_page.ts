/** The sign-in page. */

import { BASE_PATH, pathTo } from "../base.ts";
import { type Failure, signIn } from "../gateway/gateway_client.ts";
import { apiMessage } from "./api_message.ts";
import { h } from "./dom.ts";
import { type Message, sentences } from "./message.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { reasonMessage, type SignInReason } from "./sign_out.ts";
import { texts } from "./texts.ts";

export interface SignInOptions {
  /** Why the page is shown; it says so. */
  readonly reason: SignInReason;
  readonly signedIn: () => void;
  readonly redraw: () => void;
}

export function signInPage(options: SignInOptions): Page {
  const t = texts().signIn;
  const messages = texts().messages.signIn;
  const reason = reasonMessage(options.reason);
  const username = h("input", {
    attrs: {
      name: "username",
      id: "username",
      type: "text",
      autocomplete: "username",
      autocapitalize: "none",
      autocorrect: "off",
      spellcheck: "false",
      required: "",
      maxlength: "256",
    },
  });
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
  const submit = h("button", { class: "primary", attrs: { type: "submit" } }, t.submit);
  let countdown: ReturnType<typeof setInterval> | undefined;

  const showAlert = (message: Message | null): void => {
    alert.textContent = message === null ? "" : sentences(message);
  };
  const setBusy = (on: boolean): void => {
    submit.disabled = on;
    submit.textContent = on ? t.busy : t.submit;
  };
  /** Counts down the seconds until the gateway accepts another attempt. */
  const countDown = (seconds: number): void => {
    let remaining = seconds;
    showAlert(messages.tooMany(remaining));
    submit.disabled = true;
    countdown = setInterval(() => {
      remaining -= 1;
      if (remaining > 0) {
        showAlert(messages.tooMany(remaining));
        return;
      }
      clearInterval(countdown);
      showAlert(null);
      submit.disabled = false;
    }, 1000);
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "too-many") countDown(failure.waitS);
    else if (failure.kind === "unreachable") showAlert(messages.unreachable);
    else if (failure.kind === "proxy")
      showAlert(texts().messages.proxy[failure.fault](`${location.origin}${BASE_PATH}`));
    else if (failure.kind === "server") showAlert(apiMessage(failure.code, failure.status));
    else {
      showAlert(messages.wrongPassword);
      password.focus();
      password.select();
    }
  };

  const form = h(
    "form",
    {
      class: "card sign-in",
      attrs: { novalidate: "", "aria-labelledby": "sign-in-title" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (submit.disabled) return;
          if (username.value === "" || password.value === "") {
            showAlert(messages.missing);
            (username.value === "" ? username : password).focus();
            return;
          }
          setBusy(true);
          showAlert(null);
          void signIn(username.value, password.value).then((answer) => {
            setBusy(false);
            if (answer.ok) options.signedIn();
            else showFailure(answer.failure);
          });
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand(), h("p", { class: "tagline" }, texts().tagline)),
    h("h1", { class: "sr-only", attrs: { id: "sign-in-title" } }, t.title),
    reason === null ? null : h("p", { class: "hint", attrs: { role: "status" } }, sentences(reason)),
    h("label", { attrs: { for: "username" } }, t.username),
    username,
    h("label", { attrs: { for: "password" } }, t.password),
    password,
    alert,
    submit,
  );
  const element = h(
    "div",
    { class: "page sign-in-page" },
    h("main", { class: "centre" }, form),
    h(
      "footer",
      { class: "footer" },
      h("a", { class: "quiet", attrs: { href: pathTo("ca.crt"), download: "" } }, t.certificate),
      h("span", { class: "spacer" }),
      ...settingButtons(options.redraw),
    ),
  );
  return {
    element,
    title: t.title,
    shown: () => username.focus(),
    close: () => clearInterval(countdown),
  };
}
