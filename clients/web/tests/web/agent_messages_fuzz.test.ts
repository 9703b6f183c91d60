/**
 * Feeds mutated messages of agents to the parser: each is accepted or refused with a ProtocolError. The acceptance
 * command of the bar `fuzz-wire` sets LIGHTBOX_FUZZ_INPUTS to many more than the test of `make test` needs.
 */

import { readFile } from "node:fs/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { ProtocolError } from "../../src/protocol/errors.ts";
import { parseAgentMessage } from "../../src/protocol/messages.ts";

const INPUTS = Number(process.env.LIGHTBOX_FUZZ_INPUTS ?? 10_000);
const SEED = Number(process.env.LIGHTBOX_FUZZ_SEED ?? 1);
/** What the heap may have grown by at the end, bytes. What is kept of each input would be more. */
const GROWTH_MAX_BYTES = 8 << 20;
const TIMEOUT_MS = 3_600_000;
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1, 0.5, 1e308, -1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 64],
  ...["", "..", "a\0b", "\ud800", "__proto__", "constructor", "x".repeat(300), "0".repeat(70_000)],
  ...[[], {}, [[]], { "": null }, Array(2000).fill(0), { __proto__: null }],
];

const file = new URL("../../../../tests/vectors/protocol.json", import.meta.url);
const vectors: { from_agent: { message: Record<string, unknown> }[] } = JSON.parse(await readFile(file, "utf8"));
const seeds = vectors.from_agent.map(({ message }) => message);

/** Mulberry32: the same numbers for the same seed. */
let state = SEED;
function below(limit: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
}

function pick<T>(values: readonly T[]): T {
  return values[below(values.length)] as T;
}

/** Returns the value with one part replaced, removed, doubled or renamed. */
function changed(value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && below(5) > 0) {
    const at = below(value.length);
    if (below(3) === 0) return [...value.slice(0, at), ...value.slice(at + 1)];
    if (below(3) === 0) return [...value, value[at]];
    return value.map((one, index) => (index === at ? changed(one) : one));
  }
  if (typeof value === "object" && value !== null && below(5) > 0) {
    const entries = Object.entries(value);
    const at = below(Math.max(1, entries.length));
    if (below(4) === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
    if (below(4) === 0) return Object.fromEntries([...entries, [pick(["x", "type", "__proto__"]), pick(VALUES)]]);
    return Object.fromEntries(entries.map(([name, one], index) => [name, index === at ? changed(one) : one]));
  }
  if (typeof value === "number" && below(2) === 0) return value + pick([-1, 1, 0.5, 65_536]);
  return pick(VALUES);
}

function mutated(): string {
  let message: unknown = pick(seeds);
  for (let left = pick([1, 1, 1, 2, 4]); left > 0; left--) message = changed(message);
  const text = JSON.stringify(message);
  if (below(4) > 0) return text;
  const at = below(text.length + 1);
  return text.slice(0, at) + pick(["", "{", "]", '"', "\\", "\0", "1e999"]) + text.slice(at + below(4));
}

function heapBytes(): number {
  setFlagsFromString("--expose_gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

it("accepts or refuses any message of an agent, and keeps nothing of it", { timeout: TIMEOUT_MS }, () => {
  let accepted = 0;
  let beforeBytes = 0;
  for (let number = 0; number < INPUTS; number++) {
    if (number === Math.floor(INPUTS / 5)) beforeBytes = heapBytes();
    const text = mutated();
    try {
      parseAgentMessage(text);
      accepted++;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw new Error(`${String(error)} for ${text}`);
    }
  }
  expect(heapBytes() - beforeBytes).toBeLessThan(GROWTH_MAX_BYTES);
  expect(accepted).toBeGreaterThan(INPUTS / 50);
  expect(accepted).toBeLessThan(INPUTS * 0.9);
});
