/**
 * Shows what an administrator, or the server on their behalf, has to say to the person, on every page.
 *
 * The page asks the server regularly, and at once when the agent of a desktop says that a message waits.
 */

import { endEmergency } from "../../gateway/emergency_client.ts";
import { listMessages } from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import { Emitter } from "../emitter.ts";
import { type Message, sentences } from "../message.ts";
import { language } from "../preferences.ts";
import { texts } from "../texts.ts";
import { type PersonMessage, PersonMessagesCore, type ShownMessage } from "./person_messages_core.ts";

/** Interval at which the server is asked, ms. */
const ASK_INTERVAL_MS = 60_000;
/** Interval at which the time that is left is drawn again, ms. */
const TICK_MS = 1_000;

/** An agent said that the server has a message for the person, or one may be out of date. */
export const messagesChanged = new Emitter<void>();

export class PersonMessages {
  readonly #core = new PersonMessagesCore();
  readonly #element = h("div", { class: "person-messages", attrs: { role: "alert" } });
  #running = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  /** What is drawn, so that nothing is drawn twice: screen readers would repeat it. */
  #drawn = "";

  constructor() {
    messagesChanged.on(() => void this.#ask());
    document.body.append(this.#element);
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Somebody is signed in, and their screen is not locked. */
  start(): void {
    this.#running = true;
    this.#askedAtMs = Number.NEGATIVE_INFINITY;
    this.#tick();
  }

  /** Nobody is signed in any more, or the screen is locked. */
  stop(): void {
    this.#running = false;
    this.#core.clear();
    this.#draw();
  }

  #tick(): void {
    if (!this.#running) return;
    this.#draw();
    // A hidden window asks when it is shown again.
    if (document.visibilityState === "hidden" || Date.now() - this.#askedAtMs < ASK_INTERVAL_MS) return;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#askedAtMs = Date.now();
    const answer = await listMessages();
    // Without an answer the messages stay, and their time goes on.
    if (!this.#running || !answer.ok) return;
    this.#core.received(answer.value, Date.now());
    this.#draw();
  }

  #draw(): void {
    const shown = this.#core.shown(Date.now());
    const key = JSON.stringify([language(), shown.map(({ message, minutes }) => [message.id, message.code, minutes])]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#element.replaceChildren(...shown.map((one) => this.#card(one)));
  }

  #card(shown: ShownMessage): HTMLElement {
    const { what, why, next } = messageOf(shown);
    const close = (): void => {
      this.#core.close(shown.message.id);
      this.#draw();
    };
    if (shown.message.code === "emergency-access") return this.#emergencyCard(shown);
    return h(
      "section",
      { class: "person-message" },
      h("div", { class: "message-text" }, h("strong", {}, what), h("p", {}, `${why} ${next}`)),
      h("button", { class: "secondary", attrs: { type: "button" }, on: { click: close } }, texts().understood),
    );
  }

  /** Emergency access is shown as long as it lasts, in one line, so that it covers little of a desktop. */
  #emergencyCard(shown: ShownMessage): HTMLElement {
    const end = (): void => {
      void endEmergency(shown.message.desktop).then(() => this.#ask());
    };
    return h(
      "section",
      { class: "person-message emergency" },
      h("span", {}, sentences(messageOf(shown))),
      h("button", { class: "secondary", attrs: { type: "button" }, on: { click: end } }, texts().emergency.end),
    );
  }
}

function messageOf({ message, minutes }: ShownMessage): Message {
  const t = texts().messages.person;
  const title = titleOf(message);
  switch (message.code) {
    case "access-ends":
      return t.accessEnds(title, minutes ?? 1);
    case "access-ends-at-sign-out":
      return t.accessEndsAtSignOut(title);
    case "desktop-renews":
      return t.desktopRenews(title, minutes ?? 1);
    case "emergency-access":
      return t.emergencyAccess(title, minutes ?? 1);
    case "from-administrator":
      return t.fromAdministrator(message.text ?? "");
    case "time-ends":
      return t.timeEnds(title, minutes ?? 1);
  }
}

function titleOf({ titles }: PersonMessage): string {
  return titles[language()] ?? titles.en ?? "";
}
