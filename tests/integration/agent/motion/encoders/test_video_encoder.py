"""Choice of an encoder, and the error if none works."""

from __future__ import annotations

import subprocess
import sys

import pytest

from display_server.agent.motion.encoders import video_encoder
from display_server.agent.motion.encoders.h264 import H264Encoder
from display_server.agent.motion.encoders.h264_library import LIBX264, Library
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.agent.motion.encoders.video_encoder import open_encoder, probe_encoders
from display_server.protocol.video_format import Chroma, Codec
from tests.unit.agent.motion.encoders import sample_frames

STREAM = StreamFormat(Codec.H264, Chroma.YUV444, 320, 192)


def test_every_encoder_is_reported_with_its_problem() -> None:
    probes = {(probe.name, probe.chroma): probe for probe in probe_encoders()}
    assert {name for name, _ in probes} == {"libx264", "h264_nvenc", "h264_qsv", "libvpx"}
    for name in ("libx264", "libvpx"):
        assert probes[name, Chroma.YUV420].works
        assert not probes[name, Chroma.YUV420].hardware
    assert probes["libx264", Chroma.YUV444].works
    for probe in probes.values():
        assert probe.works == (probe.problem == "")
        assert probe.works or len(probe.problem) > 10


def test_libx264_is_used_without_hardware() -> None:
    encoder = open_encoder(STREAM, hardware=False)
    frame = encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=5_000_000, keyframe=False)
    assert frame.keyframe
    assert b"x264" in frame.data


def test_hardware_that_does_not_encode_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every wheel of PyAV contains these encoders, but few hosts have the device."""
    broken = Library("h264_v4l2m2m", True, LIBX264.profiles, {})
    monkeypatch.setattr(video_encoder, "LIBRARIES", (broken, LIBX264))
    opened = open_encoder(STREAM)
    assert isinstance(opened, H264Encoder)
    assert opened.library is LIBX264
    assert [probe.works for probe in probe_encoders() if probe.codec is Codec.H264] == [
        False,
        False,
        True,
        True,
    ]


def test_the_error_says_why_no_encoder_works(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Library("no_such_encoder", False, LIBX264.profiles, {})
    monkeypatch.setattr(video_encoder, "LIBRARIES", (broken,))
    with pytest.raises(EncoderError, match=r"no_such_encoder.*no_such_encoder"):
        open_encoder(STREAM)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (StreamFormat(Codec.H264, Chroma.YUV420, 321, 192), "even"),
        (StreamFormat(Codec.H264, Chroma.YUV444, 320, 32), "64"),
        (StreamFormat(Codec.H264, Chroma.YUV444, 20_000, 320), "16383"),
        (StreamFormat(Codec.VP8, Chroma.YUV444, 320, 192), "H.264"),
    ],
)
def test_impossible_streams_are_refused(stream: StreamFormat, message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        open_encoder(stream)


def test_errors_of_ffmpeg_become_encoder_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {**LIBX264.options, "preset": "no such preset"}
    encoder = H264Encoder(STREAM, Library("libx264", False, LIBX264.profiles, options))
    with pytest.raises(EncoderError, match="libx264"):
        encoder.encode(sample_frames.scene(0), at_s=0, bitrate_bps=5_000_000, keyframe=False)
    encoder.close()


WITHOUT_AV = """
import sys
sys.modules["av"] = None  # what an import finds when the package is not installed
import display_server.agent.motion.encoders.video_encoder as video
from display_server.agent.motion.encoders import colour, h264, h264_library, frame_budget, h264_profile, vp8
from display_server.agent.motion.encoders.stream_format import EncoderError, StreamFormat
from display_server.protocol.video_format import Chroma, Codec
for codec in Codec:
    try:
        video.open_encoder(StreamFormat(codec, Chroma.YUV420, 320, 192))
    except EncoderError as error:
        assert "its extra `motion`" in str(error), error
    else:
        raise SystemExit(f"{codec} without PyAV")
assert [probe.works for probe in video.probe_encoders()] == [False] * 6, video.probe_encoders()
"""


def test_modules_import_without_pyav_and_the_error_says_how_to_install_it() -> None:
    result = subprocess.run([sys.executable, "-c", WITHOUT_AV], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
