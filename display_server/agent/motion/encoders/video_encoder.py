"""VideoEncoder: pictures in, coded frames out; and which of them this host has.

One encoder lives as long as its stream's size. `encode` runs in a worker thread, for one picture at a time,
when the pacer wants one; bitrate and keyframe come from congestion control and from the receiver's requests,
and nothing but these makes a keyframe. `close` may come at any time.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders import vp8
from display_server.agent.motion.encoders.h264 import H264Encoder
from display_server.agent.motion.encoders.h264_library import LIBRARIES, Library
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat, codec_errors
from display_server.agent.motion.encoders.vp8 import Vp8Encoder
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame

#: Of the pictures encoded to see whether an encoder works: no hardware refuses it as too small.
PROBE_PX = 256
PROBE_BPS = 1_000_000


class VideoEncoder(Protocol):
    stream: StreamFormat

    def encode(
        self, picture: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """`picture` is (height, width, 4) BGRX of the stream's size, its rows may lie apart. Blocks, without
        the GIL for the most part. The first frame is a keyframe. Raises EncoderError.
        """

    def close(self) -> None:
        """Harmless when closed already."""


@dataclass(frozen=True, slots=True)
class EncoderProbe:
    """What a trial showed: `trouble` says why the encoder does not work here, empty when it does."""

    name: str
    codec: Codec
    chroma: Chroma
    hardware: bool
    problem: str

    @property
    def works(self) -> bool:
        return not self.problem


def open_encoder(stream: StreamFormat, hardware: bool = True) -> VideoEncoder:
    """The first that works here, hardware before software. Raises EncoderError that names what to install, or
    what is wrong with the stream.
    """
    stream.require_encodable()
    if stream.codec is Codec.VP8:
        return Vp8Encoder(stream)
    troubles = []
    for library in LIBRARIES:
        if stream.chroma not in library.kinds or (library.hardware and not hardware):
            continue
        fact = _h264_fact(library, stream.chroma)
        if fact.works:
            return H264Encoder(stream, library)
        troubles.append(f"{library.name}: {fact.problem}")
    raise EncoderError(f"no H.264 encoder works here ({'; '.join(troubles)})")


def probe_encoders() -> list[EncoderProbe]:
    """Every candidate, each tried by encoding a small picture."""
    h264 = [_h264_fact(library, chroma) for library in LIBRARIES for chroma in library.kinds]
    return [*h264, _vp8_fact()]


@functools.cache
def _h264_fact(library: Library, chroma: Chroma) -> EncoderProbe:
    stream = StreamFormat(Codec.H264, chroma, PROBE_PX, PROBE_PX)
    trouble = _trouble(lambda: H264Encoder(stream, library))
    return EncoderProbe(library.name, Codec.H264, chroma, library.hardware, trouble)


@functools.cache
def _vp8_fact() -> EncoderProbe:
    stream = StreamFormat(Codec.VP8, Chroma.YUV420, PROBE_PX, PROBE_PX)
    return EncoderProbe(vp8.LIBRARY, Codec.VP8, Chroma.YUV420, False, _trouble(lambda: Vp8Encoder(stream)))


def _trouble(opened: Callable[[], VideoEncoder]) -> str:
    """What goes wrong with one picture, in FFmpeg's words where it has any; empty when nothing does."""
    said: list[str] = []
    try:
        with codec_errors("video"), _ffmpeg_errors(said):
            encoder = opened()
            grey = np.full((PROBE_PX, PROBE_PX, 4), 128, np.uint8)
            try:
                frame = encoder.encode(grey, at_s=0.0, bitrate_bps=PROBE_BPS, keyframe=True)
            finally:
                encoder.close()
    except EncoderError as error:
        return " ".join(said) or str(error)
    return "" if frame.data and frame.keyframe else "it gave no keyframe"


@contextlib.contextmanager
def _ffmpeg_errors(said: list[str]) -> Iterator[None]:
    """Adds to `said` what FFmpeg says while within, from this thread. PyAV keeps it silent at other times."""
    from av import logging

    before, repeated = logging.get_level(), logging.get_skip_repeated()
    logging.set_level(logging.ERROR)
    logging.set_skip_repeated(False)  # else it tells in another trial what was said in this one
    try:
        with logging.Capture() as records:
            try:
                yield
            finally:
                said += [message.strip() for level, _, message in records if level <= logging.ERROR]
    finally:
        logging.set_skip_repeated(repeated)
        logging.set_level(before)
