/**
 * Keeps a viewer connected to its agent: opens connections, reconnects after a loss and detects dead
 * connections.
 */

import type { EndReason } from "../protocol/close_action.ts";
import { ProtocolError } from "../protocol/errors.ts";
import { CloseCode } from "../protocol/generated/wire_facts.ts";
import { InputGate, stamped } from "../protocol/input_gate.ts";
import type { AgentMessage, ViewerMessage } from "../protocol/messages.ts";
import type { ViewerCore } from "../protocol/viewer_core.ts";
import { ViewerSocket } from "../transport/viewer_socket.ts";
import type { ConnectionState } from "./messages.ts";

/** Longest close reason sent to the agent, characters: WebSocket permits 123 bytes. */
const CLOSE_REASON_MAX_CHARS = 120;

export interface ConnectionEvents {
  /** Returns the first message to send on a new connection. */
  hello(): ViewerMessage;
  /** A message arrived. The handler may throw ProtocolError, which closes the connection. */
  message(message: AgentMessage): void;
  /** A binary frame arrived. The handler may throw ProtocolError, which closes the connection. */
  binary(data: ArrayBuffer, receivedMs: number): void;
  /** The connection was lost; another attempt may follow. */
  lost(): void;
  /** The viewer stopped for good. */
  ended(reason: EndReason): void;
  /** Input was dropped because the desktop does not answer. Called once per gap. */
  inputLost(): void;
  /** The connection's state for the page changed; called after `lost` and `ended`. */
  stateChanged(state: ConnectionState): void;
}

export class Connection {
  readonly #desktop: string;
  readonly #core: ViewerCore;
  readonly #events: ConnectionEvents;
  readonly #gate = new InputGate();
  #socket: ViewerSocket | null = null;
  #generation = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  /** Pointer motion that waits until the socket is no longer congested. */
  #delayedMotion: string | null = null;

  constructor(desktop: string, core: ViewerCore, events: ConnectionEvents) {
    this.#desktop = desktop;
    this.#core = core;
    this.#events = events;
  }

  /**
   * Number of the current connection. Answers to an earlier connection's messages must not be sent on this
   * one.
   */
  get generation(): number {
    return this.#generation;
  }

  /** Opens a connection and drops the current one. */
  open(): void {
    clearTimeout(this.#retryTimer);
    this.#socket?.drop();
    this.#generation += 1;
    this.#core.retryStarted();
    this.#events.stateChanged({ phase: "connecting", attempt: this.#core.attempt });
    this.#socket = new ViewerSocket(this.#desktop, this.#core.shownSession, this.#core.attempt > 0, {
      opened: () => {
        this.#core.socketOpened(performance.now());
        this.send(this.#events.hello());
      },
      text: (data) => {
        this.#closeOnViolation(() => this.#events.message(this.#core.receive(data, performance.now())));
      },
      binary: (data) => {
        this.#closeOnViolation(() => this.#events.binary(data, performance.now()));
      },
      closed: (code, detail, unopened) => this.#lost(code, detail, unopened),
      refused: (reason, detail) => {
        this.#core.end(reason);
        this.#end(reason, detail);
      },
    });
  }

  /** Sends a message; it is dropped when no connection is open. */
  send(message: ViewerMessage): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Sends a binary frame; it is dropped when no connection is open. */
  sendBinary(frame: Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(frame);
  }

  /**
   * Sends a serialized input message. It is dropped while disconnected: a key must not arrive after an
   * outage.
   */
  sendInput(text: string): void {
    const nowMs = performance.now();
    this.#checkGate(nowMs);
    const admitted = this.#gate.admit(text, this.#core.liveness.agentClockMs(nowMs));
    if (admitted === null) {
      if (this.#gate.mustAnnounce(text)) this.#events.inputLost();
      return;
    }
    // Delayed motion is sent first even if the socket is congested; sent later it would move the pointer
    // back.
    this.#sendDelayedMotion();
    this.#socket?.send(admitted);
  }

  /** Sends serialized pointer motion. While the socket is congested only the latest motion is kept. */
  sendMotion(text: string): void {
    if (!this.#core.connected) return;
    this.#checkGate(performance.now());
    this.#delayedMotion = text;
    if (!this.#gate.closed && this.#socket?.congested !== true) this.#sendDelayedMotion();
  }

  /**
   * Reconnects now, because the person asked for it, the network changed or the page woke up. `force`
   * replaces a connection that still looks alive and restarts a viewer that has ended; without it, a
   * connected viewer only checks the connection.
   */
  retry(force: boolean): void {
    const { phase, connected } = this.#core;
    if (connected && !force) {
      // The connection may have died while the page slept; a missing answer to the ping will show it.
      this.#core.suspectLink(performance.now());
      this.send({ type: "ping", t: performance.now() });
      return;
    }
    if ((phase === "connecting" || phase === "ended") && !force) return;
    if (connected) this.#core.connectionLost(CloseCode.GOING_AWAY, 0);
    this.#core.resetFailures();
    if (force) this.#core.takeOver();
    this.open();
  }

  /**
   * To be called regularly: sends pings and delayed motion, and drops a dead connection. Returns whether it
   * is alive.
   */
  check(nowMs: number): boolean {
    const { ping, dead } = this.#core.checkLink(nowMs);
    if (dead) {
      this.#socket?.drop();
      this.#lost(CloseCode.ABNORMAL, "");
      return false;
    }
    if (ping) this.send({ type: "ping", t: nowMs });
    this.#checkGate(nowMs);
    if (!this.#gate.closed && this.#socket?.congested !== true) this.#sendDelayedMotion();
    return true;
  }

  /** Runs the handler of a received frame and closes the connection if the frame violates the protocol. */
  #closeOnViolation(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#socket?.drop(CloseCode.PROTOCOL_VIOLATION, error.message.slice(0, CLOSE_REASON_MAX_CHARS));
      this.#lost(CloseCode.PROTOCOL_VIOLATION, error.message);
    }
  }

  /** Closes the gate for input while nothing proves that the desktop answers, and opens it afterwards. */
  #checkGate(nowMs: number): void {
    const open = this.#core.connected && this.#core.liveness.proof(nowMs) !== "missing";
    for (const message of this.#gate.setOpen(open)) this.#socket?.send(message);
  }

  #sendDelayedMotion(): void {
    if (this.#delayedMotion === null) return;
    this.#socket?.send(stamped(this.#delayedMotion, this.#core.liveness.agentClockMs(performance.now())));
    this.#delayedMotion = null;
  }

  #lost(code: number, detail: string, unopened = false): void {
    this.#delayedMotion = null;
    const next = this.#core.connectionLost(code, Math.random(), unopened);
    this.#events.lost();
    if (next.kind === "end") {
      this.#end(next.reason, detail);
      return;
    }
    const { attempt, inMs } = next;
    const webSocketsBlocked = this.#core.webSockets.blocked;
    this.#events.stateChanged({ phase: "reconnecting", attempt, inMs, detail, webSocketsBlocked });
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.open(), next.inMs);
  }

  #end(reason: EndReason, detail: string): void {
    this.#events.ended(reason);
    this.#events.stateChanged({ phase: "ended", reason, detail });
  }
}
