import { describe, expect, it } from "vitest";
import { NoticeCode } from "../../src/protocol/generated/wire_facts.ts";
import { englishAdmin } from "../../src/ui/admin/texts.ts";
import { koreanAdmin } from "../../src/ui/admin/texts_ko.ts";
import { type Message, sentences } from "../../src/ui/message.ts";
import { english } from "../../src/ui/texts.ts";
import { korean } from "../../src/ui/texts_ko.ts";

/** With the texts of the administration, which load separately. */
const LANGUAGES = { english: { ...english, admin: englishAdmin }, korean: { ...korean, admin: koreanAdmin } };

/**
 * Whole sentences that are no messages, by the beginning of their path, and why they need no cause and next step.
 * Every other text that ends like a sentence belongs into `messages.ts`.
 */
const REVIEWED: Readonly<Record<string, string>> = {
  "badge.meaning.": "explains a state of the image; the panel of the badge has the advice",
  "badge.readbackAlteredMeaning": "the cause; badge.readbackHelp beside it is the next step",
  "badge.readbackHelp.": "the next step after badge.readbackAlteredMeaning",
  "badge.unrepairedHelp": "what, why and the next step are its sentences, with a number",
  "gestures.": "explains what gestures do",
  "monitors.keys": "explains keys",
  "monitors.otherSizes": "explains why a choice is missing; nothing failed",
  "monitors.attached": "explains why a choice is missing; nothing failed",
  "check.intro": "explains the display check",
  "check.questions.": "questions of the display check",
  "check.where": "a question of the display check",
  "check.passed": "a success",
  "check.sees": "a result; check.passed or a message is above it",
  "desktops.failed": "a heading; a message of messages.signIn below it has cause and next step",
  "connection.startingSince": "the progress of a start",
  "endDesktop.title": "a question; the buttons are the next steps",
  "secondFactor.": "explains what to do in a step; what fails is in messages.secondFactor",
  "device.": "says what a device is enrolled as, and explains what enrolling means",
  "badgeReader.": "explains what to do; what fails is in messages.badgeReader",
  "emergency.": "explains what emergency access means; what fails is in messages.emergency",
  "mySignIn.": "says what a person has, or asks a question whose buttons are the next steps",
  "leave.": "a question; the buttons are the next steps",
  "admin.questions.": "a question, what will happen, or that it was done",
  "admin.newPassword": "says what to do with a password",
  "admin.stepUp.": "says what to give, and why",
  "admin.overview.exactnessUnknown": "says that there is nothing to show; nothing failed",
  "admin.help.": "a question, and what to type",
  "admin.access.whyTitle": "a question; the form below it answers it",
  "admin.people.why": "a link to the page that answers the question",
  "admin.people.noDesktops": "says what a person has; nothing failed",
  "admin.groups.ofDirectory": "explains why members cannot be changed; nothing failed",
  "admin.sessions.latencyHint": "explains a chart",
  "admin.use.hint": "explains a chart",
  "admin.health.": "a summary; each check that failed has its cause and next step below it",
};

/** Calls functions with example values, so that only texts and messages remain. */
function resolved(value: unknown): unknown {
  return typeof value === "function" ? resolved(value(...(value.length > 1 ? ["2", "3"] : [["1", "2", "3"]]))) : value;
}

function isMessage(value: object): value is Message {
  return "what" in value && "why" in value && "next" in value;
}

/** Returns all texts below a value by their paths, without those of messages. */
function leaves(value: unknown, path = ""): [string, string][] {
  const part = resolved(value);
  if (typeof part === "string") return [[path, part]];
  if (typeof part !== "object" || part === null || isMessage(part)) return [];
  return Object.entries(part).flatMap(([name, inner]) => leaves(inner, path === "" ? name : `${path}.${name}`));
}

/** Returns all messages below a value by their paths. */
function messages(value: unknown, path = ""): [string, Message][] {
  const part = resolved(value);
  if (typeof part !== "object" || part === null) return [];
  if (isMessage(part)) return [[path, part]];
  return Object.entries(part).flatMap(([name, inner]) => messages(inner, path === "" ? name : `${path}.${name}`));
}

describe("texts", () => {
  it.each(Object.entries(LANGUAGES))("have a notice for each code of the agent: %s", (_, texts) => {
    // The server has the text of a message that waits.
    const shown = Object.values(NoticeCode).filter((code) => code !== NoticeCode.MESSAGE_WAITING);
    expect(Object.keys(texts.messages.notices).sort()).toEqual(shown.sort());
  });

  it("exist in both languages", () => {
    const names = (texts: unknown): string[] => [...leaves(texts), ...messages(texts)].map(([path]) => path).sort();
    expect(names(LANGUAGES.korean)).toEqual(names(LANGUAGES.english));
  });
});

describe("the tools of a desktop", () => {
  it.each(Object.entries(LANGUAGES))("have visible names that are part of their full names: %s", (_, { bar }) => {
    // Speech control finds a button by the name that a person sees (WCAG 2.5.3).
    for (const [tool, short] of Object.entries(bar.short))
      expect(bar[tool as keyof typeof bar.short].toLowerCase()).toContain(short.toLowerCase());
  });
});

describe("messages", () => {
  it.each(Object.entries(LANGUAGES))("none lacks a cause or a next step: %s", (_, texts) => {
    const all = messages(texts);
    expect(all.length).toBeGreaterThan(30);
    const lacking = all.filter(([, { what, why, next }]) => [what, why, next].some((part) => part.trim().length < 3));
    expect(lacking.map(([path]) => path)).toEqual([]);
  });

  it.each(Object.entries(LANGUAGES))("no text outside of them is a message: %s", (_, texts) => {
    const found = leaves(texts)
      .filter(([, text]) => /[.!?]$/.test(text))
      .filter(([path]) => !Object.keys(REVIEWED).some((start) => path.startsWith(start)));
    expect(found).toEqual([]);
  });

  it("are joined to sentences", () => {
    expect(sentences({ what: "It ended", why: "It failed.", next: "Try again." })).toBe(
      "It ended. It failed. Try again.",
    );
    expect(sentences({ what: "It ended.", why: "It failed.", next: "Try again." })).toBe(
      "It ended. It failed. Try again.",
    );
  });
});
