"""What is encoded, what comes out, and how it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from display_server.errors import Malfunction
from display_server.protocol.video_format import Chroma, Codec

#: Hardware encoders refuse less than 145 px in width; nothing smaller than this is worth a stream of its own.
MIN_SIDE_PX = 64
#: VP8 has 14 bits for a side, and no browser decodes more in H.264.
MAX_SIDE_PX = 16383

#: Up to this size one core keeps up with 30 frames/s. Two threads would take 40 % less time for a frame, but
#: cost bits in H.264, which then needs slices (0.2 dB), and a third more CPU in VP8.
ONE_THREAD_PX = 2_304_000
THREADS = 2

INSTALL_HINT = "pip install 'lightbox[motion]'"


class EncoderError(Malfunction):
    """A picture could not be encoded, or an encoder not be had; the text says what to do."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What one encoder makes for its whole life. Sides are even for 4:2:0."""

    codec: Codec
    chroma: Chroma
    width_px: int
    height_px: int

    @property
    def threads(self) -> int:
        """That encoders should use."""
        return 1 if self.width_px * self.height_px <= ONE_THREAD_PX else THREADS

    def require_encodable(self) -> None:
        """Raises EncoderError for what no encoder here could do."""
        size = f"{self.width_px}×{self.height_px}"
        if (
            not MIN_SIDE_PX
            <= min(self.width_px, self.height_px)
            <= max(self.width_px, self.height_px)
            <= MAX_SIDE_PX
        ):
            raise EncoderError(
                f"{size} px cannot be encoded: each side needs {MIN_SIDE_PX} to {MAX_SIDE_PX} px"
            )
        if self.chroma is Chroma.YUV420 and (self.width_px % 2 or self.height_px % 2):
            raise EncoderError(f"{size} px cannot be 4:2:0: crop to even sides, or take 4:4:4")
        if self.codec is Codec.VP8 and self.chroma is not Chroma.YUV420:
            raise EncoderError(f"VP8 knows 4:2:0 only, not {self.chroma.value}: take H.264")


@contextlib.contextmanager
def codec_errors(name: str) -> Iterator[None]:
    """What PyAV raises becomes EncoderError; so does that it is not installed."""
    try:
        yield
    except ImportError as error:
        raise EncoderError(f"video needs PyAV ({error}): {INSTALL_HINT}") from error
    except EncoderError:
        raise
    except Exception as error:  # the trees of PyAV and FFmpeg have no root in common
        raise EncoderError(f"{name}: {error}") from error
