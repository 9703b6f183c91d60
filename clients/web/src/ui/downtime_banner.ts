/** A banner on the pages that take a password: it says what does not work while the directory is away. */

import { type Downtime, downtime } from "../gateway/gateway_client.ts";
import { h } from "./dom.ts";
import type { Message } from "./message.ts";
import { texts } from "./texts.ts";

/** Interval between two questions to the server, ms. */
const ASK_INTERVAL_MS = 15_000;

export interface DowntimeBanner {
  readonly element: HTMLElement;
  /** Begins to ask the server. */
  show(): void;
  /** Stops asking. */
  close(): void;
}

/** Returns what the banner says, or null if it says nothing. */
export function downtimeMessage(found: Downtime): Message | null {
  if (!found.directoryAway) return null;
  const messages = texts().messages.downtime;
  return found.cachedHours > 0 ? messages.cached(found.cachedHours) : messages.directoryAway;
}

export function downtimeBanner(): DowntimeBanner {
  const element = h("div", { class: "hint downtime", attrs: { role: "status", hidden: "" } });
  let timer: ReturnType<typeof setInterval> | undefined;
  let closed = false;
  const ask = async (): Promise<void> => {
    const found = await downtime();
    if (closed || found === null) return; // without an answer the banner stays as it is
    const message = downtimeMessage(found);
    element.hidden = message === null;
    const lines = message === null ? [] : [message.what, message.why, message.next];
    if (element.textContent === lines.join("")) return; // screen readers read it out when it changes
    element.replaceChildren(...lines.map((line, number) => h(number === 0 ? "strong" : "p", {}, line)));
  };
  return {
    element,
    show: () => {
      void ask();
      timer = setInterval(() => {
        if (document.visibilityState === "visible") void ask();
      }, ASK_INTERVAL_MS);
    },
    close: () => {
      closed = true;
      clearInterval(timer);
    },
  };
}
