/** Messages between the page and its viewer worker. */

import type { ClipboardState } from "../clipboard/clipboard_core.ts";
import type { ClipboardAnswer, ClipboardFormat } from "../clipboard/frames.ts";
import type { ShownState } from "../protocol/badge_state.ts";
import type { EndReason } from "../protocol/close_action.ts";
import type { SilentPart } from "../protocol/generated/wire_facts.ts";
import type { AgentMessageOf, DesktopLayout, Monitor } from "../protocol/messages.ts";
import type { SurfaceCommand, SurfaceReply } from "../surface/remote_surface.ts";

/**
 * Page → worker. A plain string is a serialized input message, which the worker sends without further
 * processing.
 */
export type PageMessage =
  | string
  | {
      readonly kind: "start";
      readonly desktop: string;
      readonly monitor: number;
      /** Name of this device, as other devices of the person will show it. */
      readonly device: string;
      /** Whether the page can show WebRTC video. */
      readonly video: boolean;
      /** Limit of the tile cache, bytes. */
      readonly cacheBytes: number;
    }
  /**
   * Serialized pointer motion that changes no button; while the connection is congested only the latest is
   * kept.
   */
  | { readonly kind: "motion"; readonly text: string }
  | { readonly kind: "view"; readonly visible: boolean; readonly oneToOne: boolean; readonly ratio: number }
  | { readonly kind: "watch"; readonly status: boolean; readonly trace: boolean }
  /**
   * Requests a monitor layout. `scale` is the text scale of programs in percent; null leaves it unchanged.
   */
  | { readonly kind: "layout"; readonly monitors: readonly Monitor[]; readonly scale: number | null }
  /** Requests the windows of another monitor for the viewer's own one. */
  | { readonly kind: "gather"; readonly monitor: number }
  /**
   * Reconnect now, because the person asked, the network changed or the page woke up. `force` also replaces a
   * live connection.
   */
  | { readonly kind: "retry"; readonly force: boolean }
  | { readonly kind: "clipboard-request"; readonly serial: number; readonly format: ClipboardFormat }
  | { readonly kind: "clipboard-send"; readonly format: ClipboardFormat; readonly content: ArrayBuffer }
  /** A WebRTC offer for the agent. */
  | { readonly kind: "offer"; readonly sdp: string }
  /** Number of video frames that the surface showed of the region with this number. */
  | { readonly kind: "played"; readonly number: number; readonly frames: number }
  | { readonly kind: "surface"; readonly reply: SurfaceReply };

/** State of the connection, which the page displays over the surface. */
export type ConnectionState =
  | { readonly phase: "connecting"; readonly attempt: number }
  | { readonly phase: "connected"; readonly desktop: string; readonly monitor: Monitor }
  | {
      readonly phase: "reconnecting";
      readonly attempt: number;
      readonly inMs: number;
      readonly detail: string;
      /** HTTPS works but no WebSocket opens: something in between, such as a reverse proxy, prevents it. */
      readonly webSocketsBlocked: boolean;
    }
  | { readonly phase: "ended"; readonly reason: EndReason; readonly detail: string };

/** Worker → page. */
export type WorkerMessage =
  | { readonly kind: "surface"; readonly command: SurfaceCommand }
  | { readonly kind: "connection"; readonly state: ConnectionState }
  | {
      readonly kind: "verdict";
      readonly state: ShownState;
      readonly epoch: number;
      /** Age of the last verification; null before the first. */
      readonly ageMs: number | null;
      readonly ratio: number | null;
      /** The browser alters what the page reads back, so that nothing can be verified. */
      readonly readbackAltered: boolean;
    }
  | { readonly kind: "layout"; readonly layout: DesktopLayout; readonly monitor: Monitor }
  | { readonly kind: "cursor"; readonly cursor: AgentMessageOf<"cursor"> }
  | { readonly kind: "pointer"; readonly x: number; readonly y: number }
  /** Where text is entered on the desktop, px on the screen; null while no program reports it. */
  | { readonly kind: "caret"; readonly caret: AgentMessageOf<"caret"> | null }
  | { readonly kind: "status"; readonly status: AgentMessageOf<"status"> }
  /** The frames that were acknowledged, and the newest round trip to the agent; null before the first. */
  | { readonly kind: "trace"; readonly trace: AgentMessageOf<"trace">; readonly roundTripMs: number | null }
  | { readonly kind: "clipboard"; readonly state: ClipboardState }
  | { readonly kind: "clipboard-answer"; readonly answer: ClipboardAnswer }
  /** The agent requests a WebRTC offer; null means that the connection to the agent was lost. */
  | { readonly kind: "peer"; readonly servers: AgentMessageOf<"peer">["servers"] | null }
  | { readonly kind: "answer"; readonly sdp: string }
  /** Another desktop session than before: the one that the page showed has ended. */
  | { readonly kind: "replaced" }
  /** What does not answer. `silent` is the desktop itself, for some seconds already. */
  | { readonly kind: "liveness"; readonly silent: boolean; readonly parts: readonly SilentPart[] }
  | { readonly kind: "notice"; readonly code: string; readonly message: string };
