/** Asks for the password, and for the second factor where it is due, before an act of administration. */

import { stepUp } from "../../gateway/admin/admin_client.ts";
import { signInState } from "../../gateway/second_factor_client.ts";
import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import { codePage } from "../second_factor/code_page.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { texts } from "../texts.ts";
import { adminTexts } from "./texts.ts";

/** Returns whether the person has proven that it is them. */
export function askToStepUp(): Promise<boolean> {
  return new Promise((resolve) => {
    const t = adminTexts();
    let proven = false;
    const alert = h("p", { class: "alert", attrs: { role: "alert" } });
    const field = h("input", {
      class: "field",
      attrs: { type: "password", name: "password", autocomplete: "current-password", maxlength: "1024" },
    });
    const submit = h("button", { class: "primary", attrs: { type: "submit" } }, texts().secondFactor.goOn);
    const cancel = h(
      "button",
      { class: "secondary", attrs: { type: "button" }, on: { click: () => dialog.close() } },
      t.cancel,
    );
    const finish = (): void => {
      proven = true;
      dialog.close();
    };
    const attempt = async (): Promise<void> => {
      if (submit.disabled) return;
      submit.disabled = true;
      const answer = await stepUp(field.value);
      submit.disabled = false;
      if (!answer.ok) alert.textContent = sentences(failureMessage(answer.failure));
      else if (answer.value === "done") finish();
      else await askForFactor();
    };
    /** Shows the page of the second step in front of this one. */
    const askForFactor = async (): Promise<void> => {
      const step = await signInState();
      if (!step.ok) {
        alert.textContent = sentences(failureMessage(step.failure));
        return;
      }
      const draw = (): void => {
        const page = codePage({
          step: step.value,
          unlocks: true,
          signedIn: () => {
            page.close();
            finish();
          },
          startOver: () => {
            page.close();
            dialog.close();
          },
          redraw: draw,
        });
        dialog.classList.add("step-up-factor");
        dialog.replaceChildren(page.element);
        page.shown();
      };
      draw();
    };
    const dialog = h(
      "dialog",
      { class: "question admin-question", attrs: { "aria-labelledby": "step-up-title" } },
      h("h2", { attrs: { id: "step-up-title" } }, t.stepUp.title),
      h("p", {}, t.stepUp.hint),
      h(
        "form",
        {
          attrs: { novalidate: "" },
          on: {
            submit: (event) => {
              event.preventDefault();
              void attempt();
            },
          },
        },
        h("label", { class: "question-field" }, h("span", {}, t.fields.password), field),
        alert,
        h("div", { class: "message-actions" }, submit, cancel),
      ),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(proven);
    });
    (document.getElementById("app") ?? document.body).append(dialog);
    dialog.showModal();
    field.focus();
  });
}
