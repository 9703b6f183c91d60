/** "My sign-in": a person's own password, authenticator app, passkeys and recovery codes. */

import type { Answer, Failure } from "../../gateway/gateway_client.ts";
import {
  type Enrolled,
  newRecoveryCodes,
  type OwnSignIn,
  ownSignIn,
  type PasskeyEntry,
  removeApp,
  removePasskey,
  renamePasskey,
} from "../../gateway/second_factor_client.ts";
import { button, h } from "../dom.ts";
import { type IconName, icon } from "../icons.ts";
import type { Page } from "../page.ts";
import { brand, settingButtons } from "../settings.ts";
import type { SignInReason } from "../sign_out.ts";
import { texts } from "../texts.ts";
import { appSetup } from "./app_setup.ts";
import { askForPassword, askForProof, openDialog } from "./dialogs.ts";
import { failureMessage } from "./failure_message.ts";
import { alertLine, dateText, workButton } from "./form_parts.ts";
import { nameField, passkeySetup } from "./passkey_setup.ts";
import { recoveryCodes } from "./recovery_codes.ts";
import { browserHasPasskeys } from "./webauthn.ts";

export interface MySignInOptions {
  readonly user: string;
  readonly showDesktopList: () => void;
  readonly signedOut: (reason: SignInReason) => void;
  readonly redraw: () => void;
}

/** Setting up a factor takes about this long, s: the password is asked for before, not in the middle. */
const SETUP_S = 180;

