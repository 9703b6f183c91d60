"""Profile and level of H.264 streams."""

from __future__ import annotations

import pytest

from display_server.agent.motion.encoders.h264_profile import as_constrained_baseline, profile_level_id
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma, Codec


@pytest.mark.parametrize(
    ("chroma", "width_px", "height_px", "expected"),
    [
        (Chroma.YUV420, 64, 64, "42e01f"),
        (Chroma.YUV444, 640, 480, "f4001f"),
        (Chroma.YUV420, 1280, 720, "42e020"),
        (Chroma.YUV420, 1920, 1080, "42e02a"),
        (Chroma.YUV444, 1920, 1080, "f4002a"),
        (Chroma.YUV444, 2048, 1536, "f40033"),
        (Chroma.YUV420, 3840, 2160, "42e034"),
        (Chroma.YUV444, 4096, 2560, "f40034"),
        (Chroma.YUV444, 3840, 64, "f40028"),  # few macroblocks, but a level also limits the longer side
    ],
)
def test_level_rises_with_the_size(chroma: Chroma, width_px: int, height_px: int, expected: str) -> None:
    assert profile_level_id(StreamFormat(Codec.H264, chroma, width_px, height_px)) == expected


def test_only_the_constraint_flags_are_changed() -> None:
    keyframe = (
        bytes.fromhex("000000016742c01fda01400000000168ce3c8000000165") + bytes.fromhex("0000016742c0") * 9
    )
    patched = as_constrained_baseline(keyframe)
    assert patched == keyframe.replace(b"\x42\xc0", b"\x42\xe0", 1)


def test_a_keyframe_of_another_profile_is_an_error() -> None:
    with pytest.raises(EncoderError, match="Baseline"):
        as_constrained_baseline(bytes.fromhex("0000000167640028"))
