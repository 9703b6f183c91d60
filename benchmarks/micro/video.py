"""Video encoders on moving 1080p frames: what motion would cost instead. One thread each."""

from __future__ import annotations

import importlib
from fractions import Fraction
from typing import Any

import numpy as np

from benchmarks.content.frames import frame
from benchmarks.micro.figure import Figure, MissingError, interleaved_ms

FRAMES = 12
ENCODERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "H.264 4:2:0": ("libx264", "yuv420p", {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}),
    "H.264 4:4:4": ("libx264", "yuv444p", {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}),
    "VP8": ("libvpx", "yuv420p", {"deadline": "realtime", "cpu-used": "8", "threads": "1"}),
}


def video(turns: int = 3) -> list[Figure]:
    """Milliseconds a frame, conversion from RGB included. Raises MissingError without PyAV."""
    try:
        av: Any = importlib.import_module("av")
    except ImportError as error:
        raise MissingError(f"{error}: pip install av") from error
    pictures = [np.ascontiguousarray(frame("video", number)[:, :, :3]) for number in range(FRAMES)]

    def encode(codec: str, pixel_format: str, options: dict[str, str]) -> int:
        context = av.CodecContext.create(codec, "w")
        context.height, context.width = pictures[0].shape[:2]
        context.pix_fmt, context.bit_rate, context.time_base = pixel_format, 8_000_000, Fraction(1, 30)
        context.options = options
        size = 0
        for number, picture in enumerate(pictures):
            shown = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixel_format)
            shown.pts = number
            size += int(sum(packet.size for packet in context.encode(shown)))
        return size + int(sum(packet.size for packet in context.encode(None)))

    works = {name: lambda o=options: encode(*o) for name, options in ENCODERS.items()}
    times = interleaved_ms(works, turns)
    base = times["H.264 4:2:0"]
    return [
        Figure("video, 1080p frame", name, ms / FRAMES, "ms", ms / base, "H.264 4:2:0")
        for name, ms in times.items()
    ]
