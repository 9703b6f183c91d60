/** Asks whether a person wants to end or to restart a desktop, after telling them what will be lost. */

import { type Desktop, endDesktop, type Failure, listDesktops } from "../gateway/gateway_client.ts";
import { apiMessage } from "./api_message.ts";
import { h } from "./dom.ts";
import { sentences } from "./message.ts";
import { titleOf } from "./sign_out.ts";
import { texts } from "./texts.ts";

/** What was done: `restart` means that the desktop has ended and shall be opened again. */
export type Ending = "restart" | "end";

/** What the dialog needs to know of a desktop. */
export interface DesktopToEnd {
  readonly name: string;
  readonly title: string;
  /** It shows a display of the host, whose programs go on running. */
  readonly attached: boolean;
  /** Its files end with it. */
  readonly fresh: boolean;
}

export function desktopToEnd(desktop: Desktop): DesktopToEnd {
  return { name: desktop.name, title: titleOf(desktop), attached: desktop.attached, fresh: desktop.home !== "kept" };
}

/** Asks about a desktop of which only the name is known. */
export async function askToEndByName(name: string): Promise<Ending | null> {
  const listed = await listDesktops();
  const found = listed.ok ? listed.value.find((desktop) => desktop.name === name) : undefined;
  return askToEnd(found === undefined ? { name, title: name, attached: false, fresh: false } : desktopToEnd(found));
}

/** Asks, and ends the desktop. Returns null when the person decided to keep it. */
export function askToEnd(desktop: DesktopToEnd): Promise<Ending | null> {
  return new Promise((resolve) => {
    const t = texts().endDesktop;
    const alert = h("p", { class: "alert", attrs: { role: "alert" } });
    let outcome: Ending | null = null;
    const end = async (ending: Ending): Promise<void> => {
      for (const control of [restart, stop]) control.disabled = true;
      const answer = await endDesktop(desktop.name);
      // A desktop that has ended in the meantime is what the person wanted.
      if (answer.ok || isNotRunning(answer.failure)) {
        outcome = ending;
        dialog.close();
        return;
      }
      alert.textContent = sentences(whyNot(answer.failure));
      for (const control of [restart, stop]) control.disabled = false;
    };
    const make = (label: string, className: string, onClick: () => void): HTMLButtonElement =>
      h("button", { class: className, attrs: { type: "button" }, on: { click: onClick } }, label);
    const keep = make(t.keep, "primary", () => dialog.close());
    const restart = make(t.restart, "secondary", () => void end("restart"));
    const stop = make(t.end, "secondary", () => void end("end"));
    const lost = texts().messages.endDesktop[desktop.attached ? "attached" : desktop.fresh ? "fresh" : "programs"];
    const dialog = h(
      "dialog",
      { class: "question", attrs: { "aria-labelledby": "end-desktop-title" } },
      h("h2", { attrs: { id: "end-desktop-title" } }, t.title(desktop.title)),
      h("p", {}, lost.what),
      h("p", {}, lost.why),
      h("p", { class: "muted" }, lost.next),
      alert,
      h("div", { class: "message-actions" }, keep, restart, stop),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(outcome);
    });
    // Part of the page, so that the question goes with it, for example when the screen is locked.
    (document.getElementById("app") ?? document.body).append(dialog);
    dialog.showModal();
    keep.focus();
  });
}

function isNotRunning(failure: Failure): boolean {
  return failure.kind === "server" && failure.code === "not-running";
}

function whyNot(failure: Failure) {
  if (failure.kind === "server") return apiMessage(failure.code, failure.status);
  const { messages } = texts();
  return failure.kind === "signed-out" ? messages.signIn.expired : messages.endDesktop.failed;
}
