"""Chooses one of the video codecs that a browser offers."""

from __future__ import annotations

from collections.abc import Iterable

from display_server.agent.transport.webrtc.session_description import OfferedCodec
from display_server.protocol.video_format import Chroma, Codec

#: First four digits of `profile-level-id`: High 4:4:4 Predictive, and Constrained Baseline.
_HIGH_444 = "f400"
_BASELINE = ("42e0", "42c0")


def choose_codec(
    offered: Iterable[OfferedCodec], encodable: frozenset[tuple[Codec, Chroma]]
) -> tuple[OfferedCodec, Codec, Chroma] | None:
    """Returns the best codec that the browser decodes and this host encodes (`encodable`), or None."""
    ranked = []
    for codec in offered:
        match _kind(codec):
            case None:
                continue
            case rank, kind, chroma if (kind, chroma) in encodable:
                ranked.append((rank, codec, kind, chroma))
    if not ranked:
        return None
    _, codec, kind, chroma = min(ranked, key=lambda entry: entry[0])
    return codec, kind, chroma


def _kind(codec: OfferedCodec) -> tuple[int, Codec, Chroma] | None:
    """Returns rank, codec and chroma: full colour first, then the smoothest. None if we do not support it."""
    if codec.name == "vp8":
        return 2, Codec.VP8, Chroma.YUV420
    # Without packetization mode 1 a NAL unit must fit into one packet, and ours do not.
    if codec.name != "h264" or codec.parameters.get("packetization-mode") != "1":
        return None
    profile = codec.parameters.get("profile-level-id", "")[:4]
    if profile == _HIGH_444:
        return 0, Codec.H264, Chroma.YUV444
    return (1, Codec.H264, Chroma.YUV420) if profile in _BASELINE else None
