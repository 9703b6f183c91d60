/** Sets up an authenticator app: shows its secret as a QR code and as text, and takes its first code. */

import type { Failure } from "../../gateway/gateway_client.ts";
import { beginApp, type Enrolled, type EnrolmentPath, finishApp } from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";
import { failureMessage } from "./failure_message.ts";
import { alertLine, countDown, digitsField } from "./form_parts.ts";
import { qrCode } from "./qr_code.ts";

export interface AppSetupOptions {
  readonly path: EnrolmentPath;
  readonly done: (enrolled: Enrolled) => void;
  /** The sign-in is over, or the password is due once more. */
  readonly refused: (failure: Failure) => void;
}

export function appSetup(options: AppSetupOptions): HTMLElement {
  const t = texts().secondFactor;
  const alert = alertLine();
  let busy = false;
  const element = h("div", { class: "app-setup" }, h("p", { class: "muted" }, t.waiting));

  const finish = async (code: string): Promise<void> => {
    if (busy) return;
    busy = true;
    alert.show(null);
    const answer = await finishApp(options.path, code);
    busy = false;
    if (answer.ok) {
      options.done(answer.value);
      return;
    }
    const field = element.querySelector<HTMLInputElement>("input");
    if (field !== null) field.value = "";
    field?.focus();
    const { failure } = answer;
    if (failure.kind === "too-many")
      countDown(failure.waitS, alert.show, texts().messages.secondFactor.tooMany, () => {});
    else if (isOver(failure)) options.refused(failure);
    else alert.show(failureMessage(failure));
  };
  const begin = async (): Promise<void> => {
    const answer = await beginApp(options.path);
    if (!answer.ok) {
      if (isOver(answer.failure)) options.refused(answer.failure);
      else {
        element.replaceChildren(alert.element);
        alert.show(failureMessage(answer.failure));
      }
      return;
    }
    const { secret, rows } = answer.value;
    const field = digitsField("app-code", (code) => void finish(code));
    element.replaceChildren(
      h("p", {}, t.scan),
      qrCode(rows, t.qrLabel),
      h(
        "details",
        {},
        h("summary", {}, t.typeSecret),
        h("code", { class: "app-secret" }, (secret.match(/.{1,4}/g) ?? []).join(" ")),
      ),
      h("label", { attrs: { for: "app-code" } }, t.firstCode),
      field,
      alert.element,
    );
    field.focus();
  };
  void begin();
  return element;
}

/** Returns whether this failure ends the setup. */
export function isOver(failure: Failure): boolean {
  return failure.kind === "signed-out" || (failure.kind === "server" && failure.code === "proof-due");
}
