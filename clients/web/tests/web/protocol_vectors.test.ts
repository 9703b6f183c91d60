/** The vectors that the agent's tests read as well: what one side writes the other reads. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { parseAgentMessage } from "../../src/protocol/messages.ts";
import { encodeMotion } from "../../src/protocol/motion.ts";
import { encodeReport } from "../../src/protocol/report.ts";

interface Vectors {
  from_agent: { name: string; message: Record<string, unknown> & { type: string } }[];
  reports: {
    name: string;
    hex: string;
    monitor: number;
    epoch: number;
    full: boolean;
    root: string;
    entries: [number, string][];
  }[];
  motions: { name: string; hex: string; turn: number; step: number; x: number; y: number }[];
}

const file = new URL("../../../../tests/vectors/protocol.json", import.meta.url);
const vectors: Vectors = JSON.parse(await readFile(file, "utf8"));

const hex = (value: bigint): string => value.toString(16).padStart(16, "0");
/** A parsed message with its 64-bit numbers as JSON has them. */
const plain = (message: object): unknown =>
  JSON.parse(JSON.stringify(message, (_, value) => (typeof value === "bigint" ? hex(value) : value)));

describe("shared vectors", () => {
  it.each(vectors.from_agent)("of the agent's messages: $name", ({ message }) => {
    expect(plain(parseAgentMessage(JSON.stringify(message)))).toEqual(message);
  });

  it.each(vectors.reports)("of digest reports: $name", ({ hex: expected, monitor, epoch, full, root, entries }) => {
    const report = encodeReport({
      monitor,
      epoch,
      full,
      root: BigInt(`0x${root}`),
      tiles: entries.map(([tile]) => tile),
      digests: entries.map(([, digest]) => BigInt(`0x${digest}`)),
    });
    expect(Buffer.from(report).toString("hex")).toBe(expected);
  });

  it.each(vectors.motions)("of motions as datagrams: $name", ({ hex: expected, turn, step, x, y }) => {
    expect(Buffer.from(encodeMotion(turn, step, x, y)).toString("hex")).toBe(expected);
  });
});
