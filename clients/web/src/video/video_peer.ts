/**
 * The viewer's end of WebRTC: an offer when the agent asks for one, frames onto the surface, and a channel for motions of the pointer. If
 * anything fails, tiles bring the picture and the WebSocket takes the motions; a way that broke is tried anew, more and more seldom.
 */

import type { AgentMessageOf } from "../protocol/messages.ts";
import type { PageSurface } from "../surface/remote_surface.ts";
import type { PointerDataChannel } from "../transport/pointer_channel.ts";
import { BLOCK_PX, frameNumber, STRIP_PX } from "./frame_number.ts";
import { takeFrames } from "./video_frames.ts";

type Servers = AgentMessageOf<"peer">["servers"];

export interface VideoSignaling {
  sendOffer(sdp: string): void;
  reportPlayed(number: number, frames: number): void;
  /** Where motions can go as datagrams now; null: nowhere. */
  setPointerChannel(channel: PointerDataChannel | null): void;
}

/** The agent hears this often that its frames are shown. */
const PLAYED_EVERY_MS = 250;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;
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
  #playedAtMs = 0;

  constructor(surface: PageSurface, signaling: VideoSignaling) {
    this.#surface = surface;
    this.#signaling = signaling;
    const canvas = document.createElement("canvas");
    canvas.width = STRIP_PX;
    canvas.height = 1;
    this.#probe = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  }

  /** The agent asks for an offer; null: it is gone. */
  offerRequested(servers: Servers | null): void {
    this.#drop();
    if (servers === null) return;
    this.#servers = servers;
    void this.#offer();
  }

  answerReceived(sdp: string): void {
    const connection = this.#connection;
    connection?.setRemoteDescription({ type: "answer", sdp }).catch(() => {
      // Not of this offer, or nothing that this browser can do.
      if (connection === this.#connection) this.#drop();
    });
  }

  close(): void {
    this.#drop();
  }

  /** The agent answers who reaches it, so where this browser is stays untold. */
  async #offer(): Promise<void> {
    const connection = new RTCPeerConnection({
      iceServers: this.#servers.map(({ urls, username, credential }) => ({ urls: [...urls], username, credential })),
      bundlePolicy: "max-bundle",
    });
    this.#connection = connection;
    connection.ontrack = ({ track, receiver }) => {
      // Pictures are wanted at once, not smooth.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      this.#stopFrames?.();
      this.#stopFrames = takeFrames(track, (frame, width, height) => {
        this.#show(frame, width, height);
      });
    };
    connection.addTransceiver("video", { direction: "recvonly" });
    // Both sides know of it, so nothing is said about it: PROTOCOL.md §11.
    const channel = connection.createDataChannel("pointer", { ...UNRELIABLE, negotiated: true, id: 0 });
    const tellChannel = (): void => {
      const open = connection.connectionState === "connected" && channel.readyState === "open";
      if (connection === this.#connection) this.#signaling.setPointerChannel(open ? channel : null);
    };
    channel.onopen = channel.onclosing = channel.onclose = tellChannel;
    connection.onconnectionstatechange = () => {
      if (connection !== this.#connection) return;
      tellChannel();
      if (connection.connectionState === "connected") this.#retryMs = RETRY_MS;
      if (connection.connectionState === "failed") this.#again();
    };
    await connection.setLocalDescription();
    const sdp = connection.localDescription?.sdp.replace(/^a=candidate:.*\r?\n/gm, "");
    if (connection === this.#connection && sdp !== undefined) this.#signaling.sendOffer(sdp);
  }

  /** The way broke: another may be open by now. */
  #again(): void {
    this.#drop();
    this.#retry = setTimeout(() => {
      void this.#offer();
    }, this.#retryMs);
    this.#retryMs = Math.min(RETRY_MAX_MS, this.#retryMs * 2);
  }

  #show(frame: CanvasImageSource, width: number, height: number): void {
    const place = this.#surface.place;
    if (place === null || this.#probe === null) return;
    // A frame of another size is of another place; scaled it would be wrong everywhere.
    const { rectangle } = place;
    if (width !== even(rectangle.width) || height !== even(rectangle.height) + BLOCK_PX) return;
    this.#probe.drawImage(frame, 0, height - BLOCK_PX / 2, STRIP_PX, 1, 0, 0, STRIP_PX, 1);
    const number = frameNumber(this.#probe.getImageData(0, 0, STRIP_PX, 1).data);
    if (number === null || !this.#surface.show(frame, number)) return;
    if (number !== this.#number) this.#frames = 0;
    this.#frames += 1;
    const nowMs = performance.now();
    if (number === this.#number && nowMs - this.#playedAtMs < PLAYED_EVERY_MS) return;
    this.#number = number;
    this.#playedAtMs = nowMs;
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

function even(length: number): number {
  return length + (length % 2);
}
