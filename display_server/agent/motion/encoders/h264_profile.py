"""What H.264 streams say of themselves: profile, constraints and level, the same in SDP and SPS."""

from __future__ import annotations

from typing import NamedTuple

from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma

MACROBLOCK_PX = 16
#: Streams may come this fast; levels limit macroblocks per second.
MAX_FPS = 60

#: profile_idc and constraint flags; 0xe0 obeys Baseline, Main and Extended: that is Constrained Baseline.
PROFILES = {Chroma.YUV420: bytes((0x42, 0xE0)), Chroma.YUV444: bytes((0xF4, 0x00))}

#: Start code, NAL header of a sequence parameter set, profile_idc of Baseline.
_BASELINE_SPS = b"\x00\x00\x01\x67\x42"
#: An access unit delimiter may come before the parameter sets, nothing longer.
_SPS_WITHIN_BYTES = 64


class Level(NamedTuple):
    """ITU-T H.264 table A-1; `idc` is ten times the level's number."""

    idc: int
    max_macroblocks: int
    max_macroblocks_s: int


#: From 3.1, which every browser takes, to 5.2, the highest that browsers' SDP knows. What exceeds even that
#: is labelled 5.2: decoders read from the level only how many pictures to keep, and here that is one.
LEVELS = (
    Level(31, 3_600, 108_000),
    Level(32, 5_120, 216_000),
    Level(40, 8_192, 245_760),
    Level(42, 8_704, 522_240),
    Level(50, 22_080, 589_824),
    Level(51, 36_864, 983_040),
    Level(52, 36_864, 2_073_600),
)


def level_idc(stream: StreamFormat) -> int:
    across, down = (-(-side // MACROBLOCK_PX) for side in (stream.width_px, stream.height_px))
    macroblocks = across * down
    for level in LEVELS:
        longest = (8 * level.max_macroblocks) ** 0.5
        if (
            macroblocks <= level.max_macroblocks
            and macroblocks * MAX_FPS <= level.max_macroblocks_s
            and max(across, down) <= longest
        ):
            return level.idc
    return LEVELS[-1].idc


def profile_level_id(stream: StreamFormat) -> str:
    """For SDP's `profile-level-id`, as "42e01f"."""
    return (PROFILES[stream.chroma] + bytes((level_idc(stream),))).hex()


def as_constrained_baseline(keyframe: bytes) -> bytes:
    """Encoders say Baseline that is also Main (42 c0); iPads want the very bytes of the SDP (42 e0), else the
    picture stays black. The stream obeys Extended as well: it uses nothing that these three do not share.
    Raises EncoderError when there is no such parameter set.
    """
    found = keyframe.find(_BASELINE_SPS, 0, _SPS_WITHIN_BYTES)
    if found < 0:
        raise EncoderError(
            "a keyframe came without the parameter set of a Baseline stream: no browser could show it"
        )
    at = found + len(_BASELINE_SPS)
    return keyframe[:at] + PROFILES[Chroma.YUV420][1:] + keyframe[at + 1 :]
