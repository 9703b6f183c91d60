/** What crosses between the page and its viewer worker, besides the surface's own orders. */

import type { ClipboardState } from "../clipboard/clipboard_core.ts";
import type { Answer, ClipboardFormat } from "../clipboard/frames.ts";
import type { EndReason } from "../protocol/close.ts";
import type { AgentMessageOf, DesktopLayout, Monitor } from "../protocol/messages.ts";
import type { ShownState } from "../protocol/verdict.ts";
import type { SurfaceCommand, SurfaceReply } from "../surface/remote_surface.ts";

/**
 * Page → worker. A bare string is an input message ready to be sent: the shortest way from a hand to the wire.
 */
export type PageMessage =
  | string
  | {
      readonly kind: "start";
      readonly desktop: string;
      readonly monitor: number;
      /** What the person would call this device. */
      readonly device: string;
      /** The page could show video for what moves. */
      readonly video: boolean;
      /** What may be kept of tiles for scrolling back. */
      readonly cacheBytes: number;
    }
  /** Pointer motion without a press: only the latest counts if the wire is busy. */
  | { readonly kind: "motion"; readonly text: string }
  | { readonly kind: "view"; readonly visible: boolean; readonly oneToOne: boolean; readonly ratio: number }
  | { readonly kind: "watch"; readonly status: boolean; readonly trace: boolean }
  /** The monitors as the person wants them; `scale` of the programs' text in percent, null leaves it. */
  | { readonly kind: "layout"; readonly monitors: readonly Monitor[]; readonly scale: number | null }
  /** Try again now: the person asks, the network is back, the page woke. `force` drops a way that may be dead. */
  | { readonly kind: "retry"; readonly force: boolean }
  | { readonly kind: "clipboard-request"; readonly serial: number; readonly format: ClipboardFormat }
  | { readonly kind: "clipboard-send"; readonly format: ClipboardFormat; readonly content: ArrayBuffer }
  /** WebRTC's offer, and what came of its answer: frames that the surface showed of a number. */
  | { readonly kind: "offer"; readonly sdp: string }
  | { readonly kind: "played"; readonly number: number; readonly frames: number }
  | { readonly kind: "surface"; readonly reply: SurfaceReply };

/** How the connection stands, for the note over the picture. */
export type ConnectionState =
  | { readonly phase: "connecting"; readonly attempt: number }
  | { readonly phase: "connected"; readonly desktop: string; readonly monitor: Monitor }
  | { readonly phase: "reconnecting"; readonly attempt: number; readonly inMs: number; readonly detail: string }
  | { readonly phase: "ended"; readonly reason: EndReason; readonly detail: string };

/** Worker → page. */
export type WorkerMessage =
  | { readonly kind: "surface"; readonly command: SurfaceCommand }
  | { readonly kind: "connection"; readonly state: ConnectionState }
  | {
      readonly kind: "verdict";
      readonly state: ShownState;
      readonly epoch: number;
      readonly ageMs: number;
      readonly ratio: number | null;
    }
  | { readonly kind: "layout"; readonly layout: DesktopLayout; readonly monitor: Monitor }
  | { readonly kind: "cursor"; readonly cursor: AgentMessageOf<"cursor"> }
  | { readonly kind: "pointer"; readonly x: number; readonly y: number }
  | { readonly kind: "status"; readonly status: AgentMessageOf<"status"> }
  | { readonly kind: "trace"; readonly trace: AgentMessageOf<"trace"> }
  | { readonly kind: "clipboard"; readonly state: ClipboardState }
  | { readonly kind: "clipboard-answer"; readonly answer: Answer }
  /** The agent asks for an offer; null: the connection that it asked over is gone. */
  | { readonly kind: "peer"; readonly servers: AgentMessageOf<"peer">["servers"] | null }
  | { readonly kind: "answer"; readonly sdp: string }
  | { readonly kind: "notice"; readonly code: string; readonly message: string };
