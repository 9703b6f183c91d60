"""Video codecs and encoded frames, shared by the encoders, which make frames, and the transport, which
packetizes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Codec(Enum):
    """A video codec; the value is the lower-case name that SDP and status messages use."""

    H264 = "h264"
    VP8 = "vp8"


class Chroma(Enum):
    """Chroma subsampling: one colour sample for four pixels (4:2:0), or one for each pixel (4:4:4)."""

    YUV420 = "4:2:0"
    YUV444 = "4:4:4"


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded frame.

    `data` is one H.264 access unit in Annex B format, with parameter sets if it is a keyframe, or one VP8
    frame.
    """

    data: bytes
    keyframe: bool
