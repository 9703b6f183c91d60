"""Colours come back by the matrix and range that the stream itself signals."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.agent.motion.encoders.stream_format import StreamFormat
from display_server.agent.motion.encoders.video_encoder import open_encoder
from display_server.protocol.video_format import Chroma, Codec
from tests.unit.agent.motion.encoders import pictures
from tests.unit.agent.motion.encoders.pictures import Picture
from tests.unit.agent.motion.encoders.player import Player, Shown

RICH_BPS = 100_000_000
BT709, BT470BG, SMPTE170M = 1, 5, 6
KINDS = {
    (Codec.H264, Chroma.YUV444): (BT709, True),
    (Codec.H264, Chroma.YUV420): (SMPTE170M, False),
    (Codec.VP8, Chroma.YUV420): (BT470BG, False),
}


@pytest.fixture(params=list(KINDS), ids=lambda kind: f"{kind[0].value} {kind[1].value}")
def kind(request: pytest.FixtureRequest) -> tuple[Codec, Chroma]:
    codec, chroma = request.param
    return codec, chroma


def shown(kind: tuple[Codec, Chroma], picture: Picture, frames: int = 8) -> Shown:
    """After some frames of the same picture, as software encodes it."""
    height, width = picture.shape[:2]
    encoder, player = open_encoder(StreamFormat(*kind, width, height), hardware=False), Player(kind[0])
    for number in range(frames):
        frame = encoder.encode(picture, at_s=number / 30, bitrate_bps=RICH_BPS, keyframe=False)
        last = player.show(frame)
    encoder.close()
    return last


def test_signals_matrix_and_range(kind: tuple[Codec, Chroma]) -> None:
    seen = shown(kind, pictures.scene(0), frames=1)
    assert (seen.matrix, seen.full_range) == KINDS[kind]


def test_every_grey_stays_grey_and_within_a_level(kind: tuple[Codec, Chroma]) -> None:
    picture = pictures.grey_ramp()
    bgr = shown(kind, picture).bgr.astype(int)
    error = bgr - picture[:, :, :3]
    assert np.ptp(bgr, axis=2).max() == 0
    assert np.abs(error.mean(axis=(0, 2))).max() <= 1
    # A single pixel also has the noise of the quantiser, which VP8's own ceiling leaves a little larger.
    assert np.abs(error).max() <= (2 if kind[0] is Codec.VP8 else 1)


def test_a_moving_grey_scene_has_no_colour(kind: tuple[Codec, Chroma]) -> None:
    bgr = shown(kind, pictures.grey(pictures.scene(0))).bgr.astype(int)
    assert np.ptp(bgr, axis=2).max() <= 1


@pytest.mark.parametrize(
    "bgr", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 0), (40, 90, 200), (255,) * 3]
)
def test_plain_colours(kind: tuple[Codec, Chroma], bgr: tuple[int, int, int]) -> None:
    picture = np.full((128, 128, 4), 255, np.uint8)
    picture[:, :, :3] = bgr
    error = shown(kind, picture).bgr.astype(int) - picture[:, :, :3]
    assert np.abs(error).max() <= 3
