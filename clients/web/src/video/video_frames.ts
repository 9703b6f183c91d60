/** Delivers the frames of a video track as soon as the browser has decoded them. */

/** Receives a drawable frame and its size in px. The frame is valid only during the call. */
export type FrameListener = (frame: CanvasImageSource, width: number, height: number) => void;

/**
 * MediaStreamTrackProcessor, which TypeScript's library lacks: https://w3c.github.io/mediacapture-transform/
 */
interface TrackProcessor {
  readonly readable: ReadableStream<VideoFrame>;
}
type TrackProcessorMaker = new (init: { track: MediaStreamTrack; maxBufferSize: number }) => TrackProcessor;

/** Returns whether this browser can receive and draw WebRTC video. */
export function canShowVideo(): boolean {
  return (
    "RTCPeerConnection" in window && ("requestVideoFrameCallback" in HTMLVideoElement.prototype || processor() !== null)
  );
}

/** Calls `onFrame` for every frame of the track until the returned function is called. */
export function listenForFrames(track: MediaStreamTrack, onFrame: FrameListener): () => void {
  const Maker = processor();
  return Maker === null ? fromElement(track, onFrame) : fromProcessor(new Maker({ track, maxBufferSize: 1 }), onFrame);
}

function processor(): TrackProcessorMaker | null {
  const maker: unknown = Reflect.get(window, "MediaStreamTrackProcessor");
  return typeof maker === "function" ? (maker as TrackProcessorMaker) : null;
}

/**
 * Reads frames from a MediaStreamTrackProcessor, which delivers them at once instead of with the next
 * repaint.
 */
function fromProcessor({ readable }: TrackProcessor, onFrame: FrameListener): () => void {
  const reader = readable.getReader();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const { displayWidth, displayHeight } = value;
      // Chromium caches a copy of every VideoFrame that is drawn directly, up to 512 MB, but none of bitmaps.
      const bitmap = await createImageBitmap(value).finally(() => value.close());
      onFrame(bitmap, displayWidth, displayHeight);
      bitmap.close();
    }
  };
  // The loop ends with an error when the track ends or the reader is cancelled.
  pump().catch(() => undefined);
  return () => {
    reader.cancel().catch(() => undefined);
  };
}

/** Draws frames from a hidden video element, for browsers without MediaStreamTrackProcessor. */
function fromElement(track: MediaStreamTrack, onFrame: FrameListener): () => void {
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
      onFrame(video, video.videoWidth, video.videoHeight);
      next();
    });
  };
  next();
  // The browser may refuse muted playback to save power. The agent notices that no frames are reported and
  // sends tiles instead.
  video.play().catch(() => undefined);
  return () => {
    video.cancelVideoFrameCallback(handle);
    video.srcObject = null;
    video.remove();
  };
}
