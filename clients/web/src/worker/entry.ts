/**
 * Entry point of the viewer worker: creates the viewer on the page's `start` message and passes later
 * messages on to it.
 */

import { TileDecoder } from "../decode/tile_decoder.ts";
import { RemoteSurface } from "../surface/remote_surface.ts";
import type { PageMessage, WorkerMessage } from "./messages.ts";
import { Viewer } from "./viewer.ts";

const port = self as unknown as {
  onmessage: ((event: MessageEvent<PageMessage>) => void) | null;
  postMessage(message: WorkerMessage, transfer?: Transferable[]): void;
};

let viewer: Viewer | null = null;
let remote: RemoteSurface | null = null;
/** Calls that arrived before the decoder was compiled. */
let pendingCalls: ((viewer: Viewer) => void)[] = [];

function post(message: WorkerMessage): void {
  port.postMessage(message);
}

async function start(options: Extract<PageMessage, { kind: "start" }>): Promise<void> {
  let decoderModule: WebAssembly.Module;
  try {
    decoderModule = await TileDecoder.load();
  } catch (error) {
    post({ kind: "connection", state: { phase: "ended", reason: "unsupported", detail: String(error) } });
    return;
  }
  remote = new RemoteSurface((command, transfer) => {
    port.postMessage({ kind: "surface", command }, transfer);
  });
  viewer = new Viewer(options, remote, decoderModule, post);
  for (const call of pendingCalls) call(viewer);
  pendingCalls = [];
}

port.onmessage = (event) => {
  const message = event.data;
  // Input messages are handled first and arrive serialized, to keep their delay short.
  if (typeof message === "string") {
    viewer?.sendInput(message);
    return;
  }
  switch (message.kind) {
    case "motion":
      viewer?.sendMotion(message.text);
      return;
    case "surface":
      remote?.handleReply(message.reply);
      return;
    case "start":
      void start(message);
      return;
    case "view":
      whenStarted((started) => started.setView(message.visible, message.oneToOne, message.ratio));
      return;
    case "watch":
      whenStarted((started) => started.setWatch(message.status, message.trace));
      return;
    case "layout":
      viewer?.changeLayout(message.monitors, message.scale);
      return;
    case "gather":
      viewer?.gather(message.monitor);
      return;
    case "clipboard-request":
      viewer?.requestClipboard(message.serial, message.format);
      return;
    case "clipboard-send":
      viewer?.sendClipboard(message.format, message.content);
      return;
    case "offer":
      viewer?.sendOffer(message.sdp);
      return;
    case "played":
      viewer?.reportPlayed(message.number, message.frames);
      return;
    case "retry":
      viewer?.retry(message.force);
  }
};

function whenStarted(call: (viewer: Viewer) => void): void {
  if (viewer !== null) call(viewer);
  else pendingCalls.push(call);
}
