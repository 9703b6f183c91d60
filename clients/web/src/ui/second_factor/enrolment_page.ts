/** The page that leads a person through setting up a second factor, after the right password. */

import type { Failure, SignInStep } from "../../gateway/gateway_client.ts";
import type { Enrolled } from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { type IconName, icon } from "../icons.ts";
import { sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { brand, settingButtons } from "../settings.ts";
import type { SignInReason } from "../sign_out.ts";
import { texts } from "../texts.ts";
import { appSetup } from "./app_setup.ts";
import { passkeySetup } from "./passkey_setup.ts";
import { recoveryCodes } from "./recovery_codes.ts";
import { browserHasPasskeys } from "./webauthn.ts";

export interface EnrolmentOptions {
  readonly step: SignInStep;
  readonly signedIn: () => void;
  /** The password is due again. */
  readonly startOver: (reason: SignInReason) => void;
  readonly redraw: () => void;
}

export function enrolmentPage(options: EnrolmentOptions): Page {
  const t = texts().secondFactor;
  const body = h("div", { class: "factor-body" });
  const back = h("button", { class: "quiet", attrs: { type: "button" } }, t.startOver);
  let enrolled = false;

  const setup = {
    path: "sign-in",
    done: (result: Enrolled): void => {
      enrolled = true;
      back.hidden = true;
      settings.hidden = true; // another language would draw the page anew, without the codes
      if (result.recoveryCodes === null) {
        options.signedIn();
        return;
      }
      body.replaceChildren(recoveryCodes(result.recoveryCodes, options.step.username, options.signedIn));
      body.querySelector<HTMLElement>("h2")?.focus();
    },
    refused: (_failure: Failure): void => options.startOver("step-over"),
  } as const;
  const showSetup = (element: HTMLElement): void => {
    back.textContent = t.chooseAgain;
    back.onclick = choose;
    body.replaceChildren(element);
    element.querySelector<HTMLElement>("input, button")?.focus();
  };
  const choice = (name: IconName, title: string, hint: string, create: () => HTMLElement): HTMLElement =>
    h(
      "button",
      { class: "factor-choice", attrs: { type: "button" }, on: { click: () => showSetup(create()) } },
      icon(name),
      h("span", { class: "factor-choice-text" }, h("strong", {}, title), h("span", { class: "muted" }, hint)),
    );
  const choose = (): void => {
    back.textContent = t.startOver;
    back.onclick = () => options.startOver("first");
    const passkeys = options.step.methods.includes("passkey") && browserHasPasskeys();
    body.replaceChildren(
      h("p", { class: "hint" }, sentences(texts().messages.secondFactor.enrolment)),
      choice("phone", t.app, t.appHint, () => appSetup(setup)),
      ...(passkeys ? [choice("passkey", t.passkey, t.passkeyChoiceHint, () => passkeySetup(setup))] : []),
    );
    body.querySelector("button")?.focus();
  };
  choose();

  const settings = h("span", { class: "factor-settings" }, ...settingButtons(options.redraw));
  const expiry = setTimeout(() => {
    if (!enrolled) options.startOver("step-over");
  }, options.step.expiresInS * 1000);
  return {
    element: h(
      "div",
      { class: "page sign-in-page" },
      h(
        "main",
        { class: "centre" },
        h(
          "div",
          { class: "card sign-in second-factor enrolment" },
          h("div", { class: "sign-in-head" }, brand()),
          h("h1", { class: "factor-title" }, t.enrolmentTitle),
          h("p", { class: "muted factor-person" }, options.step.name),
          body,
          back,
        ),
      ),
      h("footer", { class: "footer" }, h("span", { class: "spacer" }), settings),
    ),
    title: t.enrolmentTitle,
    shown: () => body.querySelector("button")?.focus(),
    close: () => clearTimeout(expiry),
  };
}
