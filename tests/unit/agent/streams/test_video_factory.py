"""Video support is loaded when a viewer needs it, and not before."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.streams import video_factory, video_stream
from display_server.agent.streams.video_factory import VideoFactory
from display_server.desktop.video_settings import VideoPolicy, VideoSettings, known_policy, parse_policies
from display_server.desktop.x11.monitors import Monitor
from display_server.protocol.close_codes import CloseCode
from tests.fakes.agent import LoopbackNetworks, RunningAgent, running_agent
from tests.fakes.viewer import FakeViewer

pytestmark = pytest.mark.slow

#: A screen that is large enough for a motion region.
SIZE_PX = (1024, 768)


def settings(policy: VideoPolicy, *addresses: str) -> VideoSettings:
    return VideoSettings(policy=policy, addresses=list(addresses))


def noise(width_px: int, height_px: int, seed: int = 2) -> NDArray[np.uint8]:
    grey = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 1), np.uint8)
    return np.repeat(grey, 3, axis=2)


async def play_film(running: RunningAgent, frames: int, pause_s: float = 0.02) -> None:
    for number in range(frames):
        running.source.draw(0, 0, noise(640, 640, number))
        await asyncio.sleep(pause_s)


async def test_asks_a_viewer_that_is_too_slow_for_tiles() -> None:
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=settings("adaptive", "127.0.0.1")) as running,
        FakeViewer(running.socket, video=True, ack_delay_s=0.25) as viewer,
    ):
        await viewer.until(lambda: viewer.epoch > 0)
        assert viewer.received("peer") == []
        await play_film(running, 120)
        await viewer.until(lambda: bool(viewer.received("peer")))
        assert viewer.received("video") == [], "without a connection, tiles bring everything"


async def test_a_still_desktop_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> object:
        raise AssertionError("nobody requested video")

    monkeypatch.setattr(video_factory, "_load_support", load)
    # On a busy host even this link looks slow, and a slow link alone is a reason to load.
    monkeypatch.setattr(video_stream, "LONG_ROUND_TRIP_S", float("inf"))
    monkeypatch.setattr(video_stream, "NARROW_LINK_BYTES_PER_S", 0)
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=settings("adaptive", "127.0.0.1")) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        await viewer.until_exact(running.frame)
        running.source.draw(0, 0, np.full((640, 640, 3), 90, np.uint8))
        await viewer.until_exact(running.frame)
        assert viewer.received("peer") == []


@pytest.mark.parametrize("limit", ["LONG_ROUND_TRIP_S", "NARROW_LINK_BYTES_PER_S"])
async def test_a_slow_link_is_prepared_before_anything_moves(
    limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every link is slow here: each round trip is longer than 0, and each rate below infinity."""
    monkeypatch.setattr(video_stream, "LONG_ROUND_TRIP_S", 0.0 if limit == "LONG_ROUND_TRIP_S" else 1e9)
    monkeypatch.setattr(
        video_stream, "NARROW_LINK_BYTES_PER_S", 1e18 if limit == "NARROW_LINK_BYTES_PER_S" else 0
    )
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=settings("adaptive", "127.0.0.1")) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        running.source.draw(0, 0, noise(640, 640))
        await viewer.until(lambda: bool(viewer.received("peer")))


async def test_economy_asks_every_viewer_at_once() -> None:
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=settings("economy", "127.0.0.1")) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        await viewer.until(lambda: bool(viewer.received("peer")))


@pytest.mark.parametrize(
    ("wanted", "capable"),
    [
        (settings("exact", "127.0.0.1"), True),
        (settings("economy"), True),
        (settings("economy", "127.0.0.1"), False),
    ],
    ids=["exact", "without an address", "a viewer that cannot show video"],
)
async def test_asks_no_viewer_that_may_not_or_cannot_show_video(wanted: VideoSettings, capable: bool) -> None:
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=wanted) as running,
        FakeViewer(running.socket, video=capable, ack_delay_s=0.25) as viewer,
    ):
        await viewer.until(lambda: viewer.epoch > 0)
        await play_film(running, 40)
        assert viewer.received("peer") == []


