/** Asks before an act: says what will happen and to whom, does it, and says why it was not done. */

import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import { askToStepUp } from "./step_up.ts";
import { adminTexts } from "./texts.ts";
import type { Admin, AskedAct, QuestionField } from "./view.ts";

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Shows the question in front of the page. */
export function showQuestion(admin: Pick<Admin, "say" | "messageOf">, asked: AskedAct): void {
  const t = adminTexts();
  const { question } = asked;
  const alert = h("p", { class: "alert", attrs: { role: "alert" } });
  const controls = new Map((asked.fields ?? []).map((field) => [field, controlOf(field)] as const));
  const submit = h(
    "button",
    { class: asked.grave === true ? "primary grave" : "primary", attrs: { type: "submit" } },
    question.act,
  );
  const cancel = h(
    "button",
    { class: "secondary", attrs: { type: "button" }, on: { click: () => dialog.close() } },
    t.cancel,
  );
  const attempt = async (): Promise<void> => {
    if (submit.disabled) return;
    const empty = [...controls].find(([field, control]) => field.optional !== true && control.value.trim() === "");
    if (empty !== undefined) {
      alert.textContent = sentences(t.messages.missing);
      empty[1].focus();
      return;
    }
    alert.textContent = "";
    submit.disabled = true;
    const values = Object.fromEntries([...controls].map(([field, control]) => [field.name, enteredIn(field, control)]));
    let answer = await asked.run(values);
    if (
      !answer.ok &&
      answer.failure.kind === "server" &&
      answer.failure.code === "step-up-due" &&
      (await askToStepUp())
    )
      answer = await asked.run(values);
    submit.disabled = false;
    if (!dialog.isConnected) return;
    if (answer.ok) {
      if (answer.value === null) dialog.close();
      else showPassword(answer.value);
      admin.say(question.done);
      asked.done?.();
      return;
    }
    const message = admin.messageOf(answer.failure);
    if (message === null) dialog.close();
    else alert.textContent = sentences(message);
  };
  /** Shows the password that the server made: nobody can read it again. */
  const showPassword = (password: string): void => {
    const close = h(
      "button",
      { class: "primary", attrs: { type: "button" }, on: { click: () => dialog.close() } },
      t.close,
    );
    dialog.replaceChildren(
      h("h2", { attrs: { id: "admin-question-title" } }, question.done),
      h("p", {}, t.newPassword),
      h("code", { class: "new-password" }, password),
      h("div", { class: "message-actions" }, close),
    );
    close.focus();
  };
  const dialog = h(
    "dialog",
    { class: "question admin-question", attrs: { "aria-labelledby": "admin-question-title" } },
    h("h2", { attrs: { id: "admin-question-title" } }, question.title),
    question.effects.length === 1
      ? h("p", {}, question.effects[0] ?? "")
      : h("ul", {}, ...question.effects.map((effect) => h("li", {}, effect))),
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
      ...[...controls].flatMap(([field, control]) => [
        h("label", { class: "question-field" }, h("span", {}, field.label), control),
        ...(field.help === undefined || field.help.length === 0 ? [] : [helpOf(field.help)]),
      ]),
      alert,
      h("div", { class: "message-actions" }, submit, cancel),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  // Part of the page, so that the question goes with it, for example when the screen is locked.
  (document.getElementById("app") ?? document.body).append(dialog);
  dialog.showModal();
  // Where nothing is typed, Enter should not do something grave.
  ([...controls.values()][0] ?? (asked.grave === true ? cancel : submit)).focus();
}

/** What can be written in a field; it may be long, so that it scrolls. */
function helpOf(lines: readonly string[]): HTMLElement {
  return h("ul", { class: "field-help", attrs: { tabindex: "0" } }, ...lines.map((line) => h("li", {}, line)));
}

/** Passwords may begin or end with spaces. */
function enteredIn(field: QuestionField, control: Control): string {
  return field.kind === "password" ? control.value : control.value.trim();
}

function controlOf(field: QuestionField): Control {
  const control = emptyControlOf(field);
  if (field.value !== undefined) control.value = field.value;
  return control;
}

function emptyControlOf(field: QuestionField): Control {
  const attrs = { name: field.name, maxlength: String(field.longest), autocomplete: "off", spellcheck: "false" };
  if (field.kind === "long")
    return h("textarea", { class: "field", attrs: { ...attrs, rows: "3", spellcheck: "true" } });
  if (field.kind === "choice") {
    const options = (field.choices ?? []).map(([value, label]) => h("option", { attrs: { value } }, label));
    return h("select", { class: "field", attrs: { name: field.name } }, ...options);
  }
  const type = field.kind === "password" ? "password" : "text";
  const autocomplete = field.kind === "password" ? "new-password" : "off";
  return h("input", { class: "field", attrs: { ...attrs, type, autocomplete, autocapitalize: "none" } });
}
