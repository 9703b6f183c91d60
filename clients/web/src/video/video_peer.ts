/**
 * The viewer's WebRTC peer: sends an offer when the agent requests one, draws video frames on the surface and
 * opens a data channel for pointer motion. If anything fails, tiles and the WebSocket carry everything; a
 * failed connection is retried with growing delays.
 */

import type { AgentMessageOf } from "../protocol/messages.ts";
import type { PageSurface } from "../surface/remote_surface.ts";
import type { PointerDataChannel } from "../transport/pointer_channel.ts";
import { BLOCK_PX, frameNumber, STRIP_PX } from "./frame_number.ts";
import { listenForFrames } from "./video_frames.ts";

type Servers = AgentMessageOf<"peer">["servers"];

export interface VideoSignaling {
  sendOffer(sdp: string): void;
  reportPlayed(number: number, frames: number): void;
  /** Called with the data channel for pointer motion while it is open, otherwise with null. */
  setPointerChannel(channel: PointerDataChannel | null): void;
}

/** Interval of the reports of shown frames to the agent, ms. */
const REPORT_INTERVAL_MS = 250;
/** Delay before the first retry of a failed connection, ms; it doubles with every failure. */
const RETRY_MS = 1_000;
/** Longest delay between retries, ms. */
const RETRY_MAX_MS = 60_000;
/** Options of a data channel that neither orders nor retransmits datagrams. */
const UNRELIABLE = { ordered: false, maxRetransmits: 0 } as const;

export class VideoPeer {
  readonly #surface: PageSurface;
  readonly #signaling: VideoSignaling;
  readonly #probe: CanvasRenderingContext2D | null;
  #servers: Servers = [];
  #connection: RTCPeerConnection | null = null;
  #stopFrames: (() => void) | null = null;
  #retryMs = RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #number = 0;
  #frames = 0;
  #reportedAtMs = 0;

  constructor(surface: PageSurface, signaling: VideoSignaling) {
    this.#surface = surface;
    this.#signaling = signaling;
    const canvas = document.createElement("canvas");
    canvas.width = STRIP_PX;
    canvas.height = 1;
    this.#probe = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  }

  /** Handles the agent's request for an offer; null means that the connection to the agent was lost. */
  offerRequested(servers: Servers | null): void {
    this.#drop();
    if (servers === null) return;
    this.#servers = servers;
    void this.#offer();
  }

  answerReceived(sdp: string): void {
    const connection = this.#connection;
    connection?.setRemoteDescription({ type: "answer", sdp }).catch(() => {
      // The answer belongs to an older offer or contains something this browser does not support.
      if (connection === this.#connection) this.#drop();
    });
  }

  close(): void {
    this.#drop();
  }

  /**
   * Sends an offer without ICE candidates: the agent answers whoever reaches it, so this browser need not
   * reveal its addresses.
   */
  async #offer(): Promise<void> {
    const connection = new RTCPeerConnection({
      iceServers: this.#servers.map(({ urls, username, credential }) => ({ urls: [...urls], username, credential })),
      bundlePolicy: "max-bundle",
    });
    this.#connection = connection;
    connection.ontrack = ({ track, receiver }) => {
      // Low delay matters more than smooth playback.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.#stopFrames?.();
      this.#stopFrames = listenForFrames(track, (frame, width, height) => {
        this.#show(frame, width, height);
      });
    };
    connection.addTransceiver("video", { direction: "recvonly" });
    // The channel is negotiated by the protocol (PROTOCOL.md §11), not in the offer.
    const channel = connection.createDataChannel("pointer", { ...UNRELIABLE, negotiated: true, id: 0 });
    const reportChannel = (): void => {
      const open = connection.connectionState === "connected" && channel.readyState === "open";
      if (connection === this.#connection) this.#signaling.setPointerChannel(open ? channel : null);
    };
    channel.onopen = channel.onclosing = channel.onclose = reportChannel;
    connection.onconnectionstatechange = () => {
      if (connection !== this.#connection) return;
      reportChannel();
      if (connection.connectionState === "connected") this.#retryMs = RETRY_MS;
      if (connection.connectionState === "failed") this.#retryLater();
    };
    await connection.setLocalDescription();
    const sdp = connection.localDescription?.sdp.replace(/^a=candidate:.*\r?\n/gm, "");
    if (connection === this.#connection && sdp !== undefined) this.#signaling.sendOffer(sdp);
  }

  /**
   * Closes the failed connection and tries a new one after a delay; another network path may work by then.
   */
  #retryLater(): void {
    this.#drop();
    this.#retry = setTimeout(() => {
      void this.#offer();
    }, this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }

  #show(frame: CanvasImageSource, width: number, height: number): void {
    const region = this.#surface.videoRegion;
    if (region === null || this.#probe === null) return;
    // A frame of another size belongs to another region; scaling it would make every pixel wrong.
    const { rectangle } = region;
    if (width !== even(rectangle.width) || height !== even(rectangle.height) + BLOCK_PX) return;
    this.#probe.drawImage(frame, 0, height - BLOCK_PX / 2, STRIP_PX, 1, 0, 0, STRIP_PX, 1);
    const number = frameNumber(this.#probe.getImageData(0, 0, STRIP_PX, 1).data);
    if (number === null || !this.#surface.showVideoFrame(frame, number)) return;
    if (number !== this.#number) this.#frames = 0;
    this.#frames += 1;
    const nowMs = performance.now();
    if (number === this.#number && nowMs - this.#reportedAtMs < REPORT_INTERVAL_MS) return;
    this.#number = number;
    this.#reportedAtMs = nowMs;
    this.#signaling.reportPlayed(number, this.#frames);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    this.#stopFrames?.();
    this.#stopFrames = null;
    this.#signaling.setPointerChannel(null);
    this.#connection?.close();
    this.#connection = null;
  }
}

/** Rounds a length up to an even number of px, as the video encoder does. */
function even(length: number): number {
  return length + (length % 2);
}
