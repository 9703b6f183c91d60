/** Motions of the pointer by datagrams and by the WebSocket: nothing is lost for good, and nothing is out of order. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { InputMessage } from "../../src/protocol/messages.ts";
import { encodeMotion } from "../../src/protocol/motion.ts";
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
  Buffer.from(encodeMotion(turn, step, x, y)).toString("hex");

let wired: InputMessage[];
let way: PointerChannel;
let channel: FakeChannel;

beforeEach(() => {
  vi.useFakeTimers();
  wired = [];
  const send = (message: InputMessage): void => {
    wired.push(message);
  };
  way = new PointerChannel({ send, sendMotion: send });
  channel = new FakeChannel();
});

afterEach(() => {
  vi.useRealTimers();
});

/** With a channel, and a turn that the agent knows of. */
function opened(): void {
  way.useChannel(channel);
  way.sendMotion(1, 1, 0);
  wired.length = 0;
}

describe("motions of the pointer", () => {
  it("without a channel they go as ever", () => {
    way.sendMotion(5, 6, 0);
    way.send({ type: "pointer", x: 5, y: 6, buttons: 1 });
    expect(wired).toEqual([
      { type: "pointer", x: 5, y: 6, buttons: 0 },
      { type: "pointer", x: 5, y: 6, buttons: 1, turn: 0, step: 0 },
    ]);
  });

  it("the first tells the turn by the WebSocket, the others are datagrams", () => {
    way.useChannel(channel);
    way.sendMotion(5, 6, 0);
    way.sendMotion(7, 8, 0);
    way.sendMotion(9, 9, 0);
    expect(wired).toEqual([{ type: "pointer", x: 5, y: 6, buttons: 0, turn: 1, step: 0 }]);
    expect(channel.sent).toEqual([datagram(1, 1, 7, 8), datagram(1, 2, 9, 9)]);
  });

  it("the WebSocket repeats the latest soon, once", () => {
    opened();
    way.sendMotion(7, 8, 0);
    vi.advanceTimersByTime(REPEAT_MS - 1);
    way.sendMotion(9, 9, 0);
    expect(wired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(wired).toEqual([{ type: "pointer", x: 9, y: 9, buttons: 0, turn: 1, step: 2 }]);
    vi.advanceTimersByTime(10 * REPEAT_MS);
    expect(wired).toHaveLength(1);
  });

  it("a press begins a turn at its own place; a key comes after the latest motion", () => {
    opened();
    way.sendMotion(7, 8, 0);
    way.send({ type: "pointer", x: 7, y: 9, buttons: 1 });
    way.sendMotion(8, 8, 1);
    way.send({ type: "key", keysym: 97, code: "KeyA", down: true });
    way.send({ type: "wheel", x: 8, y: 8, dx: 0, dy: 120 });
    way.sendMotion(9, 9, 1);
    expect(wired).toEqual([
      { type: "pointer", x: 7, y: 9, buttons: 1, turn: 2, step: 0 },
      { type: "pointer", x: 8, y: 8, buttons: 1, turn: 2, step: 1 },
      { type: "key", keysym: 97, code: "KeyA", down: true },
      { type: "wheel", x: 8, y: 8, dx: 0, dy: 120, turn: 3 },
    ]);
    expect(channel.sent).toEqual([datagram(1, 1, 7, 8), datagram(2, 1, 8, 8), datagram(3, 1, 9, 9)]);
  });

  it("after a release the next motion tells a new turn", () => {
    opened();
    way.send({ type: "release" });
    way.sendMotion(3, 3, 0);
    expect(wired.at(-1)).toEqual({ type: "pointer", x: 3, y: 3, buttons: 0, turn: 2, step: 0 });
    expect(channel.sent).toEqual([]);
  });

  it("buttons that the turn does not have are told by the WebSocket", () => {
    opened();
    way.sendMotion(3, 3, 1); // dragged here from elsewhere
    way.sendMotion(4, 4, 1);
    expect(wired).toEqual([{ type: "pointer", x: 3, y: 3, buttons: 1, turn: 2, step: 0 }]);
    expect(channel.sent).toEqual([datagram(2, 1, 4, 4)]);
  });

  it.each([
    ["holds something back", () => Object.assign(channel, { bufferedAmount: 1000 })],
    ["is closing", () => Object.assign(channel, { readyState: "closing" })],
  ])("a channel that %s is passed by, in the same turn", (_, become) => {
    opened();
    way.sendMotion(2, 2, 0);
    become();
    way.sendMotion(3, 3, 0);
    expect(wired).toEqual([{ type: "pointer", x: 3, y: 3, buttons: 0, turn: 1, step: 2 }]);
    expect(channel.sent).toHaveLength(1);
    vi.advanceTimersByTime(REPEAT_MS);
    expect(wired).toHaveLength(1);
  });

  it("a channel that is gone leaves nothing unsaid", () => {
    opened();
    way.sendMotion(2, 2, 0);
    way.useChannel(null);
    way.sendMotion(3, 3, 0);
    expect(wired).toEqual([
      { type: "pointer", x: 2, y: 2, buttons: 0, turn: 1, step: 1 },
      { type: "pointer", x: 3, y: 3, buttons: 0 },
    ]);
  });

  it("turns come round without ever being 0", () => {
    opened();
    for (let press = 0; press < 0x1_0000; press++) way.send({ type: "pointer", x: 0, y: 0, buttons: 1 });
    expect(wired.every((message) => message.type === "pointer" && (message.turn ?? 0) > 0)).toBe(true);
    expect(wired.at(-1)).toMatchObject({ turn: 2 });
  });
});
