"""Times the product's software video encoders on moving 1080p frames, including colour conversion."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from benchmarks.content.frames import Pixels, frame
from benchmarks.micro.figure import Figure, MissingError, interleaved_ms
from display_server.agent.motion.encoders.stream_format import StreamFormat
from display_server.agent.motion.encoders.video_encoder import open_encoder
from display_server.protocol.video_format import Chroma, Codec

#: Frames that each run encodes.
FRAMES = 12
#: Frames per second, for the encoder's rate control.
FPS = 30
BITRATE_BPS = 8_000_000
#: The encoder to which the others are compared.
BASE = "H.264 4:2:0"
KINDS = {
    BASE: (Codec.H264, Chroma.YUV420),
    "H.264 4:4:4": (Codec.H264, Chroma.YUV444),
    "VP8": (Codec.VP8, Chroma.YUV420),
}


def video(turns: int = 3) -> list[Figure]:
    """Measures the time per frame from BGRX pixels to encoded bytes. Raises MissingError without PyAV."""
    try:
        importlib.import_module("av")
    except ImportError as error:
        raise MissingError(f"{error}: pip install av") from error
    frames = [np.ascontiguousarray(frame("video", number)[:, :, [2, 1, 0, 3]]) for number in range(FRAMES)]
    times = interleaved_ms({name: _encoding(*kind, frames) for name, kind in KINDS.items()}, turns)
    return [
        Figure("video, 1080p frame", name, ms / FRAMES, "ms", ms / times[BASE], BASE)
        for name, ms in times.items()
    ]


def _encoding(codec: Codec, chroma: Chroma, frames: list[Pixels]) -> Callable[[], int]:
    """Makes a function that encodes all frames with a new encoder and returns the number of bytes."""
    height, width = frames[0].shape[:2]
    stream = StreamFormat(codec, chroma, width, height)

    def encode() -> int:
        encoder = open_encoder(stream, hardware=False)
        size = 0
        for number, pixels in enumerate(frames):
            coded = encoder.encode(pixels, at_s=number / FPS, bitrate_bps=BITRATE_BPS, keyframe=False)
            size += len(coded.data)
        encoder.close()
        return size

    return encode
