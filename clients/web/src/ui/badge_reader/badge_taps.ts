/** What happens after a badge was held to the reader. Shows pages through its host, which owns the window. */

import { pathTo } from "../../base.ts";
import { type BadgeStep, tapBadge } from "../../gateway/device_client.ts";
import { listDesktops } from "../../gateway/gateway_client.ts";
import { h } from "../dom.ts";
import { sentences } from "../message.ts";
import type { Page } from "../page.ts";
import { failureMessage } from "../second_factor/failure_message.ts";
import { badgePage } from "./badge_page.ts";
import { ownDesktop } from "./own_desktop.ts";

export interface BadgeHost {
  readonly showPage: (create: () => Page) => void;
  /** Somebody else's screen was locked, here and in all windows of this browser. */
  readonly locked: () => void;
  /** Nothing came of the tap: the window shows what it showed before, or the lock page. */
  readonly cancelled: () => void;
  /** Whether this window shows a desktop of this person at present. */
  readonly displays: (username: string) => boolean;
  /** Locks the screen of the person who is signed in, because they leave. */
  readonly lock: () => void;
  /** The person of the badge is signed in, and this address is opened. */
  readonly opened: (username: string, address: string) => void;
}

/** A badge that is held to the reader for longer is read several times: within this time, ms, once counts. */
const AGAIN_MS = 3_000;
/** How long the page says what was wrong with a badge, ms. */
const SHOWN_MS = 10_000;

export class BadgeTaps {
  readonly #host: BadgeHost;
  readonly #message = h("div", { class: "person-messages badge-message", attrs: { role: "alert" } });
  #busy = false;
  #last = { number: "", atMs: Number.NEGATIVE_INFINITY };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: BadgeHost) {
    this.#host = host;
    document.body.append(this.#message);
  }

  /** A badge was read. `nowMs` is a time that only grows. */
  tapped(number: string, nowMs: number): void {
    const again = this.#last.number === number && nowMs - this.#last.atMs < AGAIN_MS;
    if (this.#busy || again) return;
    this.#last = { number, atMs: nowMs };
    this.#busy = true;
    void this.#handle(number).finally(() => {
      this.#busy = false;
    });
  }

  async #handle(number: string): Promise<void> {
    this.#say("");
    const answer = await tapBadge(number, null);
    if (!answer.ok) this.#say(sentences(failureMessage(answer.failure)));
    else if (answer.value.state === "signed-in" || answer.value.state === "open") await this.#signedIn(answer.value);
    else {
      if (answer.value.locked) this.#host.locked();
      this.#ask(number, answer.value);
    }
  }

  #ask(number: string, step: BadgeStep): void {
    this.#host.showPage(() =>
      badgePage({
        number,
        step,
        signedIn: (done) => void this.#signedIn(done),
        cancelled: this.#host.cancelled,
        redraw: () => this.#ask(number, step),
      }),
    );
  }

  /** Opens the person's own desktop. Held over it, the badge locks the screen: the person leaves. */
  async #signedIn({ username }: BadgeStep): Promise<void> {
    if (this.#host.displays(username)) {
      this.#host.lock();
      return;
    }
    const listed = await listDesktops();
    const own = listed.ok ? ownDesktop(listed.value) : null;
    this.#host.opened(username, pathTo(own === null ? "" : `desktop/${encodeURIComponent(own.name)}`));
  }

  #say(text: string): void {
    clearTimeout(this.#timer);
    this.#message.replaceChildren(...(text === "" ? [] : [h("section", { class: "person-message" }, text)]));
    if (text !== "") this.#timer = setTimeout(() => this.#message.replaceChildren(), SHOWN_MS);
  }
}
