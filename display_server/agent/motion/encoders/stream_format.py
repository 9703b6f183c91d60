"""Format of an encoded stream, and the error that all encoders raise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from display_server.errors import Malfunction
from display_server.protocol.video_format import Chroma, Codec

#: Shortest side. Nothing smaller is worth a video stream; hardware encoders need at least 145 px in width.
MIN_SIDE_PX = 64
#: Longest side: VP8 has 14 bits for it, and no browser decodes more in H.264.
MAX_SIDE_PX = 16383

#: Up to this many pixels one core encodes 30 frames/s. Two threads would take 40 % less time per frame, but
#: cost 0.2 dB in H.264, which then needs slices, and a third more CPU in VP8.
ONE_THREAD_PX = 2_304_000
#: Threads for larger frames.
THREADS = 2

INSTALL_HINT = "install Lightbox with its extra `motion` (docs/install.md)"


class EncoderError(Malfunction):
    """A frame could not be encoded, or no encoder is available; the text says what to do."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """Codec, chroma and size of a stream, fixed for the life of its encoder. 4:2:0 needs even sides."""

    codec: Codec
    chroma: Chroma
    width_px: int
    height_px: int

    @property
    def threads(self) -> int:
        """How many threads encoders should use."""
        return 1 if self.width_px * self.height_px <= ONE_THREAD_PX else THREADS

    def require_encodable(self) -> None:
        """Raises EncoderError if no encoder here supports the format."""
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
            raise EncoderError(f"{size} px cannot be encoded in 4:2:0: crop to even sides, or use 4:4:4")
        if self.codec is Codec.VP8 and self.chroma is not Chroma.YUV420:
            raise EncoderError(f"VP8 supports 4:2:0 only, not {self.chroma.value}: use H.264")


@contextlib.contextmanager
def codec_errors(name: str) -> Iterator[None]:
    """Turns errors of PyAV, and a missing PyAV, into EncoderError."""
    try:
        yield
    except ImportError as error:
        raise EncoderError(f"video needs PyAV ({error}): {INSTALL_HINT}") from error
    except EncoderError:
        raise
    except Exception as error:  # exceptions of PyAV and FFmpeg have no common base class
        raise EncoderError(f"{name}: {error}") from error
