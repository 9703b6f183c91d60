"""The H.264 encoder: profile as in SDP, keyframes on request, and the wanted rate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from av.video.frame import VideoFrame

from display_server.agent.motion.encoders.h264 import BUFFER_FRAMES, H264Encoder
from display_server.agent.motion.encoders.h264_profile import profile_level_id
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame
from tests.unit.agent.motion.encoders import sample_frames
from tests.unit.agent.motion.encoders.player import Player, psnr_db

pytestmark = pytest.mark.slow

FPS = 30
SPS, PPS, IDR, SLICE = 7, 8, 5, 1
HIGH_BPS = 20_000_000


def nal_units(frame: EncodedFrame) -> list[bytes]:
    """Returns the NAL units without start codes."""
    units = frame.data.split(b"\x00\x00\x01")[1:]
    return [unit.rstrip(b"\x00") for unit in units]


def nal_types(frame: EncodedFrame) -> list[int]:
    return [unit[0] & 0x1F for unit in nal_units(frame)]


def h264(chroma: Chroma, width_px: int = 320, height_px: int = 192) -> H264Encoder:
    return H264Encoder(StreamFormat(Codec.H264, chroma, width_px, height_px))


@pytest.fixture(params=list(Chroma), ids=lambda chroma: str(chroma.value))
def chroma(request: pytest.FixtureRequest) -> Chroma:
    assert isinstance(request.param, Chroma)
    return request.param


@pytest.fixture
def encoder(chroma: Chroma) -> Iterator[H264Encoder]:
    encoder = h264(chroma)
    yield encoder
    encoder.close()


def encoded(
    encoder: H264Encoder, numbers: range, *, bitrate_bps: int = HIGH_BPS, keyframe: bool = False
) -> Iterator[EncodedFrame]:
    for number in numbers:
        pixels = sample_frames.scene(number, encoder.stream.width_px, encoder.stream.height_px)
        yield encoder.encode(pixels, at_s=number / FPS, bitrate_bps=bitrate_bps, keyframe=keyframe)


@pytest.mark.parametrize(("width_px", "height_px"), [(64, 64), (320, 192), (1280, 720), (1920, 1080)])
def test_the_parameter_set_agrees_with_sdp(chroma: Chroma, width_px: int, height_px: int) -> None:
    (first,) = encoded(h264(chroma, width_px, height_px), range(1))
    (parameters,) = (unit for unit in nal_units(first) if unit[0] & 0x1F == SPS)
    assert parameters[1:4].hex() == profile_level_id(StreamFormat(Codec.H264, chroma, width_px, height_px))
    assert parameters[1:3].hex() == {Chroma.YUV420: "42e0", Chroma.YUV444: "f400"}[chroma]


def test_the_first_frame_is_a_keyframe_with_parameter_sets_and_one_slice(encoder: H264Encoder) -> None:
    first, second = encoded(encoder, range(2))
    assert first.keyframe
    assert [kind for kind in nal_types(first) if kind in (SPS, PPS, IDR)] == [SPS, PPS, IDR]
    assert not second.keyframe
    assert nal_types(second) == [SLICE]


def test_keyframes_are_made_on_request_only(encoder: H264Encoder) -> None:
    wanted = {0, 40, 41}
    cut = 60  # a scene change: nothing of the frame before can be used
    player = Player(Codec.H264)
    for number in range(90):
        pixels = sample_frames.scene(number) if number < cut else sample_frames.noise(number)
        frame = encoder.encode(pixels, at_s=number / FPS, bitrate_bps=2_000_000, keyframe=number in wanted)
        assert frame.keyframe == (IDR in nal_types(frame)) == (SPS in nal_types(frame)) == (number in wanted)
        player.show(frame)


def test_a_keyframe_starts_a_decoder_that_saw_nothing_before(encoder: H264Encoder) -> None:
    for _ in encoded(encoder, range(10)):
        pass
    late = Player(Codec.H264)
    for number, keyframe in ((10, True), (11, False)):
        (frame,) = encoded(encoder, range(number, number + 1), keyframe=keyframe)
        shown = late.show(frame)
    assert psnr_db(sample_frames.scene(11), shown) > 25


def test_a_high_rate_gives_a_good_picture(encoder: H264Encoder, chroma: Chroma) -> None:
    player = Player(Codec.H264)
    for frame in encoded(encoder, range(20)):
        shown = player.show(frame)
    # 4:2:0 loses colour detail before the encoder sees it, so its limit is lower.
    floor_db = {Chroma.YUV420: 30, Chroma.YUV444: 36}[chroma]
    assert psnr_db(sample_frames.scene(19), shown) > floor_db


def test_coloured_text_needs_444() -> None:
    pixels, db = sample_frames.coloured_text(), {}
    for chroma in Chroma:
        encoder, player = h264(chroma), Player(Codec.H264)
        for number in range(5):
            shown = player.show(
                encoder.encode(pixels, at_s=number / FPS, bitrate_bps=HIGH_BPS, keyframe=False)
            )
        db[chroma] = psnr_db(pixels, shown)
    assert db[Chroma.YUV444] > db[Chroma.YUV420] + 10


def test_the_rate_follows_and_large_changes_cost_a_keyframe(encoder: H264Encoder) -> None:
    """The mean is right within a second, and no frame is far too large from the first on."""
    number = itertools.count()
    for bitrate_bps in (4_000_000, 1_000_000, 8_000_000, 500_000, 2_000_000):
        sizes = []
        for _ in range(FPS):
            at = next(number)
            pixels = sample_frames.noise(at)
            frame = encoder.encode(pixels, at_s=at / FPS, bitrate_bps=bitrate_bps, keyframe=False)
            assert frame.keyframe == (at % FPS == 0)
            sizes.append(len(frame.data) * 8)
        share = bitrate_bps / FPS
        assert 0.7 * share < np.mean(sizes[5:]) < 1.15 * share
        assert max(sizes[1:]) < BUFFER_FRAMES * 1.2 * share


@pytest.mark.parametrize("fps", [10, 60])
def test_the_rate_is_bits_per_second_at_any_frame_rate(fps: int) -> None:
    encoder, sizes = h264(Chroma.YUV420), []
    for number in range(3 * fps):
        frame = encoder.encode(
            sample_frames.noise(number), at_s=number / fps, bitrate_bps=2_000_000, keyframe=False
        )
        sizes.append(len(frame.data) * 8)
    assert 0.7 * 2_000_000 < np.mean(sizes[2 * fps :]) * fps < 1.15 * 2_000_000


def test_a_keyframe_fits_the_rate_too(encoder: H264Encoder) -> None:
    list(encoded(encoder, range(30), bitrate_bps=1_000_000))
    (key,) = encoded(encoder, range(30, 31), bitrate_bps=1_000_000, keyframe=True)
    assert len(key.data) * 8 < BUFFER_FRAMES * 1.2 * 1_000_000 / FPS


def test_a_still_costs_next_to_nothing(encoder: H264Encoder) -> None:
    still = sample_frames.scene(0)
    sizes = [
        len(encoder.encode(still, at_s=n / FPS, bitrate_bps=HIGH_BPS, keyframe=False).data) for n in range(30)
    ]
    assert max(sizes[15:]) < 200


def test_quality_has_an_upper_limit(encoder: H264Encoder) -> None:
    """Ten times the rate gives hardly more bits: differences that nobody sees are not encoded."""
    total = {
        bitrate_bps: sum(
            len(f.data) for f in encoded(h264(encoder.stream.chroma), range(30), bitrate_bps=bitrate_bps)
        )
        for bitrate_bps in (20_000_000, 200_000_000)
    }
    assert total[200_000_000] < 1.2 * total[20_000_000]


def test_a_view_is_encoded_like_a_copy(chroma: Chroma) -> None:
    """Views of a framebuffer, and views with reversed columns, are read correctly."""
    framebuffer = np.zeros((400, 700, 4), np.uint8)
    framebuffer[100:292, 50:370] = sample_frames.scene(0)
    views = (framebuffer[100:292, 50:370], np.ascontiguousarray(sample_frames.scene(0)[:, ::-1])[:, ::-1])
    for view in views:
        assert not view.flags.c_contiguous
        copied, viewed = (
            h264(chroma).encode(pixels, at_s=0, bitrate_bps=HIGH_BPS, keyframe=True)
            for pixels in (np.ascontiguousarray(view), view)
        )
        assert copied == viewed


def test_only_444_allows_odd_sides() -> None:
    with pytest.raises(EncoderError, match="even"):
        h264(Chroma.YUV420, 321, 192)
    pixels = sample_frames.scene(0, 321, 193)
    frame = h264(Chroma.YUV444, 321, 193).encode(pixels, at_s=0, bitrate_bps=HIGH_BPS, keyframe=True)
    assert psnr_db(pixels, Player(Codec.H264).show(frame)) > 30


@pytest.mark.parametrize(
    ("width_px", "height_px"), [(64, 64), (66, 1000), pytest.param(4096, 2560, marks=pytest.mark.nightly)]
)
def test_sizes_from_tiny_to_huge(chroma: Chroma, width_px: int, height_px: int) -> None:
    encoder, player = h264(chroma, width_px, height_px), Player(Codec.H264)
    for frame in encoded(encoder, range(2), bitrate_bps=100_000_000):
        assert player.show(frame).bgr.shape == (height_px, width_px, 3)


def test_a_frame_of_another_size_is_refused_and_the_stream_goes_on(encoder: H264Encoder) -> None:
    with pytest.raises(EncoderError, match="192"):
        encoder.encode(sample_frames.scene(0, 320, 190), at_s=0, bitrate_bps=HIGH_BPS, keyframe=False)
    (frame,) = encoded(encoder, range(1))
    assert frame.keyframe


def test_an_encoder_may_be_closed_twice_but_not_used_afterwards(encoder: H264Encoder) -> None:
    list(encoded(encoder, range(2)))
    encoder.close()
    encoder.close()
    with pytest.raises(EncoderError, match="closed"):
        list(encoded(encoder, range(1)))


def test_small_changes_of_the_rate_cost_no_keyframe(encoder: H264Encoder) -> None:
    player, rates = Player(Codec.H264), [4_000_000] * 5 + [3_800_000] * 5 + [4_200_000] * 5 + [1_000_000] * 5
    keyframes = []
    for number, bitrate_bps in enumerate(rates):
        (frame,) = encoded(encoder, range(number, number + 1), bitrate_bps=bitrate_bps)
        player.show(frame)
        keyframes += [number] * frame.keyframe
    assert keyframes == [0, 15]


def test_a_requested_keyframe_takes_a_small_change_of_the_rate_with_it(encoder: H264Encoder) -> None:
    list(encoded(encoder, range(10), bitrate_bps=4_000_000))
    opened = encoder._context
    list(encoded(encoder, range(10, 11), bitrate_bps=4_040_000, keyframe=True))
    assert encoder._context is opened
    list(encoded(encoder, range(11, 12), bitrate_bps=4_200_000, keyframe=True))
    assert encoder._context is not opened


def test_closing_during_a_call_lets_the_call_finish(
    encoder: H264Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = encoder._converter.frame

    def closing(pixels: sample_frames.Pixels) -> VideoFrame:
        encoder.close()
        return converted(pixels)

    monkeypatch.setattr(encoder._converter, "frame", closing)
    assert encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=2_000_000, keyframe=False).keyframe
    with pytest.raises(EncoderError, match="closed"):
        encoder.encode(sample_frames.scene(1), at_s=1, bitrate_bps=2_000_000, keyframe=False)
