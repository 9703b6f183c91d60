/** The sign-in page. */

import { pathTo } from "../base.ts";
import type { EnrolledDevice } from "../gateway/device_client.ts";
import { type Failure, type SignInStep, signIn } from "../gateway/gateway_client.ts";
import { listProviders } from "../gateway/provider_client.ts";
import { h } from "./dom.ts";
import { downtimeBanner } from "./downtime_banner.ts";
import { sentences } from "./message.ts";
import type { Page } from "./page.ts";
import { PasswordForm } from "./password_form.ts";
import { providerButton } from "./provider/provider_buttons.ts";
import { failureAtProvider } from "./provider/provider_page.ts";
import { brand, settingButtons } from "./settings.ts";
import { reasonMessage, type SignInReason } from "./sign_out.ts";
import { texts } from "./texts.ts";

export interface SignInOptions {
  /** Why the page is shown; it says so. */
  readonly reason: SignInReason;
  readonly signedIn: () => void;
  /** The password was right; a second factor is due, or has to be set up. */
  readonly factorDue: (step: SignInStep) => void;
  readonly redraw: () => void;
  /** Asks the server what this device is enrolled as; null if it is unknown. */
  readonly device: () => Promise<EnrolledDevice | null>;
}

export function signInPage(options: SignInOptions): Page {
  const t = texts().signIn;
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
  const form = new PasswordForm("signIn", t);
  const { password } = form;
  const banner = downtimeBanner();
  /** What this device is enrolled as, if it is. */
  const device = h("span", { class: "muted", attrs: { "data-device": "" } });
  const providers = h("div", { class: "providers", attrs: { hidden: "" } });
  let closed = false;
  const showProviders = async (): Promise<void> => {
    const found = await listProviders();
    if (closed || found.length === 0) return;
    const failed = (failure: Failure): void => form.showAlert(failureAtProvider(failure));
    providers.replaceChildren(
      h("p", { class: "or" }, texts().provider.or),
      ...found.map((provider) => providerButton(provider, "signIn", failed)),
    );
    providers.hidden = false;
  };

  const card = h(
    "form",
    {
      class: "card sign-in",
      attrs: { novalidate: "", "aria-labelledby": "sign-in-title" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (form.submit.disabled) return;
          if (username.value === "" || password.value === "") {
            form.showAlert(texts().messages.signIn.missing);
            (username.value === "" ? username : password).focus();
            return;
          }
          form.setBusy(true);
          void signIn(username.value, password.value).then((answer) => {
            form.setBusy(false);
            if (answer.ok && answer.value.state === "signed-in") options.signedIn();
            else if (answer.ok) options.factorDue(answer.value);
            else form.showFailure(answer.failure);
          });
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand(), h("p", { class: "tagline" }, texts().tagline)),
    h("h1", { class: "sr-only", attrs: { id: "sign-in-title" } }, t.title),
    reason === null ? null : h("p", { class: "hint", attrs: { role: "status" } }, sentences(reason)),
    banner.element,
    h("label", { attrs: { for: "username" } }, t.username),
    username,
    h("label", { attrs: { for: "password" } }, t.password),
    password,
    form.alert,
    form.submit,
    providers,
  );
  const element = h(
    "div",
    { class: "page sign-in-page" },
    h("main", { class: "centre" }, card),
    h(
      "footer",
      { class: "footer" },
      h("a", { class: "quiet", attrs: { href: pathTo("ca.crt"), download: "" } }, t.certificate),
      device,
      h("span", { class: "spacer" }),
      ...settingButtons(options.redraw),
    ),
  );
  return {
    element,
    title: t.title,
    shown: () => {
      username.focus();
      banner.show();
      void options.device().then((here) => {
        if (here !== null) device.textContent = texts().device.here(here.name, here.place);
      });
      void showProviders();
    },
    close: () => {
      closed = true;
      banner.close();
      form.close();
    },
  };
}
