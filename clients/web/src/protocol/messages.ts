/** Every control message of PROTOCOL.md §2, §5 and §6, declared once. */

import { ProtocolError } from "./errors.ts";
import {
  base64,
  bool,
  counts,
  float,
  hex64,
  type Infer,
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

export const PROTOCOL_VERSION = 1;
export const SUBPROTOCOL = "lightbox.1";
/** PROTOCOL.md §1: what an agent may send at most. A text's limit is counted in UTF-16 units here, never more than its bytes. */
export const MAX_TEXT_FROM_AGENT = 256 * 1024;
export const MAX_BINARY_FROM_AGENT = 32 * 1024 * 1024;
/** PROTOCOL.md §2: code points in one `text` message. */
export const MAX_TEXT_POINTS = 1024;
/** PROTOCOL.md §10: numbers of what moves; 0 is none. */
export const VIDEO_NUMBERS = 0xfff;
/** PROTOCOL.md §2: `wheel` units in one message. */
export const MAX_WHEEL = 12_000;

/** Wider than any X screen (16 bit signed), so that a broken size never reaches an allocation. */
const size = int(1, 32_767);
const place = int(-32_768, 32_767);
const monitorId = int(0, 65_535);
/** A place or a size on a monitor. */
const span = int(0, 32_767);
const epoch = int(0, 0xffff_ffff);
const count = int(0, Number.MAX_SAFE_INTEGER);
const age = float(0);
const stage = nullable(float());

export const EXACTNESS = ["exact", "refining", "lossy", "unverified"] as const;
export type Exactness = (typeof EXACTNESS)[number];
const exactness = oneOf(...EXACTNESS);

const monitorShape = { id: monitorId, x: place, y: place, width: size, height: size, primary: bool } as const;
export type Monitor = Infer<typeof monitorShape>;
const monitors = list(record(monitorShape), 64);
/** What the monitors may take together, px; null where viewers cannot arrange them. */
const screenMax = nullable(pair(size));
/** Text scale of the programs, percent. */
const textScale = int(10, 1000);
/** Who gives monitors their sizes (PROTOCOL.md §9). */
const sizes = oneOf("window", "fixed", "other");
/** PROTOCOL.md §2. */
export const MONITORS_MAX = 6;

const traceFrameShape = {
  epoch,
  damaged: stage,
  captured: stage,
  diffed: stage,
  encoded: stage,
  sent: stage,
  received: stage,
  decoded: stage,
  shown: stage,
  acked: stage,
  tiles: count,
  bytes: count,
} as const;
export type TraceFrame = Infer<typeof traceFrameShape>;

const AGENT_MESSAGES = {
  welcome: {
    protocol: oneOf(PROTOCOL_VERSION),
    session: str(256),
    viewer: str(256),
    desktop: str(256),
    tile_px: oneOf(64),
    digest_seed: hex64,
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
  pointer: { x: place, y: place },
  state: { monitor: monitorId, epoch, state: exactness, age_ms: age, ratio: nullable(float(0)) },
  verify: { monitor: monitorId, full: bool },
  status: {
    monitor: monitorId,
    epoch,
    state: exactness,
    age_ms: age,
    tiles: count,
    updated_tiles: count,
    verified: count,
    verified_total: count,
    mismatches: count,
    updates: count,
    dropped: count,
    bytes: count,
    raw_bytes: count,
    encodings: counts,
    cached: count,
    moved: count,
    video: oneOf("off", "connecting", "ready", "playing", "failed"),
    video_frames: count,
    video_bytes: count,
    video_raw_bytes: count,
    video_codec: str(32),
    datagrams: count,
  },
  trace: { frames: list(record(traceFrameShape), 1024) },
  clipboard: {
    to_desktop: bool,
    from_desktop: bool,
    images: bool,
    max_bytes: count,
    serial: epoch,
    formats: list(oneOf("text", "png"), 2),
  },
  notice: { code: str(64), message: str(4096) },
  pong: { t: float(), clock: float() },
  peer: { servers: list(record({ urls: list(str(256), 8), username: str(256), credential: str(256) }), 8) },
  answer: { sdp: str(65_536) },
  video: { monitor: monitorId, number: int(0, VIDEO_NUMBERS), x: span, y: span, width: span, height: span },
} as const satisfies Readonly<Record<string, Shape>>;

type AgentShapes = typeof AGENT_MESSAGES;
export type AgentMessageType = keyof AgentShapes;
export type AgentMessageOf<K extends AgentMessageType> = { readonly type: K } & Infer<AgentShapes[K]>;
export type AgentMessage = { [K in AgentMessageType]: AgentMessageOf<K> }[AgentMessageType];

const PARSERS = new Map<string, (value: unknown, path: string) => object>(
  Object.entries(AGENT_MESSAGES).map(([type, shape]) => [type, record(shape as Shape)]),
);

/** Throws ProtocolError for anything that is not a message an agent may send. */
export function parseAgentMessage(text: string): AgentMessage {
  if (text.length > MAX_TEXT_FROM_AGENT) throw new ProtocolError("message", `at most ${MAX_TEXT_FROM_AGENT} bytes`);
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

/** Viewer → agent. Made by this program alone, so their ranges are kept where they are made. */
export type ViewerMessage =
  | {
      type: "hello";
      protocol: typeof PROTOCOL_VERSION;
      client: string;
      monitor: number;
      cache_bytes: number;
      encodings: readonly string[];
      /** What the person would call this device; the one that loses the desktop to it says so. */
      device: string;
      /** It comes by itself after a loss: then it takes the desktop from nobody. */
      resume: boolean;
      /** It could show video for what moves. */
      video: boolean;
    }
  | InputMessage
  | { type: "ack"; monitor: number; epoch: number; received: number; decoded: number; shown: number }
  | ViewMessage
  | WatchMessage
  | { type: "refresh"; monitor: number }
  | { type: "clipboard"; serial: number; format: "text" | "png" }
  | LayoutMessage
  | { type: "offer"; sdp: string }
  | { type: "played"; monitor: number; number: number; frames: number }
  | { type: "ping"; t: number };

/** The monitors of a desktop, as `welcome` and `monitors` tell them. */
export type DesktopLayout = Pick<AgentMessageOf<"monitors">, "monitors" | "screen_max" | "scale" | "sizes">;
export type LayoutMessage = { type: "layout"; monitors: readonly Monitor[]; scale: number | null };
export type ViewMessage = { type: "view"; visible: boolean; scaled: boolean; ratio: number };
export type WatchMessage = { type: "watch"; status: boolean; trace: boolean };

/** What a person's hands did. */
export type InputMessage =
  /** `turn` and `step` put it in order with motions that go as datagrams. */
  | { type: "pointer"; x: number; y: number; buttons: number; turn?: number; step?: number }
  | { type: "wheel"; x: number; y: number; dx: number; dy: number; turn?: number }
  | { type: "key"; keysym: number; code: string; down: boolean }
  | { type: "text"; text: string }
  | { type: "release" };
