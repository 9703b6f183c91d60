/**
 * InputSink whose pointer motion goes as datagrams while there is a channel for them, and by the WebSocket otherwise (PROTOCOL.md §11).
 *
 * Datagrams may get lost: the latest motion is repeated on the WebSocket soon, and before whatever depends on where the pointer is.
 */

import type { InputSink } from "../input/input_sink.ts";
import type { InputMessage } from "../protocol/messages.ts";
import { encodeMotion } from "../protocol/motion.ts";

/** What is used of an RTCDataChannel. */
export interface PointerDataChannel {
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
}

/** The way to the WebSocket. */
export interface InputWire {
  /** Sent at once, in order. */
  send(message: InputMessage): void;
  /** If the wire is busy only the latest counts. */
  sendMotion(message: PointerMessage): void;
}

type PointerMessage = Extract<InputMessage, { type: "pointer" }>;

/** A channel that holds more than a few datagrams back is no quick way. */
const BUFFERED_MAX_BYTES = 128;
/** So long after a datagram the WebSocket tells where the pointer is. */
export const REPEAT_MS = 50;
const LAST = 0xffff;

export class PointerChannel implements InputSink {
  readonly #wire: InputWire;
  #channel: PointerDataChannel | null = null;
  #turn = 0;
  #step = 0;
  /** As the turn began. A datagram tells none. */
  #buttons = 0;
  /** The agent does not know this turn yet: the next motion tells it, by the WebSocket. */
  #fresh = true;
  /** Sent as a datagram alone so far. */
  #unsure: PointerMessage | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wire: InputWire) {
    this.#wire = wire;
  }

  /** Datagrams go by this channel from now on; null: there is none. */
  useChannel(channel: PointerDataChannel | null): void {
    if (channel === this.#channel) return;
    this.#repeat();
    this.#channel = channel;
    this.#fresh = true;
  }

  send(message: InputMessage): void {
    switch (message.type) {
      case "pointer":
        this.#forget();
        this.#buttons = message.buttons;
        this.#wire.send({ ...message, ...this.#nextTurn() });
        return;
      case "wheel":
        this.#forget();
        this.#wire.send({ ...message, turn: this.#nextTurn().turn });
        return;
      case "release":
        // It says nothing of a turn, but is one: what moves afterwards moves with nothing held.
        this.#fresh = true;
        break;
    }
    this.#repeat();
    this.#wire.send(message);
  }

  sendMotion(x: number, y: number, buttons: number): void {
    const message = { type: "pointer", x, y, buttons } as const;
    const channel = this.#channel;
    if (channel === null) {
      this.#wire.sendMotion(message);
    } else if (this.#fresh || this.#step === LAST || buttons !== this.#buttons) {
      this.#forget();
      this.#buttons = buttons;
      this.#wire.sendMotion({ ...message, ...this.#nextTurn() });
    } else {
      this.#step += 1;
      const counted = { ...message, turn: this.#turn, step: this.#step };
      if (channel.readyState === "open" && channel.bufferedAmount <= BUFFERED_MAX_BYTES) {
        channel.send(encodeMotion(this.#turn, this.#step, x, y));
        this.#unsure = counted;
        this.#timer ??= setTimeout(() => this.#repeat(), REPEAT_MS);
      } else {
        this.#forget();
        this.#wire.sendMotion(counted);
      }
    }
  }

  /** Nothing more is sent. */
  close(): void {
    this.#forget();
    this.#channel = null;
  }

  /** Without a channel nobody counts. */
  #nextTurn(): { turn: number; step: number } {
    this.#fresh = this.#channel === null;
    this.#step = 0;
    if (this.#channel === null) return { turn: 0, step: 0 };
    this.#turn = (this.#turn % LAST) + 1;
    return { turn: this.#turn, step: 0 };
  }

  #repeat(): void {
    const message = this.#unsure;
    this.#forget();
    if (message !== null) this.#wire.sendMotion(message);
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unsure = null;
  }
}
