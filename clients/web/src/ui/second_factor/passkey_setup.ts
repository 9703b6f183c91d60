/** Sets up a passkey: asks for a name, then lets the browser make it. */

import type { Failure } from "../../gateway/gateway_client.ts";
import {
  type Enrolled,
  type EnrolmentPath,
  newPasskeyOptions,
  storePasskey,
} from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";
import { isOver } from "./app_setup.ts";
import { failureMessage, passkeyMessage } from "./failure_message.ts";
import { alertLine } from "./form_parts.ts";
import { createPasskey } from "./webauthn.ts";

/** Longest name of a passkey, characters. */
export const NAME_MAX = 64;

export interface PasskeySetupOptions {
  readonly path: EnrolmentPath;
  readonly done: (enrolled: Enrolled) => void;
  /** The sign-in is over, or the password is due once more. */
  readonly refused: (failure: Failure) => void;
}

export function passkeySetup(options: PasskeySetupOptions): HTMLElement {
  const t = texts().secondFactor;
  const alert = alertLine();
  const name = nameField("passkey-name", t.defaultName);
  const make = h("button", { class: "primary", attrs: { type: "submit" } }, t.makePasskey);

  const work = async (): Promise<void> => {
    alert.show(null);
    const asked = await newPasskeyOptions(options.path);
    if (!asked.ok) {
      showFailure(asked.failure);
      return;
    }
    const made = await createPasskey(asked.value);
    if (!made.ok) {
      alert.show(passkeyMessage(made.fault));
      return;
    }
    const stored = await storePasskey(options.path, name.value.trim() || t.defaultName, made.credential);
    if (stored.ok) options.done(stored.value);
    else showFailure(stored.failure);
  };
  const showFailure = (failure: Failure): void => {
    if (isOver(failure)) options.refused(failure);
    else alert.show(failureMessage(failure));
  };
  return h(
    "form",
    {
      class: "passkey-setup",
      attrs: { novalidate: "" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (make.disabled) return;
          make.disabled = true;
          void work().finally(() => {
            make.disabled = false;
          });
        },
      },
    },
    h("p", {}, t.passkeySetupHint),
    h("label", { attrs: { for: "passkey-name" } }, t.passkeyName),
    name,
    alert.element,
    make,
  );
}

/** Creates the field for the name of a passkey. */
export function nameField(id: string, value: string): HTMLInputElement {
  const field = h("input", {
    attrs: { id, name: "passkey-name", type: "text", autocomplete: "off", maxlength: String(NAME_MAX) },
  });
  field.value = value;
  return field;
}
