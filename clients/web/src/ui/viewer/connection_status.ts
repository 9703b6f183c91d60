/** Shows the state of the connection on the page: as a notice, and as data attributes for style sheets and tests. */

import type { ConnectionState } from "../../worker/messages.ts";
import { applyTheme } from "../preferences.ts";
import type { ConnectionNotice } from "./connection_notice.ts";

export class ConnectionStatus {
  readonly #page: HTMLElement;
  readonly #notice: ConnectionNotice;
  #everConnected = false;

  constructor(page: HTMLElement, notice: ConnectionNotice) {
    this.#page = page;
    this.#notice = notice;
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
    if (state.phase === "connected") this.#everConnected = true;
    document.documentElement.dataset.connection = this.#name(state);
  }

  close(): void {
    this.#notice.close();
    delete document.documentElement.dataset.connection;
    document.documentElement.classList.remove("viewing");
    applyTheme();
  }

  #name(state: ConnectionState): string {
    if (state.phase === "connected") return "connected";
    if (state.phase === "ended") return state.reason === "moved" ? "moved" : "ended";
    return this.#everConnected ? "reconnecting" : "connecting";
  }
}
