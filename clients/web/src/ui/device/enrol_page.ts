/** The page that enrols this device with a one-time code, which a link may bring behind its `#`. */

import { pathTo } from "../../base.ts";
import { type EnrolledDevice, enrolDevice, thisDevice } from "../../gateway/device_client.ts";
import { h } from "../dom.ts";
import type { Page } from "../page.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { alertLine } from "../second_factor/form_parts.ts";
import { brand, settingButtons } from "../settings.ts";
import { texts } from "../texts.ts";

/** `code` is the one of the link; empty without one. */
export function enrolPage(code: string, redraw: () => void): Page {
  const t = texts().device;
  const alert = alertLine();
  const present = h("p", { class: "muted", attrs: { role: "status" } });
  const field = h("input", {
    attrs: {
      id: "enrolment-code",
      name: "enrolment-code",
      type: "text",
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      placeholder: "XXXX-XXXX-XXXX",
      maxlength: "64",
    },
  });
  field.value = code;
  const submit = h("button", { class: "primary", attrs: { type: "submit" } }, t.submit);
  let closed = false;

  const showEnrolled = ({ name, place }: EnrolledDevice): void => {
    const goOn = h("a", { class: "primary link-button", attrs: { href: pathTo("") } }, t.goOn);
    form.replaceChildren(
      h("h1", { class: "factor-title", attrs: { id: "enrol-title" } }, t.title),
      h("p", { attrs: { role: "status" } }, t.done(name, place)),
      goOn,
    );
    goOn.focus();
  };
  const enrol = async (): Promise<void> => {
    submit.disabled = true;
    submit.textContent = t.busy;
    alert.show(null);
    const answer = await enrolDevice(field.value);
    if (closed) return;
    submit.disabled = false;
    submit.textContent = t.submit;
    if (answer.ok) showEnrolled(answer.value);
    else {
      alert.show(failureMessage(answer.failure));
      field.select();
    }
  };
  const form = h(
    "form",
    {
      class: "card sign-in",
      attrs: { novalidate: "", "aria-labelledby": "enrol-title" },
      on: {
        submit: (event) => {
          event.preventDefault();
          if (submit.disabled) return;
          if (field.value.trim() !== "") {
            void enrol();
            return;
          }
          alert.show(texts().messages.device.missing);
          field.focus();
        },
      },
    },
    h("div", { class: "sign-in-head" }, brand()),
    h("h1", { class: "factor-title", attrs: { id: "enrol-title" } }, t.title),
    h("p", { class: "muted factor-hint" }, t.hint),
    present,
    h("label", { attrs: { for: "enrolment-code" } }, t.code),
    field,
    alert.element,
    submit,
  );
  return {
    element: h(
      "div",
      { class: "page sign-in-page" },
      h("main", { class: "centre" }, form),
      h("footer", { class: "footer" }, h("span", { class: "spacer" }), ...settingButtons(redraw)),
    ),
    title: t.title,
    shown: () => {
      (code === "" ? field : submit).focus();
      void thisDevice().then((device) => {
        if (closed || !device.ok || device.value === null) return;
        present.textContent = t.present(device.value.name, device.value.place);
      });
    },
    close: () => {
      closed = true;
    },
  };
}
