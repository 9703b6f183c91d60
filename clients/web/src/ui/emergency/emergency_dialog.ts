/** Asks for the desktop and the reason of emergency access. */

import { beginEmergency, type EmergencyChoices, type EmergencyDesktop } from "../../gateway/emergency_client.ts";
import { h } from "../dom.ts";
import { messagesChanged } from "../person_messages/person_messages.ts";
import { language } from "../preferences.ts";
import { openDialog } from "../second_factor/dialogs.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { alertLine } from "../second_factor/form_parts.ts";
import { texts } from "../texts.ts";

/** Longest reason, characters. */
const REASON_MAX = 400;

/** `opened` is called with the name of the desktop that the person may open now. */
export function askForEmergency(choices: EmergencyChoices, opened: (desktop: string) => void): void {
  const t = texts().emergency;
  openDialog(t.title, (close) => {
    const alert = alertLine();
    const desktop = h(
      "select",
      { attrs: { id: "emergency-desktop" } },
      ...choices.desktops.map((one) => h("option", { attrs: { value: one.name } }, titleOf(one))),
    );
    const reason = h("textarea", {
      attrs: { id: "emergency-reason", rows: "3", maxlength: String(REASON_MAX), required: "" },
    });
    const submit = h("button", { class: "primary", attrs: { type: "submit" } }, t.submit);
    const begin = async (): Promise<void> => {
      submit.disabled = true;
      const answer = await beginEmergency(desktop.value, reason.value);
      submit.disabled = false;
      if (!answer.ok) {
        alert.show(failureMessage(answer.failure));
        return;
      }
      messagesChanged.emit();
      close();
      opened(desktop.value);
    };
    const form = h(
      "form",
      {
        class: "factor-form",
        attrs: { novalidate: "" },
        on: {
          submit: (event) => {
            event.preventDefault();
            if (submit.disabled) return;
            alert.show(null);
            if (reason.value.trim().length >= choices.reasonMin) {
              void begin();
              return;
            }
            alert.show(texts().messages.emergency.missing(choices.reasonMin));
            reason.focus();
          },
        },
      },
      h("label", { attrs: { for: "emergency-desktop" } }, t.desktop),
      desktop,
      h("label", { attrs: { for: "emergency-reason" } }, t.reason),
      reason,
      alert.element,
      submit,
    );
    return [h("p", { class: "muted" }, t.hint(String(choices.minutes))), form];
  });
}

function titleOf({ name, titles }: EmergencyDesktop): string {
  return titles[language()] ?? titles.en ?? name;
}
