/** What a page of the administration is, and what it may use. */

import type { Answer, Failure, Role } from "../../gateway/gateway_client.ts";
import type { Message } from "../message.ts";
import type { AdminEvents, Change } from "./admin_events.ts";
import type { AdminPageName } from "./admin_route.ts";
import type { Question } from "./questions.ts";
import type { Act } from "./rights.ts";

/** One page of the administration, within the frame that all of them share. */
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  /** The field to which `/` moves the keyboard. */
  readonly search?: HTMLInputElement;
  /** Called once, when the element is in the document. */
  shown(): void;
  /** The server says that something changed. */
  changed?(change: Change): void;
  /** Stops timers and requests. The view is not used afterwards. */
  close(): void;
}

/** A field of a question. */
export interface QuestionField {
  readonly name: string;
  readonly label: string;
  readonly kind: "text" | "password" | "long" | "choice";
  /** Values and names of a choice. */
  readonly choices?: readonly (readonly [string, string])[];
  readonly longest: number;
  /** Whether an empty text is an answer, too. */
  readonly optional?: boolean;
  /** What the field has at first. */
  readonly value?: string;
  /** Lines that say what can be written. */
  readonly help?: readonly string[];
}

/** An act that the person is asked about first. */
export interface AskedAct {
  readonly question: Question;
  readonly fields?: readonly QuestionField[];
  /** Whether somebody may lose work or access by it. */
  readonly grave?: boolean;
  /** Does it, with the values of the fields by their names. A text in the answer is a password to show once. */
  run(values: Readonly<Record<string, string>>): Promise<Answer<string | null>>;
  /** It was done. */
  done?(): void;
}

/** What the frame gives to its views. */
export interface Admin {
  readonly roles: readonly Role[];
  /** The username of the person who is signed in. */
  readonly username: string;
  readonly events: AdminEvents;
  may(act: Act): boolean;
  maySee(page: AdminPageName): boolean;
  /** Shows another page of the client, by its path below the client's own address. */
  open(path: string): void;
  /** Asks, and does it if the person agrees. */
  ask(act: AskedAct): void;
  /** Says that something was done. */
  say(text: string): void;
  /** Returns what a page says about a failure; null when the frame handles it, for example by the sign-in page. */
  messageOf(failure: Failure): Message | null;
}
