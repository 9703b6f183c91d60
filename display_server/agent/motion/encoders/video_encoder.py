"""The contract of video encoders, and the choice of one that works on this host.

An encoder lives as long as the size of its stream stays the same. `encode` is called in a worker thread, for
one frame at a time. Its bitrate comes from congestion control, its keyframes from the requests of the
receiver; an encoder adds a keyframe of its own only where it has to be reopened for another rate. `close` may
be called at any time.
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

#: Side of the frame that tests an encoder; no hardware refuses it as too small.
PROBE_PX = 256
#: Bitrate of that test, bit/s.
PROBE_BPS = 1_000_000


class VideoEncoder(Protocol):
    """Encodes the frames of one stream."""

    stream: StreamFormat

    def encode(
        self, pixels: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """Encodes `pixels`, (height, width, 4) BGRX of the stream's size with any stride, captured at `at_s`.

        Blocks, mostly without the GIL. The first frame is a keyframe, and so is a frame for which `keyframe`
        is true. Raises EncoderError.
        """

    def close(self) -> None:
        """Frees the encoder. May be called again."""


@dataclass(frozen=True, slots=True)
class EncoderProbe:
    """Result of testing one encoder: `problem` says why it does not work here, and is empty if it does."""

    name: str
    codec: Codec
    chroma: Chroma
    hardware: bool
    problem: str

    @property
    def works(self) -> bool:
        return not self.problem


def open_encoder(stream: StreamFormat, hardware: bool = True) -> VideoEncoder:
    """Opens the first encoder that works here, hardware before software.

    Raises EncoderError, whose text says what to install, or what is wrong with the stream.
    """
    stream.require_encodable()
    if stream.codec is Codec.VP8:
        return Vp8Encoder(stream)
    problems = []
    for library in LIBRARIES:
        if stream.chroma not in library.profiles or (library.hardware and not hardware):
            continue
        probe = _probe_h264(library, stream.chroma)
        if probe.works:
            return H264Encoder(stream, library)
        problems.append(f"{library.name}: {probe.problem}")
    raise EncoderError(f"no H.264 encoder works here ({'; '.join(problems)})")


def probe_encoders() -> list[EncoderProbe]:
    """Tests every encoder that we know by encoding a small frame with it."""
    h264 = [_probe_h264(library, chroma) for library in LIBRARIES for chroma in library.profiles]
    return [*h264, _probe_vp8()]


@functools.cache
def _probe_h264(library: Library, chroma: Chroma) -> EncoderProbe:
    stream = StreamFormat(Codec.H264, chroma, PROBE_PX, PROBE_PX)
    problem = _problem_of(lambda: H264Encoder(stream, library))
    return EncoderProbe(library.name, Codec.H264, chroma, library.hardware, problem)


@functools.cache
def _probe_vp8() -> EncoderProbe:
    stream = StreamFormat(Codec.VP8, Chroma.YUV420, PROBE_PX, PROBE_PX)
    return EncoderProbe(vp8.LIBRARY, Codec.VP8, Chroma.YUV420, False, _problem_of(lambda: Vp8Encoder(stream)))


def _problem_of(open_: Callable[[], VideoEncoder]) -> str:
    """Returns what goes wrong when one frame is encoded, if possible in FFmpeg's words, or an empty text."""
    messages: list[str] = []
    try:
        with codec_errors("video"), _ffmpeg_errors(messages):
            encoder = open_()
            grey = np.full((PROBE_PX, PROBE_PX, 4), 128, np.uint8)
            try:
                frame = encoder.encode(grey, at_s=0.0, bitrate_bps=PROBE_BPS, keyframe=True)
            finally:
                encoder.close()
    except EncoderError as error:
        return " ".join(messages) or str(error)
    return "" if frame.data and frame.keyframe else "it returned no keyframe"


@contextlib.contextmanager
def _ffmpeg_errors(messages: list[str]) -> Iterator[None]:
    """Appends the errors that FFmpeg logs in this thread meanwhile. PyAV discards them at other times."""
    from av import logging

    before, repeated = logging.get_level(), logging.get_skip_repeated()
    logging.set_level(logging.ERROR)
    logging.set_skip_repeated(False)  # otherwise a repeated error would appear in the next test
    try:
        with logging.Capture() as records:
            try:
                yield
            finally:
                messages += [message.strip() for level, _, message in records if level <= logging.ERROR]
    finally:
        logging.set_skip_repeated(repeated)
        logging.set_level(before)
