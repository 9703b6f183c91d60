"""A player that follows the signalled matrix and range shows the right colours."""

from __future__ import annotations

import numpy as np
import pytest

from display_server.agent.motion.encoders.stream_format import StreamFormat
from display_server.agent.motion.encoders.video_encoder import open_encoder
from display_server.protocol.video_format import Chroma, Codec
from tests.unit.agent.motion.encoders import sample_frames
from tests.unit.agent.motion.encoders.player import Player, Shown
from tests.unit.agent.motion.encoders.sample_frames import Pixels

pytestmark = pytest.mark.slow

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


def shown(kind: tuple[Codec, Chroma], pixels: Pixels, frames: int = 8) -> Shown:
    """Returns the last of some frames of the same pixels, encoded in software."""
    height, width = pixels.shape[:2]
    encoder, player = open_encoder(StreamFormat(*kind, width, height), hardware=False), Player(kind[0])
    for number in range(frames):
        frame = encoder.encode(pixels, at_s=number / 30, bitrate_bps=RICH_BPS, keyframe=False)
        last = player.show(frame)
    encoder.close()
    return last


def test_signals_matrix_and_range(kind: tuple[Codec, Chroma]) -> None:
    decoded = shown(kind, sample_frames.scene(0), frames=1)
    assert (decoded.matrix, decoded.full_range) == KINDS[kind]


def test_every_grey_stays_grey_and_within_a_level(kind: tuple[Codec, Chroma]) -> None:
    pixels = sample_frames.grey_ramp()
    bgr = shown(kind, pixels).bgr.astype(int)
    error = bgr - pixels[:, :, :3]
    assert np.ptp(bgr, axis=2).max() == 0
    assert np.abs(error.mean(axis=(0, 2))).max() <= 1
    # A single pixel also has quantisation noise, which is a little larger with the finest quantiser of VP8.
    assert np.abs(error).max() <= (2 if kind[0] is Codec.VP8 else 1)


def test_a_moving_grey_scene_has_no_colour(kind: tuple[Codec, Chroma]) -> None:
    bgr = shown(kind, sample_frames.grey(sample_frames.scene(0))).bgr.astype(int)
    assert np.ptp(bgr, axis=2).max() <= 1


@pytest.mark.parametrize(
    "bgr", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 0), (40, 90, 200), (255,) * 3]
)
def test_plain_colours(kind: tuple[Codec, Chroma], bgr: tuple[int, int, int]) -> None:
    pixels = np.full((128, 128, 4), 255, np.uint8)
    pixels[:, :, :3] = bgr
    error = shown(kind, pixels).bgr.astype(int) - pixels[:, :, :3]
    assert np.abs(error).max() <= 3
