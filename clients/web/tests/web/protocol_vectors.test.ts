/** Checks the viewer against tests/vectors/protocol.json, which the tests of the agent read as well. */

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { encodeReport } from "../../src/protocol/digest_report.ts";
import { parseAgentMessage } from "../../src/protocol/messages.ts";
import { encodePointerMotion } from "../../src/protocol/pointer_motion.ts";

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
/** A parsed message with its 64-bit numbers as text, as in JSON. */
const plain = (message: object): unknown =>
  JSON.parse(JSON.stringify(message, (_, value) => (typeof value === "bigint" ? hex(value) : value)));

describe("shared vectors", () => {
  it.each(vectors.from_agent)("agent message: $name", ({ message }) => {
    expect(plain(parseAgentMessage(JSON.stringify(message)))).toEqual(message);
  });

  it.each(vectors.reports)("digest report: $name", ({ hex: expected, monitor, epoch, full, root, entries }) => {
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

  it.each(vectors.motions)("pointer motion: $name", ({ hex: expected, turn, step, x, y }) => {
    expect(Buffer.from(encodePointerMotion(turn, step, x, y)).toString("hex")).toBe(expected);
  });
});
