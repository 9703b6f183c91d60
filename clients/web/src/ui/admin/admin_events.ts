/** What the server says about changes while the administration is open (server-sent events). */

import { pathTo } from "../../base.ts";
import { Emitter } from "../emitter.ts";

export type Topic = "overview" | "sessions" | "pools";
const TOPICS: readonly Topic[] = ["overview", "sessions", "pools"];

/** After the server refused or ended the stream, it is opened again after this time, ms. */
const REOPEN_MS = 5_000;
/** While there is no stream, everything counts as changed at this interval, ms. */
const ASK_INTERVAL_MS = 10_000;

export interface Change {
  readonly topic: Topic;
  /** What the server sent with it; null when the page has to ask. */
  readonly data: unknown;
}

/** The stream. A hidden window has none: browsers allow only few connections to a server. */
export class AdminEvents {
  readonly changed = new Emitter<Change>();
  readonly live = new Emitter<boolean>();
  #source: EventSource | null = null;
  #isLive = false;
  #reopen: ReturnType<typeof setTimeout> | undefined;
  readonly #timer = setInterval(() => this.#ask(), ASK_INTERVAL_MS);
  readonly #visibility = (): void => {
    if (document.visibilityState === "hidden") this.#disconnect();
    else {
      this.#everythingChanged();
      this.#connect();
    }
  };

  start(): void {
    document.addEventListener("visibilitychange", this.#visibility);
    if (document.visibilityState !== "hidden") this.#connect();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.#visibility);
    clearInterval(this.#timer);
    this.#disconnect();
  }

  #connect(): void {
    if (this.#source !== null) return;
    const source = new EventSource(pathTo("api/v1/admin/events"));
    this.#source = source;
    source.addEventListener("open", () => this.#setLive(true));
    source.addEventListener("error", () => {
      this.#setLive(false);
      if (source.readyState !== EventSource.CLOSED || this.#source !== source) return;
      // The browser gives up when the answer is no stream, for example while the broker restarts.
      this.#disconnect();
      this.#reopen = setTimeout(() => this.#connect(), REOPEN_MS);
    });
    for (const topic of TOPICS)
      source.addEventListener(topic, (event) => this.changed.emit({ topic, data: parsed(event.data) }));
  }

  #disconnect(): void {
    clearTimeout(this.#reopen);
    this.#source?.close();
    this.#source = null;
    this.#setLive(false);
  }

  #setLive(live: boolean): void {
    if (live === this.#isLive) return;
    this.#isLive = live;
    this.live.emit(live);
  }

  #ask(): void {
    if (!this.#isLive && document.visibilityState !== "hidden") this.#everythingChanged();
  }

  #everythingChanged(): void {
    for (const topic of TOPICS) this.changed.emit({ topic, data: null });
  }
}

function parsed(data: unknown): unknown {
  try {
    return typeof data === "string" ? JSON.parse(data) : null;
  } catch {
    return null; // The page asks instead.
  }
}
