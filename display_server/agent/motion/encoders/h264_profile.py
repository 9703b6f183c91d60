"""Profile, constraints and level of an H.264 stream, as its SDP and its sequence parameter set (SPS) state
them.
"""

from __future__ import annotations

from typing import NamedTuple

from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma

MACROBLOCK_PX = 16
#: Highest frame rate that the level has to allow; levels limit macroblocks per second.
MAX_FPS = 60

#: profile_idc and constraint flags. 0xe0 means that the stream obeys Baseline, Main and Extended; such a
#: stream is Constrained Baseline.
PROFILES = {Chroma.YUV420: bytes((0x42, 0xE0)), Chroma.YUV444: bytes((0xF4, 0x00))}

#: Start code, NAL header of an SPS, and the profile_idc of Baseline.
_BASELINE_SPS = b"\x00\x00\x01\x67\x42"
#: The SPS begins within this many bytes: only an access unit delimiter may precede it.
_SPS_WITHIN_BYTES = 64


class Level(NamedTuple):
    """A row of table A-1 of ITU-T H.264; `idc` is ten times the level number."""

    idc: int
    max_macroblocks: int
    max_macroblocks_s: int


#: From 3.1, which every browser accepts, to 5.2, the highest that browsers accept in SDP. Larger streams are
#: labelled 5.2 as well: decoders use the level only to size their frame buffer, and here that is one frame.
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
    """Returns the lowest level that allows the size at MAX_FPS."""
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
    """Returns the `profile-level-id` of SDP, for example "42e01f"."""
    return (PROFILES[stream.chroma] + bytes((level_idc(stream),))).hex()


def as_constrained_baseline(keyframe: bytes) -> bytes:
    """Returns the keyframe with the constraint flags of Constrained Baseline (42 e0) in its SPS.

    Encoders write 42 c0, which lacks the flag of Extended. iPads show a black picture unless the bytes are
    those of the SDP. The flag is true: the stream uses only what the three profiles share. Raises
    EncoderError if the keyframe has no SPS of Baseline.
    """
    found = keyframe.find(_BASELINE_SPS, 0, _SPS_WITHIN_BYTES)
    if found < 0:
        raise EncoderError(
            "the encoder returned a keyframe without a Baseline parameter set, which no browser can show"
        )
    at = found + len(_BASELINE_SPS)
    return keyframe[:at] + PROFILES[Chroma.YUV420][1:] + keyframe[at + 1 :]
