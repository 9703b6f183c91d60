"""Which of the video codecs that a browser offers an agent answers with."""

from __future__ import annotations

from collections.abc import Iterable

from display_server.agent.transport.webrtc.session_description import OfferedCodec
from display_server.protocol.video_format import Chroma, Codec

#: Profile of High 4:4:4 Predictive and of Constrained Baseline, the first four digits of `profile-level-id`.
_HIGH_444 = "f400"
_BASELINE = ("42e0", "42c0")


def choose_codec(
    offered: Iterable[OfferedCodec], able: frozenset[tuple[Codec, Chroma]]
) -> tuple[OfferedCodec, Codec, Chroma] | None:
    """The best that both can do; `able` is what this host encodes. None: no video."""
    ranked = []
    for codec in offered:
        match _kind(codec):
            case None:
                continue
            case rank, kind, chroma if (kind, chroma) in able:
                ranked.append((rank, codec, kind, chroma))
    if not ranked:
        return None
    _, codec, kind, chroma = min(ranked, key=lambda entry: entry[0])
    return codec, kind, chroma


def _kind(codec: OfferedCodec) -> tuple[int, Codec, Chroma] | None:
    """Rank, codec and chroma; full colour first, the least choppy next."""
    if codec.name == "vp8":
        return 2, Codec.VP8, Chroma.YUV420
    # Without packetization mode 1 a NAL unit may not be split, and ours are larger than a packet.
    if codec.name != "h264" or codec.parameters.get("packetization-mode") != "1":
        return None
    profile = codec.parameters.get("profile-level-id", "")[:4]
    if profile == _HIGH_444:
        return 0, Codec.H264, Chroma.YUV444
    return (1, Codec.H264, Chroma.YUV420) if profile in _BASELINE else None
