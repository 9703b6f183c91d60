"""A decoder that behaves like a browser: it uses the matrix and the range that the stream signals."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from display_server.protocol.video_format import Codec, EncodedFrame

Pixels = NDArray[np.uint8]

#: Weights of red and blue in luma, by the code points of H.273: BT.709, and the two of BT.601.
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114)}
FULL_RANGE = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded frame; `bgr` is (height, width, 3)."""

    bgr: Pixels
    matrix: int
    full_range: bool
    pixel_format: str


class Player:
    """Decodes one stream."""

    def __init__(self, codec: Codec) -> None:
        context = av.CodecContext.create({Codec.H264: "h264", Codec.VP8: "vp8"}[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        self._context = context
        self._pts = itertools.count()

    def show(self, encoded: EncodedFrame) -> Shown:
        packet = av.Packet(encoded.data)
        packet.pts = packet.dts = next(self._pts)
        frames = self._context.decode(packet) or self._context.decode(None)
        (frame,) = frames
        return _shown(frame)


def _shown(frame: VideoFrame) -> Shown:
    matrix, full = int(frame.colorspace), int(frame.color_range) == FULL_RANGE
    luma, blue, red = (_plane(frame, index) for index in range(3))
    red_weight, blue_weight = WEIGHTS[matrix]
    y = luma / 255 if full else (luma - 16) / 219
    cb, cr = ((plane - 128) / (255 if full else 224) for plane in (blue, red))
    r = y + 2 * (1 - red_weight) * cr
    b = y + 2 * (1 - blue_weight) * cb
    g = (y - red_weight * r - blue_weight * b) / (1 - red_weight - blue_weight)
    bgr = np.clip(np.rint(np.stack((b, g, r), axis=2) * 255), 0, 255).astype(np.uint8)
    return Shown(bgr, matrix, full, frame.format.name)


def _plane(frame: VideoFrame, index: int) -> NDArray[np.float64]:
    """Returns a plane in the full size of the frame: a chroma sample is repeated for all its pixels."""
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    samples = rows[: plane.height, : plane.width].astype(np.float64)
    times_down, times_across = -(-frame.height // plane.height), -(-frame.width // plane.width)
    pixels: NDArray[np.float64] = samples.repeat(times_down, axis=0).repeat(times_across, axis=1)
    return pixels[: frame.height, : frame.width]


def psnr_db(pixels: Pixels, shown: Shown) -> float:
    """Returns the PSNR of a decoded frame against `pixels`, (height, width, 4) BGRX."""
    error = pixels[:, :, :3].astype(np.float64) - shown.bgr
    return float(10 * np.log10(255**2 / max(float((error**2).mean()), 1e-9)))
