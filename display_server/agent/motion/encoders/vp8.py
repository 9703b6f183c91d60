"""VP8 encoder (libvpx), for browsers without H.264.

Speeds of libvpx, measured as in `h264_library`, and on a terminal that scrolls by a line (1024² px,
20 Mbit/s):

speed   natural scene                     terminal
        ms    4 Mbit/s   10 Mbit/s        ms   dB
-4      30    28.1 dB    33.4 dB          8    30.0
-6      19    28.0 dB    33.3 dB          12   27.1
-8      15    27.3 dB    33.1 dB          12   24.0
-16     13    23.4 dB    31.6 dB

Speed -4 takes all the time that there is at 1080p, so -6 is used. H.264 4:2:0 is better and takes 10 ms, so
VP8 is the last choice.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders.colour import YuvConverter
from display_server.agent.motion.encoders.frame_budget import NOMINAL_FPS, FrameBudget
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat, codec_errors
from display_server.protocol.video_format import Codec, EncodedFrame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

LIBRARY = "libvpx"
#: Time base, ticks per s: fine enough that the duration of a frame gives its bits to a thousandth.
TICKS_S = 1_000_000
NOMINAL_TICKS = TICKS_S / NOMINAL_FPS
#: Smallest relative difference from the nominal duration that libvpx follows at once.
NOTICED = 0.12
#: Size of the rate control buffer in mean frames: the most that one frame may add to a queue on the link.
BUFFER_FRAMES = 2.5
#: Size limit of a keyframe, in percent of a mean frame.
KEYFRAME_PERCENT = 250
#: The encoder is reopened, with a keyframe, if the rate differs by more than this factor from the rate that
#: it was opened for: its rate control buffer has a fixed number of bits.
RESTART_FACTOR = 4.0
#: The same factor for a frame that is to be a keyframe anyway.
KEYFRAME_RESTART_FACTOR = 1.1
#: libvpx makes no usable picture below this rate, bit/s.
MIN_RATE_BPS = 100_000
#: libvpx's `cpu-used`, negated; the module's docstring gives the reason.
SPEED = 6
#: Quantisers that are used, of 0 to 63.
BEST_QUANTISER, WORST_QUANTISER = 8, 63
#: Squared error of a macroblock (256 pixels) below which it is not encoded again: a still would cost bits for
#: ever otherwise.
STATIC_ERROR = 500
#: Interval between keyframes that no stream reaches: keyframes are made on request only.
ENDLESS_FRAMES = 2**30


class Vp8Encoder:
    """Encodes one stream.

    Neither FFmpeg nor PyAV can change the rate of an open libvpx. But libvpx gives each frame bits according
    to its duration, so the durations set the rate: half the rate is the full rate with a clock that runs at
    half speed. These timestamps never reach the browser, because the transport has its own.
    """

    def __init__(self, stream: StreamFormat) -> None:
        """Raises EncoderError if PyAV is missing or the stream's format is not VP8."""
        stream.require_encodable()
        if stream.codec is not Codec.VP8:
            raise EncoderError(f"libvpx does not encode {stream.codec.value}")
        self.stream = stream
        with codec_errors(LIBRARY):
            self._converter = YuvConverter(stream, "yuv420p")
        self._budget = FrameBudget()
        self._context: VideoCodecContext | None = None
        self._opened_bps = 0
        self._ticks = 0
        self._owed_ticks = 0.0
        self._closed = False

    def encode(
        self, pixels: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """Encodes `pixels`, (height, width, 4) BGRX of the stream's size, without changing them.

        Blocks; one call at a time. Raises EncoderError, after which the encoder is of no further use.
        """
        if self._closed:
            raise EncoderError("the encoder is closed")
        with codec_errors(LIBRARY):
            from av.video.frame import PictureType

            frame = self._converter.frame(pixels)
            frame_bits = self._budget.frame_bits(at_s, bitrate_bps)
            context = self._context_for(max(MIN_RATE_BPS, round(frame_bits * NOMINAL_FPS)), keyframe)
            self._advance(frame_bits / self._opened_bps * TICKS_S)
            frame.pts, frame.time_base = self._ticks, Fraction(1, TICKS_S)
            frame.pict_type = PictureType.I if keyframe else PictureType.NONE
            packets = context.encode(frame)
            if not packets:
                # libvpx dropped a frame that was far too large, as after a scene change. The second attempt
                # uses the coarsest quantiser.
                self._advance(frame_bits / self._opened_bps * TICKS_S)
                frame.pts = self._ticks
                packets = context.encode(frame)
        if len(packets) != 1:
            raise EncoderError(f"{LIBRARY} returned {len(packets)} packets for one frame")
        return EncodedFrame(bytes(packets[0]), packets[0].is_keyframe)

    def close(self) -> None:
        """Frees the encoder at once, or when a call that is still running returns. May be called again."""
        self._closed = True
        self._context = None

    def _advance(self, ticks: float) -> None:
        """Advances the stream's clock by the duration that the next frame's bits are worth.

        libvpx follows a duration at once if it differs by a tenth from the nominal one, and otherwise only
        within a second. So durations always differ by a tenth, and are right on average.
        """
        self._owed_ticks += ticks
        if abs(ticks / NOMINAL_TICKS - 1) < NOTICED:
            short = self._owed_ticks < NOMINAL_TICKS
            ticks = NOMINAL_TICKS * (1 - NOTICED if short else 1 + NOTICED)
        step = max(1, round(ticks))
        self._owed_ticks -= step
        self._ticks += step

    def _context_for(self, rate_bps: int, keyframe: bool) -> VideoCodecContext:
        """Returns the open encoder, or a new one if its rate differs too much."""
        factor = rate_bps / max(self._opened_bps, 1)
        near = 1 / (KEYFRAME_RESTART_FACTOR if keyframe else RESTART_FACTOR)
        context = self._context  # another thread may close the encoder meanwhile
        if context is None or not near <= factor <= 1 / near:
            context = self._open(rate_bps)
            self._context, self._opened_bps = context, rate_bps
        return context

    def _open(self, rate_bps: int) -> VideoCodecContext:
        from av.codec.context import CodecContext
        from av.video.codeccontext import VideoCodecContext

        buffer_bits = round(rate_bps / NOMINAL_FPS * BUFFER_FRAMES)
        context = CodecContext.create(LIBRARY, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height = self.stream.width_px, self.stream.height_px
        context.pix_fmt = "yuv420p"
        # The frame rate gives the duration of the first frame, and so the bits of the first keyframe.
        context.time_base, context.framerate = Fraction(1, TICKS_S), Fraction(NOMINAL_FPS)
        context.bit_rate = rate_bps
        context.gop_size = ENDLESS_FRAMES
        context.qmin, context.qmax = BEST_QUANTISER, WORST_QUANTISER
        context.thread_count = self.stream.threads
        context.options = {
            "deadline": "realtime",
            "cpu-used": str(-SPEED),
            "lag-in-frames": "0",
            "minrate": str(rate_bps),
            "maxrate": str(rate_bps),
            "bufsize": str(buffer_bits),
            "rc_init_occupancy": str(buffer_bits),
            "screen-content-mode": "2",  # drops a frame that is too large; `encode` tries again
            "max-intra-rate": str(KEYFRAME_PERCENT),
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": str(STATIC_ERROR),
            "error-resilient": "0",
        }
        context.open()
        return context
