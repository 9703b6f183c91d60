/**
 * Shows the state of the connection on the page: as a notice, and as data attributes for style sheets and tests. Without
 * a connection for some time it blanks the picture.
 */

import type { ConnectionState } from "../../worker/messages.ts";
import { DEFAULT_LIMITS } from "../lock/lock_core.ts";
import { applyTheme } from "../preferences.ts";
import type { ConnectionNotice } from "./connection_notice.ts";

export class ConnectionStatus {
  readonly #page: HTMLElement;
  readonly #notice: ConnectionNotice;
  readonly #blankMs: () => number;
  readonly #examineBlank = (): void => this.#blank();
  #everConnected = false;
  /** Since when there is no connection, ms of the wall clock; null while there is one. */
  #lostAtMs: number | null = null;
  #blankTimer: ReturnType<typeof setTimeout> | undefined;

  /** `blankMs` returns the time without a connection after which the picture is blanked. */
  constructor(page: HTMLElement, notice: ConnectionNotice, blankMs = () => DEFAULT_LIMITS.blankMs) {
    this.#page = page;
    this.#notice = notice;
    this.#blankMs = blankMs;
    // Timers of a hidden page are late, but nobody sees the page before this event.
    document.addEventListener("visibilitychange", this.#examineBlank);
  }

  /** Marks the document as a page that shows a desktop. */
  start(): void {
    document.documentElement.dataset.connection = "connecting";
    document.documentElement.classList.add("viewing");
    applyTheme();
  }

  show(state: ConnectionState): void {
    this.#notice.show(state);
    this.#page.dataset.phase = state.phase;
    if (state.phase === "connected") {
      this.#everConnected = true;
      this.#lostAtMs = null;
    } else this.#lostAtMs ??= Date.now();
    this.#blank();
    document.documentElement.dataset.connection = this.#name(state);
  }

  close(): void {
    this.#notice.close();
    clearTimeout(this.#blankTimer);
    document.removeEventListener("visibilitychange", this.#examineBlank);
    delete document.documentElement.dataset.connection;
    document.documentElement.classList.remove("viewing");
    applyTheme();
  }

  #blank(): void {
    clearTimeout(this.#blankTimer);
    const dueInMs = this.#lostAtMs === null ? null : this.#lostAtMs + this.#blankMs() - Date.now();
    this.#page.toggleAttribute("data-blank", dueInMs !== null && dueInMs <= 0);
    if (dueInMs !== null && dueInMs > 0) this.#blankTimer = setTimeout(() => this.#blank(), dueInMs);
  }

  #name(state: ConnectionState): string {
    if (state.phase === "connected") return "connected";
    if (state.phase === "ended") return state.reason === "moved" ? "moved" : "ended";
    return this.#everConnected ? "reconnecting" : "connecting";
  }
}
