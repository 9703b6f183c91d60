/**
 * An input sink that sends pointer motion as datagrams over a WebRTC data channel while one is open, and
 * everything else over the WebSocket (PROTOCOL.md §11).
 *
 * Datagrams may be lost, so the latest motion is repeated on the WebSocket shortly after it, and before any
 * message that depends on the pointer's position. A new *turn* starts with every message that the pointer's
 * order matters for (a press, a wheel step); motion within a turn is numbered by its *step*, so that the
 * agent can drop datagrams that arrive late.
 */

import type { InputSink } from "../input/input_sink.ts";
import type { InputMessage } from "../protocol/messages.ts";
import { encodePointerMotion } from "../protocol/pointer_motion.ts";

/** The part of RTCDataChannel that is used here. */
export interface PointerDataChannel {
  readonly readyState: RTCDataChannelState;
  readonly bufferedAmount: number;
  send(data: Uint8Array<ArrayBuffer>): void;
}

/** Sends input over the WebSocket. */
export interface InputSocket {
  /** Sends a message at once; messages keep their order. */
  send(message: InputMessage): void;
  /** Sends pointer motion; while the socket is congested only the latest motion is kept. */
  sendMotion(message: PointerMessage): void;
}

type PointerMessage = Extract<InputMessage, { type: "pointer" }>;

/**
 * A channel that buffers more than this, a few datagrams, would delay motion; it is bypassed until it drains.
 */
const BUFFERED_MAX_BYTES = 128;
/** Delay after which the latest datagram is repeated on the WebSocket, ms. */
export const REPEAT_MS = 50;
/** Largest number of a turn or step: both are unsigned 16-bit numbers. */
const MAX_COUNT = 0xffff;

export class PointerChannel implements InputSink {
  readonly #socket: InputSocket;
  #channel: PointerDataChannel | null = null;
  #turn = 0;
  #step = 0;
  /** Buttons held since the turn began. Datagrams do not carry them. */
  #buttons = 0;
  /** Whether the next motion must start a new turn, over the WebSocket. */
  #needsTurn = true;
  /** The latest motion that was sent only as a datagram. */
  #unconfirmed: PointerMessage | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: InputSocket) {
    this.#socket = socket;
  }

  /** Sends datagrams over this channel from now on; null stops sending datagrams. */
  useChannel(channel: PointerDataChannel | null): void {
    if (channel === this.#channel) return;
    this.#repeat();
    this.#channel = channel;
    this.#needsTurn = true;
  }

  send(message: InputMessage): void {
    switch (message.type) {
      case "pointer":
        this.#cancelRepeat();
        this.#buttons = message.buttons;
        this.#socket.send({ ...message, ...this.#nextTurn() });
        return;
      case "wheel":
        this.#cancelRepeat();
        this.#socket.send({ ...message, turn: this.#nextTurn().turn });
        return;
      case "release":
        // The message carries no turn number but ends the turn, because later motion is sent without buttons.
        this.#needsTurn = true;
        break;
    }
    this.#repeat();
    this.#socket.send(message);
  }

  sendMotion(x: number, y: number, buttons: number): void {
    const message = { type: "pointer", x, y, buttons } as const;
    const channel = this.#channel;
    if (channel === null) {
      this.#socket.sendMotion(message);
    } else if (this.#needsTurn || this.#step === MAX_COUNT || buttons !== this.#buttons) {
      this.#cancelRepeat();
      this.#buttons = buttons;
      this.#socket.sendMotion({ ...message, ...this.#nextTurn() });
    } else {
      this.#step += 1;
      const counted = { ...message, turn: this.#turn, step: this.#step };
      if (channel.readyState === "open" && channel.bufferedAmount <= BUFFERED_MAX_BYTES) {
        channel.send(encodePointerMotion(this.#turn, this.#step, x, y));
        this.#unconfirmed = counted;
        this.#timer ??= setTimeout(() => this.#repeat(), REPEAT_MS);
      } else {
        this.#cancelRepeat();
        this.#socket.sendMotion(counted);
      }
    }
  }

  /** Stops sending. */
  close(): void {
    this.#cancelRepeat();
    this.#channel = null;
  }

  /**
   * Starts a turn and returns its numbers. Without a channel, turns are not counted and have the number 0.
   */
  #nextTurn(): { turn: number; step: number } {
    this.#needsTurn = this.#channel === null;
    this.#step = 0;
    if (this.#channel === null) return { turn: 0, step: 0 };
    this.#turn = (this.#turn % MAX_COUNT) + 1;
    return { turn: this.#turn, step: 0 };
  }

  #repeat(): void {
    const message = this.#unconfirmed;
    this.#cancelRepeat();
    if (message !== null) this.#socket.sendMotion(message);
  }

  #cancelRepeat(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unconfirmed = null;
  }
}
