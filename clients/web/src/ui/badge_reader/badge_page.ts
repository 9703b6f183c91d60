/** The page on which the person of a badge gives the PIN, or the password and a first PIN. */

import { type BadgeProof, type BadgeStep, tapBadge } from "../../gateway/device_client.ts";
import type { Failure } from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import type { Message } from "../message.ts";
import type { Page } from "../page.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { alertLine } from "../second_factor/form_parts.ts";
import { brand, settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";

export interface BadgePageOptions {
  readonly number: string;
  readonly step: BadgeStep;
  readonly signedIn: (step: BadgeStep) => void;
  /** The person gives up, or has left. */
  readonly cancelled: () => void;
  readonly redraw: () => void;
}

/** Somebody who has left must not leave this page behind, ms. */
const SHOWN_MS = 60_000;

export function badgePage(options: BadgePageOptions): Page {
  const t = texts().badgeReader;
  const first = options.step.state === "new-pin";
  const alert = alertLine();
  const pin = secret("badge-pin", "numeric", "off");
  const again = secret("badge-pin-again", "numeric", "off");
  const password = secret("badge-password", "text", "current-password");
  const fields = first ? [password, pin, again] : [pin];
  const submit = h("button", { class: "primary", attrs: { type: "submit" } }, t.submit);
  let closed = false;

  const showFailure = (failure: Failure): void => {
    const wrong = failure.kind === "wrong-password";
    alert.show(wrong ? texts().messages.badgeReader.wrongPassword : failureMessage(failure));
    for (const field of fields) field.value = "";
    fields[0]?.focus();
  };
  const give = async (proof: BadgeProof): Promise<void> => {
    submit.disabled = true;
    submit.textContent = t.busy;
    alert.show(null);
    const answer = await tapBadge(options.number, proof);
    if (closed) return;
    submit.disabled = false;
    submit.textContent = t.submit;
    if (!answer.ok) showFailure(answer.failure);
    else if (answer.value.state === "signed-in") options.signedIn(answer.value);
    else options.cancelled(); // the badge was changed meanwhile
  };
  const missing = (): Message | null => {
    const messages = texts().messages.badgeReader;
    if (fields.some(({ value }) => value === "")) return messages.missing;
    return first && pin.value !== again.value ? messages.pinsDiffer : null;
  };
  const labelled = (text: string, field: HTMLInputElement): HTMLElement[] => [
    h("label", { attrs: { for: field.id } }, text),
    field,
  ];
  const form = h(
    "form",
    {
      class: "card sign-in badge-tap",
      attrs: { novalidate: "", "aria-labelledby": "badge-title" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (submit.disabled) return;
          const lack = missing();
          alert.show(lack);
          if (lack !== null) fields.find(({ value }) => value === "")?.focus();
          else void give(first ? { password: password.value, newPin: pin.value } : { pin: pin.value });
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand()),
    h("h1", { class: "factor-title", attrs: { id: "badge-title" } }, options.step.name),
    h("p", { class: "muted factor-hint" }, first ? `${t.newPinTitle}. ${t.newPinHint}` : t.pinHint),
    ...(first ? labelled(t.password, password) : []),
    ...labelled(first ? t.newPin : t.pin, pin),
    ...(first ? labelled(t.againPin, again) : []),
    alert.element,
    submit,
    h("button", { class: "quiet", attrs: { type: "button" }, on: { click: () => options.cancelled() } }, t.cancel),
  );
  const expiry = setTimeout(() => options.cancelled(), SHOWN_MS);
  return {
    element: h(
      "div",
      { class: "page sign-in-page" },
      h("main", { class: "centre" }, form),
      h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(options.redraw)),
    ),
    title: t.title,
    locked: true,
    shown: () => fields[0]?.focus(),
    close: () => {
      closed = true;
      clearTimeout(expiry);
      for (const field of fields) field.value = "";
    },
  };
}

function secret(id: string, inputmode: string, autocomplete: string): HTMLInputElement {
  return h("input", { attrs: { id, name: id, type: "password", inputmode, autocomplete, maxlength: "1024" } });
}
