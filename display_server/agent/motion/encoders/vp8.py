"""VP8 by libvpx, for browsers without H.264.

Its speeds, measured as in `h264_library`, and on a terminal that scrolls by a line (1024² px, 20 Mbit/s):

speed   natural scene                     terminal
        ms    4 Mbit/s   10 Mbit/s        ms   dB
-4      30    28.1 dB    33.4 dB          8    30.0
-6      19    28.0 dB    33.3 dB          12   27.1
-8      15    27.3 dB    33.1 dB          12   24.0
-16     13    23.4 dB    31.6 dB

-4 has no time left at 1080p, so -6. H.264 4:2:0 gives more for 10 ms: VP8 is the last resort.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from display_server.agent.motion.encoders.colour import YuvConverter
from display_server.agent.motion.encoders.pace import NOMINAL_FPS, FramePace
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat, codec_errors
from display_server.protocol.video_format import Codec, EncodedFrame

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

LIBRARY = "libvpx"
#: Fine enough that a frame's time can say its share of the rate to a thousandth.
TICKS_S = 1_000_000
NOMINAL_TICKS = TICKS_S / NOMINAL_FPS
NOTICED = 0.12
#: A picture takes no more than about so many pictures' share of the rate.
BUFFER_FRAMES = 2.5
#: A keyframe may take this share of one frame's bits, in percent.
KEYFRAME_PERCENT = 250
#: The encoder starts anew, with a keyframe, when the rate leaves what it was opened for by more than this
#: factor: its buffer has a fixed number of bits.
RESTART_FACTOR = 4.0
#: The same for a frame that is to be a keyframe anyway.
FRESH_FACTOR = 1.1
MIN_RATE_BPS = 100_000
SPEED = 6
#: VP8's quantiser goes from 0 to 63.
BEST_QUANTISER, WORST_QUANTISER = 8, 63
#: Squared error of 256 pixels below which a macroblock stays as it was: else a still costs bits for ever.
STATIC_ERROR = 500
ENDLESS_FRAMES = 2**30


class Vp8Encoder:
    """One stream.

    libvpx is opened for one rate, and neither FFmpeg nor PyAV can change it. But libvpx gives a frame the
    bits that its duration is worth, so the rate is set by the clock: half the rate is the same rate with time
    running at half speed. The browser never sees these times; the transport puts its own.
    """

    def __init__(self, stream: StreamFormat) -> None:
        """Raises EncoderError when PyAV is missing or the stream is not for VP8."""
        stream.require_encodable()
        if stream.codec is not Codec.VP8:
            raise EncoderError(f"libvpx makes no {stream.codec.value}")
        self.stream = stream
        with codec_errors(LIBRARY):
            self._converter = YuvConverter(stream, "yuv420p")
        self._pace = FramePace()
        self._context: VideoCodecContext | None = None
        self._opened_bps = 0
        self._ticks = 0
        self._owed_ticks = 0.0
        self._closed = False

    def encode(
        self, picture: NDArray[np.uint8], *, at_s: float, bitrate_bps: int, keyframe: bool
    ) -> EncodedFrame:
        """`picture` is (height, width, 4) BGRX of the stream's size, read in place. Blocks; one call at
        a time. Raises EncoderError; open another encoder then.
        """
        if self._closed:
            raise EncoderError("the encoder is closed")
        with codec_errors(LIBRARY):
            from av.video.frame import PictureType

            frame = self._converter.frame(picture)
            frame_bits = self._pace.frame_bits(at_s, bitrate_bps)
            context = self._for_rate(max(MIN_RATE_BPS, round(frame_bits * NOMINAL_FPS)), keyframe)
            self._advance(frame_bits / self._opened_bps * TICKS_S)
            frame.pts, frame.time_base = self._ticks, Fraction(1, TICKS_S)
            frame.pict_type = PictureType.I if keyframe else PictureType.NONE
            packets = context.encode(frame)
            if not packets:
                # Dropped as far too large, for a scene that is all new. Once more: it now takes the coarsest
                # quantiser.
                self._advance(frame_bits / self._opened_bps * TICKS_S)
                frame.pts = self._ticks
                packets = context.encode(frame)
        if len(packets) != 1:
            raise EncoderError(f"{LIBRARY} gave {len(packets)} frames for one picture")
        return EncodedFrame(bytes(packets[0]), packets[0].is_keyframe)

    def close(self) -> None:
        """Frees the encoder, at once or when a call that still runs returns. Again is harmless."""
        self._closed = True
        self._context = None

    def _advance(self, ticks: float) -> None:
        """By what the next frame is worth. libvpx believes a new duration at once when it is a tenth off from
        what FFmpeg says of every frame, else only over a second; so it is always a tenth off, on the average
        right.
        """
        self._owed_ticks += ticks
        if abs(ticks / NOMINAL_TICKS - 1) < NOTICED:
            short = self._owed_ticks < NOMINAL_TICKS
            ticks = NOMINAL_TICKS * (1 - NOTICED if short else 1 + NOTICED)
        step = max(1, round(ticks))
        self._owed_ticks -= step
        self._ticks += step

    def _for_rate(self, rate_bps: int, keyframe: bool) -> VideoCodecContext:
        """The open encoder, a new one when the rate is too far off or a keyframe is due anyway."""
        factor = rate_bps / max(self._opened_bps, 1)
        near = 1 / FRESH_FACTOR if keyframe else 1 / RESTART_FACTOR
        context = self._context  # another thread may close meanwhile
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
        # The first frame's duration, and with it the first keyframe's bits, come from the frame rate.
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
            "screen-content-mode": "2",  # drops a frame that overshoots, for another to be made
            "max-intra-rate": str(KEYFRAME_PERCENT),
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": str(STATIC_ERROR),
            "error-resilient": "0",
        }
        context.open()
        return context
