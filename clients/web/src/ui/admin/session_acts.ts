/** What can be done to a session: message, restart, end. */

import { endSession, restartSession, sendMessage } from "../../gateway/admin/admin_client.ts";
import type { Session } from "../../gateway/admin/shapes.ts";
import { h } from "../dom.ts";
import { numberText } from "./format.ts";
import { action } from "./parts.ts";
import { adminTexts } from "./texts.ts";
import type { Admin } from "./view.ts";

/** Longest message to a person, characters. */
const MESSAGE_MAX = 500;

/** Creates the buttons that this person may use. `done` is called after an act. */
export function sessionActions(admin: Admin, session: Session, done: () => void): HTMLElement {
  const t = adminTexts();
  const { questions } = t;
  const { id, person, desktop } = session;
  const message = (): void =>
    admin.ask({
      question: questions.sendMessage(person, desktop),
      fields: [{ name: "text", label: t.fields.message, kind: "long", longest: MESSAGE_MAX }],
      run: ({ text = "" }) => sendMessage(id, text),
    });
  const restart = (): void =>
    admin.ask({ question: questions.restartSession(person, desktop), run: () => restartSession(id), done });
  const end = (): void =>
    admin.ask({
      question: questions.endSession(person, desktop, numberText(session.viewers)),
      grave: true,
      run: () => endSession(id),
      done,
    });
  return h(
    "div",
    { class: "actions" },
    admin.may("send-message") && person !== "" ? action(t.sessions.message, message) : null,
    admin.may("restart-session") ? action(t.sessions.restart, restart) : null,
    admin.may("end-session") ? action(t.sessions.end, end, "secondary grave") : null,
  );
}
