/** What is said over the picture when there is no connection: never in the way of the picture itself. */

import type { EndReason } from "../../protocol/close.ts";
import type { ConnectionState } from "../../worker/messages.ts";
import { h } from "../dom.ts";
import { texts } from "../texts.ts";

export interface NoteActs {
  retry(): void;
  toList(): void;
  signIn(): void;
  firstMonitor(): void;
}

/** A connection that comes about within this time needs no words. */
const PATIENCE_MS = 400;
/** And one that takes longer than this means that the desktop is being started. */
const START_MS = 1_500;
/** A start that takes longer shows its seconds, so that nobody takes it for dead. */
const LONG_START_MS = 8_000;

const ACT: Readonly<Record<EndReason, "again" | "toList" | "takeBack" | "reload" | "signIn" | "firstMonitor">> = {
  violation: "again",
  forbidden: "toList",
  missing: "toList",
  moved: "takeBack",
  monitor: "firstMonitor",
  version: "reload",
  "signed-out": "signIn",
  unsupported: "toList",
  left: "again",
};

export class Note {
  readonly element: HTMLElement;
  readonly #acts: NoteActs;
  #timer: ReturnType<typeof setInterval> | undefined;
  #news: ConnectionState = { phase: "connecting", attempt: 0 };
  #sinceMs = performance.now();
  #everConnected = false;

  constructor(acts: NoteActs) {
    this.#acts = acts;
    this.element = h("section", { class: "note", attrs: { role: "status", "aria-live": "polite", hidden: "" } });
    this.#timer = setInterval(() => this.#draw(), 250);
  }

  say(news: ConnectionState): void {
    this.#news = news;
    if (news.phase === "connected") this.#everConnected = true;
    if (news.phase === "reconnecting" || news.phase === "connected") this.#sinceMs = performance.now();
    this.#said = "";
    this.#draw();
  }

  redraw(): void {
    this.#said = "";
    this.#draw();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #said = "";

  #draw(): void {
    const t = texts().note;
    const news = this.#news;
    const goneMs = performance.now() - this.#sinceMs;
    if (news.phase === "connected") {
      this.#show("", []);
    } else if (news.phase === "ended") {
      const [title, hint] = t.ended[news.reason];
      const detail = news.reason === "moved" && news.detail !== "" ? t.movedTo(news.detail) : news.detail;
      this.#show(title, [hint, detail], ACT[news.reason]);
    } else if (!this.#everConnected) {
      const detail = news.phase === "reconnecting" ? news.detail : "";
      if (goneMs < PATIENCE_MS && news.phase === "connecting") this.#show("", []);
      else if (goneMs < START_MS) this.#show(t.connecting, [detail]);
      else this.#show(t.starting, [detail, goneMs < LONG_START_MS ? "" : t.startingSince((goneMs / 1000).toFixed(0))]);
    } else if (news.phase === "reconnecting") {
      const leftS = Math.max(0, (news.inMs - goneMs) / 1000);
      const next = leftS < 0.5 ? t.now(news.attempt) : t.next(leftS.toFixed(0), news.attempt);
      this.#show(t.reconnecting, [t.reconnectingHint, news.detail, next], news.inMs > 1_500 ? "retryNow" : undefined);
    } else {
      this.#show(t.reconnecting, [t.reconnectingHint, t.now(Math.max(1, news.attempt))]);
    }
  }

  #show(
    title: string,
    lines: readonly string[],
    act?: "again" | "toList" | "takeBack" | "reload" | "signIn" | "firstMonitor" | "retryNow",
  ): void {
    const said = [title, ...lines, act ?? ""].join("\n");
    if (said === this.#said) return;
    this.#said = said;
    this.element.hidden = title === "";
    this.element.dataset.kind = this.#news.phase;
    if (title === "") {
      this.element.replaceChildren();
      return;
    }
    const t = texts().note;
    const buttons: HTMLElement[] = [];
    const add = (label: string, primary: boolean, run: () => void): void => {
      buttons.push(
        h("button", { class: primary ? "primary" : "secondary", attrs: { type: "button" }, on: { click: run } }, label),
      );
    };
    if (act === "retryNow" || act === "again" || act === "takeBack") add(t[act], true, () => this.#acts.retry());
    if (act === "reload") add(t.reload, true, () => location.reload());
    if (act === "firstMonitor") add(t.firstMonitor, true, () => this.#acts.firstMonitor());
    if (act === "signIn") add(t.signIn, true, () => this.#acts.signIn());
    if (act !== undefined && act !== "signIn") add(t.toList, act === "toList", () => this.#acts.toList());
    const busy =
      this.#news.phase === "ended" ? null : h("span", { class: "spinner", attrs: { "aria-hidden": "true" } });
    this.element.replaceChildren(
      ...(busy === null ? [] : [busy]),
      h(
        "div",
        { class: "note-text" },
        h("strong", {}, title),
        ...lines.filter((line) => line !== "").map((line) => h("p", {}, line)),
      ),
      ...(buttons.length > 0 ? [h("div", { class: "note-acts" }, ...buttons)] : []),
    );
  }
}
