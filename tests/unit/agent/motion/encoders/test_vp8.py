"""The VP8 encoder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.agent.motion.encoders.vp8 import Vp8Encoder
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame
from tests.unit.agent.motion.encoders import sample_frames
from tests.unit.agent.motion.encoders.player import Player, psnr_db

pytestmark = pytest.mark.slow

FPS = 30


def vp8(width_px: int = 320, height_px: int = 192) -> Vp8Encoder:
    return Vp8Encoder(StreamFormat(Codec.VP8, Chroma.YUV420, width_px, height_px))


@pytest.fixture
def encoder() -> Iterator[Vp8Encoder]:
    encoder = vp8()
    yield encoder
    encoder.close()


def is_intra(frame: EncodedFrame) -> bool:
    """Whether the frame's tag says that it is a keyframe (RFC 6386, section 9.1)."""
    return frame.data[0] & 1 == 0


def test_keyframes_are_made_on_request_only(encoder: Vp8Encoder) -> None:
    wanted, player = {0, 40, 41}, Player(Codec.VP8)
    for number in range(90):
        pixels = sample_frames.scene(number) if number < 60 else sample_frames.noise(number)
        frame = encoder.encode(pixels, at_s=number / FPS, bitrate_bps=2_000_000, keyframe=number in wanted)
        assert frame.keyframe == is_intra(frame) == (number in wanted)
        player.show(frame)


def test_a_high_rate_gives_a_good_picture(encoder: Vp8Encoder) -> None:
    player = Player(Codec.VP8)
    for number in range(20):
        pixels = sample_frames.grey(sample_frames.scene(number))
        frame = encoder.encode(pixels, at_s=number / FPS, bitrate_bps=20_000_000, keyframe=False)
        shown = player.show(frame)
    assert psnr_db(pixels, shown) > 36


def test_the_rate_follows_without_a_keyframe(encoder: Vp8Encoder) -> None:
    """Also back at the rate that it was opened for, where libvpx follows durations only slowly."""
    number = itertools.count()
    for bitrate_bps in (3_000_000, 1_000_000, 3_000_000, 4_500_000, 3_000_000):
        sizes = []
        for _ in range(FPS):
            at = next(number)
            frame = encoder.encode(
                sample_frames.noise(at), at_s=at / FPS, bitrate_bps=bitrate_bps, keyframe=False
            )
            assert frame.keyframe == (at == 0)
            sizes.append(len(frame.data) * 8)
        assert 0.7 * bitrate_bps < np.mean(sizes[10:]) * FPS < 1.2 * bitrate_bps


class DroppingContext:
    """libvpx after a scene change: it drops the first frames."""

    def __init__(self, context: VideoCodecContext, drops: int) -> None:
        self._context = context
        self._drops = drops

    def encode(self, frame: VideoFrame) -> list[Packet[Any]]:
        if self._drops:
            self._drops -= 1
            return []
        return list(self._context.encode(frame))


@pytest.mark.parametrize("drops", [1, 2])
def test_a_dropped_frame_is_encoded_again_once(
    encoder: Vp8Encoder, drops: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = encoder._open
    monkeypatch.setattr(encoder, "_open", lambda rate_bps: DroppingContext(opened(rate_bps), drops))
    if drops == 1:
        frame = encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=2_000_000, keyframe=True)
        assert frame.keyframe
        Player(Codec.VP8).show(frame)
    else:
        with pytest.raises(EncoderError, match="0 packets"):
            encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=2_000_000, keyframe=True)


def test_a_very_different_rate_reopens_the_encoder_and_the_stream_goes_on(encoder: Vp8Encoder) -> None:
    player, keyframes = Player(Codec.VP8), []
    for number, bitrate_bps in enumerate([8_000_000] * 5 + [500_000] * 5 + [6_000_000] * 5):
        frame = encoder.encode(
            sample_frames.scene(number), at_s=number / FPS, bitrate_bps=bitrate_bps, keyframe=False
        )
        player.show(frame)
        keyframes += [number] * frame.keyframe
    assert keyframes == [0, 5, 10]


def test_a_still_costs_next_to_nothing(encoder: Vp8Encoder) -> None:
    still = sample_frames.scene(0)
    sizes = [
        len(encoder.encode(still, at_s=n / FPS, bitrate_bps=20_000_000, keyframe=False).data)
        for n in range(40)
    ]
    assert max(sizes[25:]) < 300


def test_a_view_is_encoded_like_a_copy() -> None:
    view = sample_frames.scene(0)
    assert not view.flags.c_contiguous
    copied, viewed = (
        vp8().encode(pixels, at_s=0, bitrate_bps=5_000_000, keyframe=True)
        for pixels in (np.ascontiguousarray(view), view)
    )
    assert copied == viewed


@pytest.mark.parametrize(
    ("width_px", "height_px"), [(64, 64), (66, 1000), pytest.param(4096, 2560, marks=pytest.mark.nightly)]
)
def test_sizes_from_tiny_to_huge(width_px: int, height_px: int) -> None:
    encoder, player = vp8(width_px, height_px), Player(Codec.VP8)
    for number in range(2):
        pixels = sample_frames.scene(number, width_px, height_px)
        frame = encoder.encode(pixels, at_s=number / FPS, bitrate_bps=50_000_000, keyframe=False)
        assert player.show(frame).bgr.shape == (height_px, width_px, 3)


def test_odd_sides_and_444_are_refused() -> None:
    with pytest.raises(EncoderError, match="even"):
        vp8(321, 192)
    with pytest.raises(EncoderError, match=r"4:2:0"):
        Vp8Encoder(StreamFormat(Codec.VP8, Chroma.YUV444, 320, 192))


def test_an_encoder_may_be_closed_twice_but_not_used_afterwards(encoder: Vp8Encoder) -> None:
    encoder.close()
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=1_000_000, keyframe=False)


def test_closing_during_a_call_lets_the_call_finish(
    encoder: Vp8Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = encoder._converter.frame

    def closing(pixels: sample_frames.Pixels) -> VideoFrame:
        encoder.close()
        return converted(pixels)

    monkeypatch.setattr(encoder._converter, "frame", closing)
    assert encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=2_000_000, keyframe=False).keyframe
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode(sample_frames.scene(1), at_s=1, bitrate_bps=2_000_000, keyframe=False)
