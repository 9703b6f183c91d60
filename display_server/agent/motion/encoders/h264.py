"""H.264: Constrained Baseline for 4:2:0, High 4:4:4 Predictive for 4:4:4."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders.colour import YuvConverter, colour_of
from display_server.agent.motion.encoders.h264_library import LIBX264, Library
from display_server.agent.motion.encoders.h264_profile import as_constrained_baseline, level_idc
from display_server.agent.motion.encoders.live_options import LiveOptions
from display_server.agent.motion.encoders.pace import NOMINAL_FPS, FramePace
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat, codec_errors
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

#: A picture takes no more than so many pictures' share of the rate: what one may add to a queue.
BUFFER_FRAMES = 2.5
#: The encoder is told anew when what it goes by differs from the wish by this share.
RATE_TOLERANCE = 0.03
#: Without a way to tell it, it starts anew, at the price of a keyframe, when the difference is this large.
RESTART_TOLERANCE = 0.25
MIN_RATE_BPS = 100_000
ENDLESS_FRAMES = 2**30


class H264Encoder:
    """One stream. The encoder beneath opens with the first picture, when the rate is known."""

    def __init__(self, stream: StreamFormat, library: Library = LIBX264) -> None:
        """Raises EncoderError when this FFmpeg lacks the library or it lacks the stream's kind."""
        stream.require_encodable()
        if stream.codec is not Codec.H264 or stream.chroma not in library.kinds:
            raise EncoderError(f"{library.name} makes no {stream.codec.value} of {stream.chroma.value}")
        self.stream = stream
        self.library = library
        self._kind = library.kinds[stream.chroma]
        with codec_errors(library.name):
            self._converter = YuvConverter(stream, self._kind.pixel_format)
        self._pace = FramePace()
        self._context: VideoCodecContext | None = None
        self._live: LiveOptions | None = None
        self._rate_bps = 0
        self._frames = 0
        self._closed = False

    def encode(
        self, picture: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """`picture` is (height, width, 4) BGRX of the stream's size, read in place. Blocks; one call at
        a time. Raises EncoderError; open another encoder then.
        """
        if self._closed:
            raise EncoderError("the encoder is closed")
        with codec_errors(self.library.name):
            from av.video.frame import PictureType

            frame = self._converter.frame(picture)
            frame.pts, frame.time_base = self._frames, Fraction(1, NOMINAL_FPS)
            frame.pict_type = PictureType.I if keyframe else PictureType.NONE
            context = self._at_rate(self._pace.frame_bits(at_s, bitrate_bps))
            packets = context.encode(frame)
        self._frames += 1
        if len(packets) != 1:
            raise EncoderError(f"{self.library.name} gave {len(packets)} frames for one picture")
        data = bytes(packets[0])
        if packets[0].is_keyframe and self.stream.chroma is Chroma.YUV420:
            data = as_constrained_baseline(data)
        return EncodedFrame(data, packets[0].is_keyframe)

    def close(self) -> None:
        """Frees the encoder, at once or when a call that still runs returns. Again is harmless."""
        self._closed = True
        self._context = self._live = None

    def _at_rate(self, frame_bits: float) -> VideoCodecContext:
        """The open encoder, told what a frame may take."""
        rate_bps = max(MIN_RATE_BPS, round(frame_bits * NOMINAL_FPS))
        off = abs(rate_bps - self._rate_bps) / max(self._rate_bps, 1)
        context, live = self._context, self._live  # another thread may close meanwhile
        if context is not None and live is not None:
            if off < RATE_TOLERANCE:
                return context
            if live.set(**_rates(rate_bps)):
                self._rate_bps = rate_bps
                return context
            if off < RESTART_TOLERANCE:
                return context
        context = self._open(rate_bps)
        self._context, self._live, self._rate_bps = context, LiveOptions(context), rate_bps
        return context

    def _open(self, rate_bps: int) -> VideoCodecContext:
        from av.codec.context import CodecContext
        from av.video.codeccontext import VideoCodecContext

        context = CodecContext.create(self.library.name, "w")
        assert isinstance(context, VideoCodecContext)
        stream = self.stream
        context.width, context.height = stream.width_px, stream.height_px
        context.pix_fmt = self._kind.pixel_format
        context.time_base, context.framerate = Fraction(1, NOMINAL_FPS), Fraction(NOMINAL_FPS)
        context.gop_size, context.max_b_frames = ENDLESS_FRAMES, 0
        context.thread_count = stream.threads
        colour_of(stream).signal(context)
        context.options = {
            **self.library.options,
            **self._kind.options,
            "level": f"{level_idc(stream) / 10:.1f}",
            **{name: str(value) for name, value in _rates(rate_bps).items()},
        }
        context.open()
        return context


def _rates(rate_bps: int) -> dict[str, int]:
    return {"b": rate_bps, "maxrate": rate_bps, "bufsize": round(rate_bps / NOMINAL_FPS * BUFFER_FRAMES)}
