/** One connection to an agent: ticket, then WebSocket. Says each thing once, and nothing after its end. */

import { CLOSE, type EndReason } from "../protocol/close.ts";
import { MAX_BINARY_FROM_AGENT, SUBPROTOCOL } from "../protocol/messages.ts";
import { fetchTicket, reachable, UNREACHABLE } from "./ticket.ts";

/** From ticket to open socket; a port that swallows everything must not hold the viewer. */
const OPEN_TIMEOUT_MS = 10_000;
/** WebSocket's own code for "no close came". */
const CLOSED_ABNORMALLY = 1006;
/** More than this unsent means that the wire is busy and pointer motion can wait. */
const BUSY_BYTES = 4 * 1024;

export interface SocketEvents {
  opened(): void;
  text(data: string): void;
  binary(data: ArrayBuffer): void;
  /** It ended, or never came about; `detail` is for the person, where the door gave one. */
  closed(code: number, detail: string): void;
  refused(reason: EndReason, detail: string): void;
}

export class ViewerSocket {
  readonly #events: SocketEvents;
  #socket: WebSocket | null = null;
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `again`: the way broke before, so it is asked first whether there is one. */
  constructor(desktop: string, again: boolean, events: SocketEvents) {
    this.#events = events;
    void this.#open(desktop, again);
  }

  get busy(): boolean {
    return (this.#socket?.bufferedAmount ?? 0) > BUSY_BYTES;
  }

  /** False when there is no open socket; the message is dropped then. */
  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(data);
    return true;
  }

  /** Ends it without another event. Browsers let pages send 1000 and 3000…4999 alone. */
  drop(code = 1000, reason = ""): void {
    this.#over = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null && socket.readyState <= WebSocket.OPEN) socket.close(code, reason);
  }

  async #open(desktop: string, again: boolean): Promise<void> {
    const answer = !again || (await reachable()) ? await fetchTicket(desktop) : UNREACHABLE;
    if (this.#over) return;
    if (answer.kind === "refused") {
      this.#over = true;
      this.#events.refused(answer.reason, answer.detail);
      return;
    }
    if (answer.kind === "later") {
      this.#end(CLOSED_ABNORMALLY, answer.detail);
      return;
    }
    const url = new URL(answer.path, self.location.origin);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, [SUBPROTOCOL, `ticket.${answer.ticket}`]);
    } catch {
      // The door gave a ticket or path that no WebSocket can carry.
      this.#end(CLOSE.violation, "");
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timer = setTimeout(() => {
      this.#end(CLOSED_ABNORMALLY, "");
    }, OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      if (!this.#over) this.#events.opened();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.#over) return;
      const { data } = event;
      if (typeof data === "string") this.#events.text(data);
      else if (data.byteLength > MAX_BINARY_FROM_AGENT) this.#end(CLOSE.violation, "");
      else this.#events.binary(data);
    };
    socket.onclose = (event) => {
      this.#end(event.code, event.reason);
    };
  }

  #end(code: number, detail: string): void {
    if (this.#over) return;
    this.drop();
    this.#events.closed(code, detail);
  }
}
