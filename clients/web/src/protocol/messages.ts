/**
 * Parses and checks the agent's control messages. Their types are generated from the agent's schema; the ranges
 * here protect the viewer from an agent that does not keep to it.
 */

import { ProtocolError } from "./errors.ts";
import {
  base64,
  bool,
  counts,
  type Field,
  float,
  hex64,
  int,
  isRecord,
  list,
  nullable,
  oneOf,
  pair,
  record,
  type Shape,
  str,
} from "./fields.ts";
import type { AgentMessage as GeneratedAgentMessage, MonitorLayout } from "./generated/messages.ts";
import {
  AGENT_TEXT_MAX_BYTES,
  CLIPBOARD_FORMATS,
  EXACTNESS,
  PROTOCOL_VERSION,
  SILENT_PARTS,
  SIZE_SOURCES,
  TILE_PX,
  VIDEO_NUMBER_MAX,
  VIDEO_STATES,
} from "./generated/wire_facts.ts";

export type { InputMessage, LayoutMessage, TraceFrame, ViewerMessage } from "./generated/messages.ts";
export type { ClipboardFormat, Exactness } from "./generated/wire_facts.ts";

export type AgentMessageType = GeneratedAgentMessage["type"];

/** A message as parsed: JSON carries 64-bit numbers as text. */
type Parsed<M> = M extends { readonly digest_seed: string }
  ? Omit<M, "digest_seed"> & { readonly digest_seed: bigint }
  : M;
export type AgentMessage = Parsed<GeneratedAgentMessage>;
export type AgentMessageOf<K extends AgentMessageType> = Extract<AgentMessage, { readonly type: K }>;

/** A rectangle of the desktop with a surface of its own. */
export type Monitor = MonitorLayout;
/** The monitors of a desktop, as in the messages `welcome` and `monitors`. */
export type DesktopLayout = Pick<AgentMessageOf<"monitors">, "monitors" | "screen_max" | "scale" | "sizes">;

/** One check for each field of a message. */
type ShapeOf<M> = { readonly [F in Exclude<keyof M, "type">]: Field<M[F]> };

/** Width or height in px. X screens are at most this large, so a wrong size never leads to a huge allocation. */
const length = int(1, 32_767);
const coordinate = int(-32_768, 32_767);
const monitorNumber = int(0, 65_535);
/** A position, width or height within a monitor, px. */
const offset = int(0, 32_767);
const epoch = int(0, 0xffff_ffff);
const count = int(0, Number.MAX_SAFE_INTEGER);
const ageMs = float(0);
const timeMs = float();
const exactness = oneOf(...EXACTNESS);

const monitors = list(
  record({ id: monitorNumber, x: coordinate, y: coordinate, width: length, height: length, primary: bool }),
  64,
);
/** Width and height that all monitors together may take, px; null where viewers cannot change the layout. */
const screenMax = nullable(pair(length));
/** Text scale of programs, percent. */
const textScale = int(10, 1000);
const sizes = oneOf(...SIZE_SOURCES);

const traceFrame = record({
  epoch,
  damaged: timeMs,
  captured: timeMs,
  diffed: timeMs,
  encoded: timeMs,
  sent: timeMs,
  received: nullable(timeMs),
  decoded: nullable(timeMs),
  shown: nullable(timeMs),
  acked: timeMs,
  tiles: count,
  bytes: count,
});

const AGENT_MESSAGES: { readonly [K in AgentMessageType]: ShapeOf<AgentMessageOf<K>> } = {
  welcome: {
    protocol: oneOf(PROTOCOL_VERSION),
    session: str(256),
    viewer: str(256),
    desktop: str(256),
    tile_px: oneOf(TILE_PX),
    digest_seed: hex64,
    patience: float(1, 100),
    monitors,
    screen_max: screenMax,
    scale: textScale,
    sizes,
  },
  monitors: { monitors, screen_max: screenMax, scale: textScale, sizes },
  cursor: {
    width: int(0, 4096),
    height: int(0, 4096),
    hot_x: int(-4096, 4096),
    hot_y: int(-4096, 4096),
    png: nullable(base64),
  },
  pointer: { x: coordinate, y: coordinate },
  caret: { x: coordinate, y: coordinate, width: offset, height: offset },
  state: { monitor: monitorNumber, epoch, state: exactness, age_ms: nullable(ageMs), ratio: nullable(float(0)) },
  verify: { monitor: monitorNumber, full: bool },
  status: {
    monitor: monitorNumber,
    epoch,
    state: exactness,
    age_ms: nullable(ageMs),
    tiles: count,
    updated_tiles: count,
    verified: count,
    verified_total: count,
    mismatches: count,
    unrepaired: count,
    updates: count,
    dropped: count,
    bytes: count,
    raw_bytes: count,
    encodings: counts,
    cached: count,
    moved: count,
    video: oneOf(...VIDEO_STATES),
    video_frames: count,
    video_bytes: count,
    video_raw_bytes: count,
    video_codec: str(32),
    datagrams: count,
  },
  trace: { frames: list(traceFrame, 1024) },
  clipboard: {
    to_desktop: bool,
    from_desktop: bool,
    images: bool,
    max_bytes: count,
    serial: epoch,
    formats: list(oneOf(...CLIPBOARD_FORMATS), CLIPBOARD_FORMATS.length),
  },
  notice: { code: str(64), message: str(4096) },
  pong: { t: float(), clock: float() },
  heartbeat: {
    sequence: count,
    clock: timeMs,
    age_ms: nullable(ageMs),
    silent: list(oneOf(...SILENT_PARTS), SILENT_PARTS.length),
  },
  peer: { servers: list(record({ urls: list(str(256), 8), username: str(256), credential: str(256) }), 8) },
  answer: { sdp: str(65_536) },
  video: {
    monitor: monitorNumber,
    number: int(0, VIDEO_NUMBER_MAX),
    x: offset,
    y: offset,
    width: offset,
    height: offset,
  },
};

const PARSERS = new Map<string, (value: unknown, path: string) => object>(
  Object.entries(AGENT_MESSAGES).map(([type, shape]) => [type, record(shape as Shape)]),
);

/** Parses one text frame. Throws ProtocolError for anything that an agent may not send. */
export function parseAgentMessage(text: string): AgentMessage {
  // Counted in UTF-16 units, which are never more than the bytes of UTF-8.
  if (text.length > AGENT_TEXT_MAX_BYTES) throw new ProtocolError("message", `at most ${AGENT_TEXT_MAX_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("message", "JSON");
  }
  if (!isRecord(value) || typeof value.type !== "string") throw new ProtocolError("message", "an object with a type");
  const parse = PARSERS.get(value.type);
  if (parse === undefined) throw new ProtocolError("type", "a known type");
  return { type: value.type, ...parse(value, value.type) } as AgentMessage;
}
