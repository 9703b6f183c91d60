/** The viewer worker: puts the parts together when the page says `start`, then passes messages on. */

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
/** What the page said before the decoder had been compiled: only the last word about the view matters. */
let early: (() => void)[] = [];

function tell(message: WorkerMessage): void {
  port.postMessage(message);
}

async function start(message: Extract<PageMessage, { kind: "start" }>): Promise<void> {
  let module: WebAssembly.Module;
  try {
    module = await TileDecoder.load();
  } catch (error) {
    tell({ kind: "connection", state: { phase: "ended", reason: "unsupported", detail: String(error) } });
    return;
  }
  remote = new RemoteSurface((command, transfer) => {
    port.postMessage({ kind: "surface", command }, transfer);
  });
  viewer = new Viewer(
    message.desktop,
    message.monitor,
    message.device,
    message.video,
    message.cacheBytes,
    remote,
    module,
    tell,
  );
  for (const say of early) say();
  early = [];
}

port.onmessage = (event) => {
  const message = event.data;
  // A hand's message first: nothing stands between it and the wire.
  if (typeof message === "string") {
    viewer?.input(message);
    return;
  }
  switch (message.kind) {
    case "motion":
      viewer?.motion(message.text);
      return;
    case "surface":
      remote?.answer(message.reply);
      return;
    case "start":
      void start(message);
      return;
    case "view":
      whenStarted((it) => {
        it.view(message.visible, message.oneToOne, message.ratio);
      });
      return;
    case "watch":
      whenStarted((it) => {
        it.watch(message.status, message.trace);
      });
      return;
    case "layout":
      viewer?.changeLayout(message.monitors, message.scale);
      return;
    case "clipboard-request":
      viewer?.requestClipboard(message.serial, message.format);
      return;
    case "clipboard-send":
      viewer?.sendClipboard(message.format, message.content);
      return;
    case "offer":
      viewer?.offer(message.sdp);
      return;
    case "played":
      viewer?.played(message.number, message.frames);
      return;
    case "retry":
      viewer?.retry(message.force);
  }
};

function whenStarted(say: (viewer: Viewer) => void): void {
  if (viewer !== null) say(viewer);
  else early.push(() => viewer !== null && say(viewer));
}