async def test_each_monitor_has_its_own_policy() -> None:
    wanted = VideoSettings(policy="exact", monitors={1: "economy"}, addresses=["127.0.0.1"])
    monitors = Monitor(0, 0, 0, 1024, 768, primary=True), Monitor(1, 1024, 0, 1024, 768)
    async with (
        running_agent(monitors=monitors, video=wanted) as running,
        FakeViewer(running.socket, video=True, ack_delay_s=0.25) as diagnostic,
        FakeViewer(running.socket, video=True, monitor=1) as other,
    ):
        await other.until(lambda: bool(other.received("peer")))
        await play_film(running, 40)
        await diagnostic.send(type="ping", t=0.0)
        await diagnostic.until(lambda: bool(diagnostic.received("pong")))
        assert diagnostic.received("peer") == []
        await diagnostic.send(type="offer", sdp="v=0")  # nobody asked for an offer
        await diagnostic.until(lambda: diagnostic.close_code == CloseCode.PROTOCOL_VIOLATION)


def test_the_policy_of_a_viewer_replaces_that_of_the_desktop_and_not_that_of_a_monitor() -> None:
    factory = VideoFactory(
        VideoSettings(policy="adaptive", monitors={1: "exact"}, addresses=["127.0.0.1"]), LoopbackNetworks()
    )
    assert [factory.enabled_on(0), factory.enabled_on(0, "exact"), factory.enabled_on(1, "economy")] == [
        True,
        False,
        False,
    ]
    exact = VideoFactory(VideoSettings(policy="exact", addresses=["127.0.0.1"]), LoopbackNetworks())
    assert [exact.enabled_on(0), exact.enabled_on(0, "adaptive")] == [False, True]


def test_settings_for_one_monitor() -> None:
    mixed = VideoSettings(policy="adaptive", monitors={0: "exact", 1: "economy"}, addresses=["127.0.0.1"])
    assert [mixed.for_monitor(number).policy for number in range(3)] == ["exact", "economy", "adaptive"]
    assert [mixed.for_monitor(number).enabled for number in range(3)] == [False, True, True]
    assert [mixed.for_monitor(number).average_bps for number in (1, 2)] == [8_000_000, 20_000_000]
    assert (mixed.enabled, mixed.preload) == (True, True)
    exact = VideoSettings(
        policy="adaptive", monitors=dict.fromkeys(range(6), "exact"), addresses=["127.0.0.1"]
    )
    assert (exact.enabled, exact.preload) == (True, False), "the desktop may get a monitor that allows video"
    assert msgspec.json.decode(msgspec.json.encode(mixed), type=VideoSettings) == mixed
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"monitors": {"6": "exact"}}', type=VideoSettings)
    assert [known_policy(text) for text in ("economy", "something newer", "")] == [
        "economy",
        "exact",
        "exact",
    ]


def test_parses_policies_of_the_command_line() -> None:
    assert parse_policies("economy") == ("economy", {})
    assert parse_policies("adaptive,0=exact,1=economy") == ("adaptive", {"0": "exact", "1": "economy"})
    for wrong, said in (
        ("lossless", "no policy 'lossless'"),
        ("adaptive,0", "no policy ''"),
        ("adaptive,0=never", "no policy 'never'"),
        ("adaptive,9=exact", "'9' is no monitor"),
        ("", "no policy ''"),
    ):
        with pytest.raises(ValueError, match=said):
            parse_policies(wrong)


async def test_uses_tiles_on_a_host_without_video_support(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> object:
        raise ImportError("no module named av")

    monkeypatch.setattr(video_factory, "_load_support", load)
    async with (
        running_agent(SyntheticSource(*SIZE_PX), video=settings("economy", "127.0.0.1")) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        await play_film(running, 20)
        await viewer.until_exact(running.frame)
        assert viewer.received("peer") == []
