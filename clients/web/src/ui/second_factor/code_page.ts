/** The page on which a person gives the second factor, after the right password, to sign in or to unlock the screen. */

import type { Answer, FactorMethod, Failure, SignInStep } from "../../gateway/gateway_client.ts";
import { giveCode, givePasskey, passkeyOptions } from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { brand, settingButtons } from "../settings.ts";
import type { SignInReason } from "../sign_out.ts";
import { texts } from "../texts.ts";
import { failureMessage, passkeyMessage } from "./failure_message.ts";
import { alertLine, countDown, digitsField, workButton } from "./form_parts.ts";
import { browserHasPasskeys, usePasskey } from "./webauthn.ts";

export interface CodeOptions {
  readonly step: SignInStep;
  /** The factor unlocks the screen; otherwise it signs in. */
  readonly unlocks: boolean;
  readonly signedIn: () => void;
  /** The password is due again. */
  readonly startOver: (reason: SignInReason) => void;
  readonly redraw: () => void;
}

export function codePage(options: CodeOptions): Page {
  const t = texts().secondFactor;
  const methods = options.step.methods.filter((method) => method !== "passkey" || browserHasPasskeys());
  const alert = alertLine();
  const body = h("div", { class: "factor-body" });
  let method: FactorMethod | undefined = methods.includes("app") ? "app" : methods[0];
  let focus: HTMLElement | null = null;
  let stopCounting = (): void => {};
  let busy = false;
  let closed = false;

  const finish = (answer: Answer<SignInStep>): void => {
    if (closed) return;
    busy = false;
    if (answer.ok) options.signedIn();
    else showFailure(answer.failure);
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") {
      options.startOver("step-over");
      return;
    }
    draw(); // with an empty field
    if (failure.kind !== "too-many") {
      alert.show(failureMessage(failure));
      return;
    }
    const controls = [...body.querySelectorAll<HTMLInputElement | HTMLButtonElement>("input, button")];
    for (const control of controls) control.disabled = true;
    stopCounting = countDown(failure.waitS, alert.show, texts().messages.secondFactor.tooMany, draw);
  };
  const give = (kind: "app" | "recovery", code: string): void => {
    if (busy) return;
    busy = true;
    alert.show(null);
    void giveCode(kind, code).then(finish);
  };
  const passkey = async (): Promise<void> => {
    alert.show(null);
    const asked = await passkeyOptions();
    if (closed) return;
    if (!asked.ok) {
      showFailure(asked.failure);
      return;
    }
    const used = await usePasskey(asked.value);
    if (closed) return;
    if (used.ok) finish(await givePasskey(used.credential));
    else alert.show(passkeyMessage(used.fault));
  };

  const appForm = (): HTMLElement[] => {
    const field = digitsField("code", (code) => give("app", code));
    focus = field;
    return [
      h("label", { attrs: { for: "code" } }, t.code),
      h("p", { class: "muted factor-hint", attrs: { id: "code-hint" } }, t.codeHint),
      field,
    ];
  };
  const recoveryForm = (): HTMLElement[] => {
    const field = h("input", {
      class: "recovery-field",
      attrs: {
        id: "code",
        name: "recovery-code",
        type: "text",
        autocomplete: "off",
        autocapitalize: "characters",
        spellcheck: "false",
        placeholder: "XXXX-XXXX-XXXX",
        maxlength: "64",
      },
    });
    focus = field;
    const submit = h("button", { class: "primary", attrs: { type: "submit" } }, options.unlocks ? t.unlock : t.submit);
    return [
      h("label", { attrs: { for: "code" } }, t.recoveryCode),
      h("p", { class: "muted factor-hint" }, t.recoveryHint),
      field,
      submit,
    ];
  };
  const passkeyForm = (): HTMLElement[] => {
    const use = workButton(t.usePasskey, "primary", passkey);
    focus = use;
    return [h("p", { class: "muted factor-hint" }, t.passkeyHint), use];
  };
  const nothing = (): HTMLElement[] => [
    h("p", { class: "hint" }, sentences(texts().messages.secondFactor.noMethodHere)),
  ];
  const forms: Readonly<Record<FactorMethod, () => HTMLElement[]>> = {
    app: appForm,
    recovery: recoveryForm,
    passkey: passkeyForm,
  };
  const labels: Readonly<Record<FactorMethod, string>> = {
    app: t.useApp,
    recovery: t.useRecovery,
    passkey: t.usePasskeyInstead,
  };

  const draw = (): void => {
    stopCounting();
    alert.show(null);
    const others = methods.filter((other) => other !== method);
    body.replaceChildren(
      ...(method === undefined ? nothing() : forms[method]()),
      alert.element,
      ...others.map((other) =>
        h(
          "button",
          {
            class: "secondary",
            attrs: { type: "button", "data-method": other },
            on: {
              click: () => {
                method = other;
                draw();
              },
            },
          },
          labels[other],
        ),
      ),
    );
    focus?.focus();
  };
  draw();

  const form = h(
    "form",
    {
      class: "card sign-in second-factor",
      attrs: { novalidate: "", "aria-labelledby": "factor-title" },
      on: {
        submit: (event) => {
          event.preventDefault();
          const field = body.querySelector<HTMLInputElement>("#code");
          if (field === null || busy || field.disabled) return;
          if (field.value.trim() === "" || method === "passkey") {
            alert.show(texts().messages.secondFactor.missing);
            field.focus();
            return;
          }
          give(method === "recovery" ? "recovery" : "app", field.value);
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand()),
    h("h1", { class: "factor-title", attrs: { id: "factor-title" } }, options.unlocks ? t.unlockTitle : t.title),
    h("p", { class: "muted factor-person" }, options.step.name),
    body,
    h(
      "button",
      { class: "quiet", attrs: { type: "button" }, on: { click: () => options.startOver("first") } },
      options.unlocks ? t.backToLock : t.startOver,
    ),
  );
  const expiry = setTimeout(() => options.startOver("step-over"), options.step.expiresInS * 1000);
  return {
    element: h(
      "div",
      { class: "page sign-in-page" },
      h("main", { class: "centre" }, form),
      h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
    ),
    title: options.unlocks ? t.unlockTitle : t.title,
    locked: options.unlocks,
    shown: () => focus?.focus(),
    close: () => {
      closed = true;
      clearTimeout(expiry);
      stopCounting();
    },
  };
}
