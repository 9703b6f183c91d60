/** The sign-in page. */

import { type Failure, signIn } from "../gateway/gateway_client.ts";
import { h } from "./dom.ts";
import type { Page } from "./page.ts";
import { brand, settingButtons } from "./settings.ts";
import { texts } from "./texts.ts";

export interface SignInOptions {
  /** The session of the person ended: the page says so. */
  readonly expired: boolean;
  readonly signedIn: () => void;
  readonly redraw: () => void;
}

export function signInPage(options: SignInOptions): Page {
  const t = texts().signIn;
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

  const showAlert = (text: string): void => {
    alert.textContent = text;
  };
  const setBusy = (on: boolean): void => {
    submit.disabled = on;
    submit.textContent = on ? t.busy : t.submit;
  };
  /** Counts down the seconds until the gateway accepts another attempt. */
  const countDown = (seconds: number): void => {
    let remaining = seconds;
    showAlert(t.tooMany(remaining));
    submit.disabled = true;
    countdown = setInterval(() => {
      remaining -= 1;
      if (remaining > 0) {
        showAlert(t.tooMany(remaining));
        return;
      }
      clearInterval(countdown);
      showAlert("");
      submit.disabled = false;
    }, 1000);
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "too-many") countDown(failure.waitS);
    else if (failure.kind === "unreachable") showAlert(t.unreachable);
    else if (failure.kind === "server") showAlert(t.server(failure.status));
    else {
      showAlert(t.wrongPassword);
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
            showAlert(t.missing);
            (username.value === "" ? username : password).focus();
            return;
          }
          setBusy(true);
          showAlert("");
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
    options.expired ? h("p", { class: "hint" }, t.signedOut) : null,
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
      h("a", { class: "quiet", attrs: { href: "/ca.crt", download: "" } }, t.certificate),
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
