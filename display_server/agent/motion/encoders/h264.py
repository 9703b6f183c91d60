"""H.264 encoder: Constrained Baseline for 4:2:0, High 4:4:4 Predictive for 4:4:4."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders.colour import YuvConverter, colour_of
from display_server.agent.motion.encoders.frame_budget import NOMINAL_FPS, FrameBudget
from display_server.agent.motion.encoders.h264_library import LIBX264, Library
from display_server.agent.motion.encoders.h264_profile import as_constrained_baseline, level_idc
from display_server.agent.motion.encoders.reopening import ReopeningPolicy
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat, codec_errors
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

#: Size of the rate control buffer in mean frames: the most that one frame may add to a queue on the link.
BUFFER_FRAMES = 2.5
#: libx264 makes no usable picture below this rate, bit/s.
MIN_RATE_BPS = 100_000
#: Interval between keyframes that no stream reaches: keyframes are made on request only.
ENDLESS_FRAMES = 2**30


class H264Encoder:
    """Encodes one stream. The FFmpeg encoder is opened for the first frame, when the rate is known, and
    again, with a keyframe, when the rate has changed much (see `reopening`).
    """

    def __init__(self, stream: StreamFormat, library: Library = LIBX264) -> None:
        """Raises EncoderError if this FFmpeg lacks the library, or the library cannot encode the format."""
        stream.require_encodable()
        if stream.codec is not Codec.H264 or stream.chroma not in library.profiles:
            raise EncoderError(
                f"{library.name} does not encode {stream.codec.value} with {stream.chroma.value}"
            )
        self.stream = stream
        self.library = library
        self._profile = library.profiles[stream.chroma]
        with codec_errors(library.name):
            self._converter = YuvConverter(stream, self._profile.pixel_format)
        self._budget = FrameBudget(steady=True)
        self._reopening = ReopeningPolicy()
        self._context: VideoCodecContext | None = None
        self._frames = 0
        self._closed = False

    def encode(
        self, pixels: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """Encodes `pixels`, (height, width, 4) BGRX of the stream's size, without changing them.

        Blocks; one call at a time. Raises EncoderError, after which the encoder is of no further use.
        """
        if self._closed:
            raise EncoderError("the encoder is closed")
        with codec_errors(self.library.name):
            from av.video.frame import PictureType

            frame = self._converter.frame(pixels)
            frame_bits = self._budget.frame_bits(at_s, bitrate_bps)
            context = self._context_for(max(MIN_RATE_BPS, round(frame_bits * NOMINAL_FPS)), at_s, keyframe)
            frame.pts, frame.time_base = self._frames, Fraction(1, NOMINAL_FPS)
            frame.pict_type = PictureType.I if keyframe else PictureType.NONE
            packets = context.encode(frame)
        self._frames += 1
        if len(packets) != 1:
            raise EncoderError(f"{self.library.name} returned {len(packets)} packets for one frame")
        data = bytes(packets[0])
        if packets[0].is_keyframe and self.stream.chroma is Chroma.YUV420:
            data = as_constrained_baseline(data)
        return EncodedFrame(data, packets[0].is_keyframe)

    def close(self) -> None:
        """Frees the encoder at once, or when a call that is still running returns. May be called again."""
        self._closed = True
        self._context = None

    def _context_for(self, rate_bps: int, at_s: float, keyframe: bool) -> VideoCodecContext:
        """Returns the open encoder, or a new one if the rate has changed much."""
        context = self._context  # another thread may close the encoder meanwhile
        if context is None or self._reopening.should_reopen(rate_bps, at_s, keyframe=keyframe):
            context = self._open(rate_bps)
            self._context = context
            self._reopening.on_opened(rate_bps, at_s)
        return context

    def _open(self, rate_bps: int) -> VideoCodecContext:
        from av.codec.context import CodecContext
        from av.video.codeccontext import VideoCodecContext

        context = CodecContext.create(self.library.name, "w")
        assert isinstance(context, VideoCodecContext)
        stream = self.stream
        context.width, context.height = stream.width_px, stream.height_px
        context.pix_fmt = self._profile.pixel_format
        context.time_base, context.framerate = Fraction(1, NOMINAL_FPS), Fraction(NOMINAL_FPS)
        context.gop_size, context.max_b_frames = ENDLESS_FRAMES, 0
        context.thread_count = stream.threads
        colour_of(stream).signal(context)
        context.options = {
            **self.library.options,
            **self._profile.options,
            "level": f"{level_idc(stream) / 10:.1f}",
            "b": str(rate_bps),
            "maxrate": str(rate_bps),
            "bufsize": str(round(rate_bps / NOMINAL_FPS * BUFFER_FRAMES)),
        }
        context.open()
        return context
