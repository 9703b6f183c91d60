/** The dialogs of "My sign-in". */

import type { Answer } from "../../gateway/gateway_client.ts";
import { changePassword, prove } from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";
import { failureMessage } from "./failure_message.ts";
import { type Alert, alertLine } from "./form_parts.ts";

/** Shows content in front of the page until `close` is called or the person presses Escape. */
export function openDialog(
  title: string,
  create: (close: () => void) => readonly HTMLElement[],
  closed: () => void = () => {},
): void {
  const t = texts().secondFactor;
  const dialog = h("dialog", { class: "question factor-dialog", attrs: { "aria-labelledby": "factor-dialog-title" } });
  const close = (): void => dialog.close();
  dialog.append(
    h("h2", { attrs: { id: "factor-dialog-title" } }, title),
    ...create(close),
    h("button", { class: "quiet factor-close", attrs: { type: "button" }, on: { click: close } }, t.close),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  // Part of the page, so that the dialog goes with it, for example when the screen is locked.
  (document.getElementById("app") ?? document.body).append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("input, .primary")?.focus();
}

function passwordField(id: string, label: string, autocomplete: string): [HTMLElement, HTMLInputElement] {
  const field = h("input", {
    attrs: { id, name: id, type: "password", autocomplete, required: "", maxlength: "1024" },
  });
  return [h("label", { attrs: { for: id } }, label), field];
}

/** A form whose button waits for the server. `send` returns null when something is missing, of which it tells. */
function form(
  label: string,
  alert: Alert,
  parts: readonly HTMLElement[],
  send: () => Promise<Answer<null>> | null,
  done: () => void,
): HTMLFormElement {
  const submit = h("button", { class: "primary", attrs: { type: "submit" } }, label);
  return h(
    "form",
    {
      class: "factor-form",
      attrs: { novalidate: "" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (submit.disabled) return;
          alert.show(null);
          const sent = send();
          if (sent === null) return;
          submit.disabled = true;
          void sent.then((answer) => {
            submit.disabled = false;
            if (answer.ok) done();
            else alert.show(failureMessage(answer.failure));
          });
        },
      },
    },
    ...parts,
    alert.element,
    submit,
  );
}

/** Asks for the password once more. Returns whether it was given. */
export function askForProof(): Promise<boolean> {
  return new Promise((resolve) => {
    const t = texts().secondFactor;
    let proved = false;
    openDialog(
      t.proofTitle,
      (close) => {
        const alert = alertLine();
        const [label, field] = passwordField("proof", t.password, "current-password");
        const send = (): Promise<Answer<null>> | null => {
          if (field.value !== "") return prove(field.value);
          alert.show(texts().messages.secondFactor.missingPassword);
          field.focus();
          return null;
        };
        return [
          h("p", { class: "muted" }, t.proofHint),
          form(t.goOn, alert, [label, field], send, () => {
            proved = true;
            close();
          }),
        ];
      },
      () => resolve(proved),
    );
  });
}

/** Lets the person change the password. `done` is called when it was changed. */
export function askForPassword(done: () => void): void {
  const t = texts().secondFactor;
  openDialog(t.changePassword, (close) => {
    const alert = alertLine();
    const [oldLabel, old] = passwordField("old-password", t.oldPassword, "current-password");
    const [newLabel, fresh] = passwordField("new-password", t.newPassword, "new-password");
    const [againLabel, again] = passwordField("again-password", t.againPassword, "new-password");
    const messages = texts().messages.secondFactor;
    const send = (): Promise<Answer<null>> | null => {
      const empty = [old, fresh, again].find((field) => field.value === "");
      if (empty !== undefined) {
        alert.show(messages.missingPassword);
        empty.focus();
        return null;
      }
      if (fresh.value === again.value) return changePassword(old.value, fresh.value);
      alert.show(messages.passwordsDiffer);
      again.focus();
      return null;
    };
    return [
      h("p", { class: "muted" }, t.changePasswordHint),
      form(t.changePassword, alert, [oldLabel, old, newLabel, fresh, againLabel, again], send, () => {
        close();
        done();
      }),
    ];
  });
}