export function mySignInPage(options: MySignInOptions): Page {
  const t = texts().mySignIn;
  const alert = alertLine();
  const status = h("p", { class: "factor-status", attrs: { role: "status" } });
  const sections = h("div", { class: "factor-sections" });
  let closed = false;

  const refresh = async (): Promise<void> => {
    const answer = await ownSignIn();
    if (closed) return;
    if (answer.ok) draw(answer.value);
    else showFailure(answer.failure);
  };
  const showFailure = (failure: Failure): void => {
    if (failure.kind === "signed-out") options.signedOut("expired");
    else if (failure.kind !== "locked") alert.show(failureMessage(failure));
  };
  const say = (what: string): void => {
    alert.show(null);
    status.textContent = what;
  };
  /** Makes a change, for which the server may want the password once more. */
  const change = async <T>(request: () => Promise<Answer<T>>): Promise<T | null> => {
    say("");
    let answer = await request();
    if (isProofDue(answer)) {
      if (!(await askForProof())) return null;
      answer = await request();
    }
    if (closed) return null;
    if (answer.ok) return answer.value;
    showFailure(answer.failure);
    return null;
  };
  const showCodes = (codes: readonly string[]): void => {
    openDialog(
      t.recoveryCodes,
      (close) => [recoveryCodes(codes, options.user, close)],
      () => void refresh(),
    );
  };
  /** Opens the dialog in which a factor is set up, after the password if it is due. */
  const setUp = async (title: string, create: typeof appSetup | typeof passkeySetup): Promise<void> => {
    say("");
    const own = await ownSignIn();
    if (!(own.ok && own.value.freshS > SETUP_S) && !(await askForProof())) return;
    if (closed) return;
    openDialog(
      title,
      (close) => [
        create({
          path: "me",
          done: (enrolled: Enrolled) => {
            close();
            say(t.added);
            if (enrolled.recoveryCodes !== null) showCodes(enrolled.recoveryCodes);
          },
          refused: (failure) => {
            close();
            showFailure(failure);
          },
        }),
      ],
      () => void refresh(),
    );
  };

  const draw = (own: OwnSignIn): void => {
    const passkeys = browserHasPasskeys();
    sections.replaceChildren(
      section("lock", t.password, t.passwordHint, [], () => askForPassword(() => say(t.passwordChanged)), t.change),
      section(
        "phone",
        t.app,
        own.appSinceS === null ? t.noApp : used(own.appSinceS, own.appUsedS),
        own.appSinceS === null ? [] : [removal(t.app, t.removeAppQuestion, removeApp)],
        () => void setUp(t.app, appSetup),
        own.appSinceS === null ? t.setUp : t.replace,
      ),
      section(
        "passkey",
        t.passkeys,
        own.passkeys.length === 0 ? (passkeys ? t.noPasskey : t.browserHasNone) : "",
        [],
        passkeys ? () => void setUp(t.newPasskey, passkeySetup) : null,
        t.add,
        own.passkeys.map(passkeyRow),
      ),
      section(
        "codes",
        t.recoveryCodes,
        t.codesLeft(own.recoveryCodes),
        [],
        () => askForNewCodes(own.recoveryCodes),
        t.makeCodes,
      ),
    );
    policy.textContent = t.policy[own.policy];
  };
  const used = (createdS: number, usedS: number | null): string =>
    usedS === null ? t.since(dateText(createdS)) : t.sinceUsed(dateText(createdS), dateText(usedS));
  const removal = (name: string, question: string, remove: () => Promise<Answer<null>>): HTMLElement =>
    h(
      "button",
      {
        class: "quiet",
        attrs: { type: "button", "aria-label": `${t.remove}: ${name}` },
        on: { click: () => confirm(question, t.removeHint, t.remove, () => void removed(remove)) },
      },
      t.remove,
    );
  const removed = async (remove: () => Promise<Answer<null>>): Promise<void> => {
    if ((await change(async () => marked(await remove()))) !== null) say(t.removed);
    await refresh();
  };
  const passkeyRow = (entry: PasskeyEntry): HTMLElement =>
    h(
      "li",
      { class: "passkey-row" },
      h(
        "span",
        { class: "passkey-text" },
        h("strong", {}, entry.name),
        h("span", { class: "muted" }, used(entry.createdS, entry.usedS)),
        entry.server === location.hostname ? null : h("span", { class: "muted" }, t.onlyAt(entry.server)),
      ),
      h(
        "button",
        {
          class: "quiet",
          attrs: { type: "button", "aria-label": `${t.rename}: ${entry.name}` },
          on: { click: () => askForName(entry) },
        },
        t.rename,
      ),
      removal(entry.name, t.removePasskeyQuestion(entry.name), () => removePasskey(entry.id)),
    );
  const askForName = (entry: PasskeyEntry): void =>
    openDialog(t.renameQuestion(entry.name), (close) => {
      const field = nameField("new-name", entry.name);
      const save = async (): Promise<void> => {
        const name = field.value.trim();
        if (name === "") return;
        close();
        await change(async () => marked(await renamePasskey(entry.id, name)));
        await refresh();
      };
      const form = h(
        "form",
        {
          class: "factor-form",
          on: {
            submit: (event) => {
              event.preventDefault();
              void save();
            },
          },
        },
        h("label", { attrs: { for: "new-name" } }, texts().secondFactor.passkeyName),
        field,
        h("button", { class: "primary", attrs: { type: "submit" } }, t.rename),
      );
      return [form];
    });
  const askForNewCodes = (left: number): void => {
    const make = async (): Promise<void> => {
      const codes = await change(newRecoveryCodes);
      if (codes !== null) showCodes(codes);
    };
    if (left === 0) void make();
    else confirm(t.makeCodesQuestion, t.makeCodesHint, t.makeCodes, () => void make());
  };
  const confirm = (title: string, hint: string, label: string, act: () => void): void =>
    openDialog(title, (close) => [
      h("p", {}, hint),
      workButton(label, "primary", async () => {
        close();
        act();
      }),
    ]);

  const policy = h("p", { class: "muted" });
  const element = h(
    "div",
    { class: "page" },
    h(
      "header",
      { class: "header" },
      brand(),
      h("span", { class: "spacer" }),
      options.user === "" ? null : h("span", { class: "user-name" }, options.user),
      ...settingButtons(options.redraw),
      button(texts().bar.desktops, icon("desktops"), "quiet square", () => options.showDesktopList()),
    ),
    h("main", { class: "content my-sign-in" }, h("h1", {}, t.title), policy, alert.element, status, sections),
  );
  return {
    element,
    title: t.title,
    shown: () => void refresh(),
    close: () => {
      closed = true;
    },
  };
}

/** A card with what a person has of one kind, and the button that changes it. */
function section(
  name: IconName,
  title: string,
  hint: string,
  others: readonly HTMLElement[],
  act: (() => void) | null,
  label: string,
  rows: readonly HTMLElement[] = [],
): HTMLElement {
  const control =
    act === null
      ? null
      : h(
          "button",
          { class: "secondary", attrs: { type: "button", "aria-label": `${label}: ${title}` }, on: { click: act } },
          label,
        );
  return h(
    "section",
    { class: "card factor-section" },
    h("span", { class: "desktop-icon" }, icon(name)),
    h(
      "div",
      { class: "factor-text" },
      h("h2", {}, title),
      hint === "" ? null : h("p", { class: "muted" }, hint),
      rows.length === 0 ? null : h("ul", { class: "passkey-list" }, ...rows),
    ),
    h("div", { class: "factor-actions" }, ...others, control),
  );
}

function isProofDue(answer: Answer<unknown>): boolean {
  return !answer.ok && answer.failure.kind === "server" && answer.failure.code === "proof-due";
}

/** Returns an answer without content as one with content, so that success differs from null. */
function marked(answer: Answer<null>): Answer<true> {
  return answer.ok ? { ok: true, value: true } : answer;
}
