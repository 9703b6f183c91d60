/** The frames of a video track, each as soon as the browser has it. */

/** A frame that can be drawn, of this size in px. Valid during the call only. */
export type FrameTaker = (frame: CanvasImageSource, width: number, height: number) => void;

/** Not in TypeScript's library: https://w3c.github.io/mediacapture-transform/ */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
type TrackProcessorMaker = new (init: { track: MediaStreamTrack; maxBufferSize: number }) => TrackProcessor;

export function canShowVideo(): boolean {
  return (
    "RTCPeerConnection" in window && ("requestVideoFrameCallback" in HTMLVideoElement.prototype || processor() !== null)
  );
}

/** Takes frames until the returned function is called. */
export function takeFrames(track: MediaStreamTrack, take: FrameTaker): () => void {
  const Maker = processor();
  return Maker === null ? fromElement(track, take) : fromProcessor(new Maker({ track, maxBufferSize: 1 }), take);
}

function processor(): TrackProcessorMaker | null {
  const maker: unknown = Reflect.get(window, "MediaStreamTrackProcessor");
  return typeof maker === "function" ? (maker as TrackProcessorMaker) : null;
}

/** Where there is one: frames come at once, not with the next repaint. */
function fromProcessor({ readable }: TrackProcessor, take: FrameTaker): () => void {
  const reader = readable.getReader();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const { displayWidth, displayHeight } = value;
      // Chromium keeps a copy of each frame that is drawn by itself, up to 512 MB of them, and none of bitmaps.
      const bitmap = await createImageBitmap(value).finally(() => value.close());
      take(bitmap, displayWidth, displayHeight);
      bitmap.close();
    }
  };
  // A track that ends, or a reader that is cancelled, ends it.
  pump().catch(() => undefined);
  return () => {
    reader.cancel().catch(() => undefined);
  };
}

function fromElement(track: MediaStreamTrack, take: FrameTaker): () => void {
  const video = document.createElement("video");
  video.className = "video-source";
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  // Some browsers decode nothing for an element outside the document.
  document.body.append(video);
  let handle = 0;
  const next = (): void => {
    handle = video.requestVideoFrameCallback(() => {
      take(video, video.videoWidth, video.videoHeight);
      next();
    });
  };
  next();
  // Muted playback may be refused to save power; then tiles bring everything, as the agent notices.
  video.play().catch(() => undefined);
  return () => {
    video.cancelVideoFrameCallback(handle);
    video.srcObject = null;
    video.remove();
  };
}
