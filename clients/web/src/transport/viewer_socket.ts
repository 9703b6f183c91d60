/**
 * One connection to an agent: requests a ticket, then opens the WebSocket. Fires no event after the
 * connection has ended.
 */

import { pathTo } from "../base.ts";
import type { EndReason } from "../protocol/close_action.ts";
import { AGENT_BINARY_MAX_BYTES, CloseCode, SUBPROTOCOL, TICKET_PREFIX } from "../protocol/generated/wire_facts.ts";
import { fetchTicket, reachable, UNREACHABLE } from "./ticket.ts";

/** Timeout for opening the WebSocket, ms: a firewall that drops packets must not block the viewer. */
const OPEN_TIMEOUT_MS = 10_000;
/** With more unsent bytes than this the socket counts as congested, so pointer motion waits. */
const CONGESTED_BYTES = 4 * 1024;

export interface SocketEvents {
  opened(): void;
  text(data: string): void;
  binary(data: ArrayBuffer): void;
  /**
   * The connection ended or could not be opened. `detail` is the gateway's explanation for the person, or
   * empty. `unopened` says that the WebSocket did not open although the gateway had just granted a ticket.
   */
  closed(code: number, detail: string, unopened: boolean): void;
  /** The gateway refused the ticket; trying again is useless. */
  refused(reason: EndReason, detail: string): void;
}

export class ViewerSocket {
  readonly #events: SocketEvents;
  #socket: WebSocket | null = null;
  #ended = false;
  #opened = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * `resume` is the session that the viewer showed, if any. `isRetry` checks first whether the gateway is reachable,
   * because the previous connection was lost.
   */
  constructor(desktop: string, resume: string | null, isRetry: boolean, events: SocketEvents) {
    this.#events = events;
    void this.#open(desktop, resume, isRetry);
  }

  /** Whether unsent data has piled up. */
  get congested(): boolean {
    return (this.#socket?.bufferedAmount ?? 0) > CONGESTED_BYTES;
  }

  /** Sends a message. Returns false and drops it when the socket is not open. */
  send(data: string | Uint8Array<ArrayBuffer>): boolean {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(data);
    return true;
  }

  /**
   * Closes the connection without firing an event. Browsers let pages use only the codes 1000 and 3000 to
   * 4999.
   */
  drop(code: number = CloseCode.NORMAL, reason = ""): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null && socket.readyState <= WebSocket.OPEN) socket.close(code, reason);
  }

  async #open(desktop: string, resume: string | null, isRetry: boolean): Promise<void> {
    const answer = !isRetry || (await reachable()) ? await fetchTicket(desktop, resume) : UNREACHABLE;
    if (this.#ended) return;
    if (answer.kind === "refused") {
      this.#ended = true;
      this.#events.refused(answer.reason, answer.detail);
      return;
    }
    if (answer.kind === "later") {
      this.#end(CloseCode.ABNORMAL, answer.detail);
      return;
    }
    const url = new URL(pathTo(answer.path), self.location.origin);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    let socket: WebSocket;
    try {
      socket = new WebSocket(url, [SUBPROTOCOL, `${TICKET_PREFIX}${answer.ticket}`]);
    } catch {
      // The gateway's answer contained a ticket or path that is not valid for a WebSocket.
      this.#end(CloseCode.PROTOCOL_VIOLATION, "");
      return;
    }
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#timer = setTimeout(() => {
      this.#end(CloseCode.ABNORMAL, "");
    }, OPEN_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#opened = true;
      if (!this.#ended) this.#events.opened();
    };
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.#ended) return;
      const { data } = event;
      if (typeof data === "string") this.#events.text(data);
      else if (data.byteLength > AGENT_BINARY_MAX_BYTES) this.#end(CloseCode.PROTOCOL_VIOLATION, "");
      else this.#events.binary(data);
    };
    socket.onclose = (event) => {
      this.#end(event.code, event.reason);
    };
  }

  #end(code: number, detail: string): void {
    if (this.#ended) return;
    const unopened = this.#socket !== null && !this.#opened;
    this.drop();
    this.#events.closed(code, detail, unopened);
  }
}
