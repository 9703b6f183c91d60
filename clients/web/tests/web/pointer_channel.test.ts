/** Pointer motion over datagrams and the WebSocket: no final position is lost, and messages stay in order. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { InputMessage } from "../../src/protocol/messages.ts";
import { encodePointerMotion } from "../../src/protocol/pointer_motion.ts";
import { PointerChannel, type PointerDataChannel, REPEAT_MS } from "../../src/transport/pointer_channel.ts";

class FakeChannel implements PointerDataChannel {
  readyState: RTCDataChannelState = "open";
  bufferedAmount = 0;
  readonly sent: string[] = [];

  send(data: Uint8Array<ArrayBuffer>): void {
    this.sent.push(Buffer.from(data).toString("hex"));
  }
}

const datagram = (turn: number, step: number, x: number, y: number): string =>
  Buffer.from(encodePointerMotion(turn, step, x, y)).toString("hex");

let overSocket: InputMessage[];
let pointer: PointerChannel;
let channel: FakeChannel;

beforeEach(() => {
  vi.useFakeTimers();
  overSocket = [];
  const send = (message: InputMessage): void => {
    overSocket.push(message);
  };
  pointer = new PointerChannel({ send, sendMotion: send });
  channel = new FakeChannel();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Opens a channel and starts a turn that the agent knows. */
function openChannel(): void {
  pointer.useChannel(channel);
  pointer.sendMotion(1, 1, 0);
  overSocket.length = 0;
}

describe("pointer channel", () => {
  it("uses only the WebSocket without a channel", () => {
    pointer.sendMotion(5, 6, 0);
    pointer.send({ type: "pointer", x: 5, y: 6, buttons: 1 });
    expect(overSocket).toEqual([
      { type: "pointer", x: 5, y: 6, buttons: 0 },
      { type: "pointer", x: 5, y: 6, buttons: 1, turn: 0, step: 0 },
    ]);
  });

  it("starts a turn on the WebSocket and sends later motion as datagrams", () => {
    pointer.useChannel(channel);
    pointer.sendMotion(5, 6, 0);
    pointer.sendMotion(7, 8, 0);
    pointer.sendMotion(9, 9, 0);
    expect(overSocket).toEqual([{ type: "pointer", x: 5, y: 6, buttons: 0, turn: 1, step: 0 }]);
    expect(channel.sent).toEqual([datagram(1, 1, 7, 8), datagram(1, 2, 9, 9)]);
  });

  it("repeats the latest datagram once on the WebSocket", () => {
    openChannel();
    pointer.sendMotion(7, 8, 0);
    vi.advanceTimersByTime(REPEAT_MS - 1);
    pointer.sendMotion(9, 9, 0);
    expect(overSocket).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(overSocket).toEqual([{ type: "pointer", x: 9, y: 9, buttons: 0, turn: 1, step: 2 }]);
    vi.advanceTimersByTime(10 * REPEAT_MS);
    expect(overSocket).toHaveLength(1);
  });

  it("starts a turn with a press, and repeats the latest motion before a key", () => {
    openChannel();
    pointer.sendMotion(7, 8, 0);
    pointer.send({ type: "pointer", x: 7, y: 9, buttons: 1 });
    pointer.sendMotion(8, 8, 1);
    pointer.send({ type: "key", keysym: 97, code: "KeyA", down: true });
    pointer.send({ type: "wheel", x: 8, y: 8, dx: 0, dy: 120 });
    pointer.sendMotion(9, 9, 1);
    expect(overSocket).toEqual([
      { type: "pointer", x: 7, y: 9, buttons: 1, turn: 2, step: 0 },
      { type: "pointer", x: 8, y: 8, buttons: 1, turn: 2, step: 1 },
      { type: "key", keysym: 97, code: "KeyA", down: true },
      { type: "wheel", x: 8, y: 8, dx: 0, dy: 120, turn: 3 },
    ]);
    expect(channel.sent).toEqual([datagram(1, 1, 7, 8), datagram(2, 1, 8, 8), datagram(3, 1, 9, 9)]);
  });

  it("starts a new turn with the first motion after a release", () => {
    openChannel();
    pointer.send({ type: "release" });
    pointer.sendMotion(3, 3, 0);
    expect(overSocket.at(-1)).toEqual({ type: "pointer", x: 3, y: 3, buttons: 0, turn: 2, step: 0 });
    expect(channel.sent).toEqual([]);
  });

  it("starts a new turn when the buttons changed without a message", () => {
    openChannel();
    pointer.sendMotion(3, 3, 1); // the drag began elsewhere
    pointer.sendMotion(4, 4, 1);
    expect(overSocket).toEqual([{ type: "pointer", x: 3, y: 3, buttons: 1, turn: 2, step: 0 }]);
    expect(channel.sent).toEqual([datagram(2, 1, 4, 4)]);
  });

  it.each([
    ["buffers data", () => Object.assign(channel, { bufferedAmount: 1000 })],
    ["is closing", () => Object.assign(channel, { readyState: "closing" })],
  ])("bypasses a channel that %s, within the same turn", (_, become) => {
    openChannel();
    pointer.sendMotion(2, 2, 0);
    become();
    pointer.sendMotion(3, 3, 0);
    expect(overSocket).toEqual([{ type: "pointer", x: 3, y: 3, buttons: 0, turn: 1, step: 2 }]);
    expect(channel.sent).toHaveLength(1);
    vi.advanceTimersByTime(REPEAT_MS);
    expect(overSocket).toHaveLength(1);
  });

  it("repeats the latest datagram when the channel closes", () => {
    openChannel();
    pointer.sendMotion(2, 2, 0);
    pointer.useChannel(null);
    pointer.sendMotion(3, 3, 0);
    expect(overSocket).toEqual([
      { type: "pointer", x: 2, y: 2, buttons: 0, turn: 1, step: 1 },
      { type: "pointer", x: 3, y: 3, buttons: 0 },
    ]);
  });

  it("wraps turn numbers around without using 0", () => {
    openChannel();
    for (let press = 0; press < 0x1_0000; press++) pointer.send({ type: "pointer", x: 0, y: 0, buttons: 1 });
    expect(overSocket.every((message) => message.type === "pointer" && (message.turn ?? 0) > 0)).toBe(true);
    expect(overSocket.at(-1)).toMatchObject({ turn: 2 });
  });
});
