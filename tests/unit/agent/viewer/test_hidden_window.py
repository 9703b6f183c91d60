"""A viewer whose window is hidden is sent neither tiles nor video, until the window is visible again."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.geometry import Rect
from display_server.agent.streams import frame_encoder, video_connection
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.monitors import Monitor
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.video import FakeEncoder, FakePeer
from tests.fakes.viewer import FakeViewer

pytestmark = pytest.mark.slow

#: Long enough for many frames, if any were sent, s.
WATCH_S = 0.3


async def set_visible(viewer: FakeViewer, *, visible: bool) -> None:
    """Tells the agent, and waits until the agent handled it."""
    pongs = len(viewer.received("pong"))
    await viewer.send(type="view", visible=visible, scaled=False, ratio=1.0)
    await viewer.send(type="ping", t=0.0)
    await viewer.until(lambda: len(viewer.received("pong")) > pongs)


async def draw(running: RunningAgent, seconds: float) -> None:
    random = np.random.default_rng(4)
    for number in range(int(seconds * 60)):
        x, y = int(random.integers(0, 400)), int(random.integers(0, 200))
        running.source.fill(Rect(x, y, 200, 150), number * 40_503 % (1 << 24))
        await asyncio.sleep(1 / 60)


async def test_sends_no_updates_while_hidden_and_everything_afterwards() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await set_visible(viewer, visible=False)
        updates = len(viewer.updates)
        await draw(running, WATCH_S)
        assert len(viewer.updates) == updates
        assert not viewer.shows(running.frame)
        await set_visible(viewer, visible=True)
        await viewer.until_exact(running.frame)
        assert not any(flags & 1 for _, flags, _ in viewer.updates[updates:]), "the surface was kept"
        assert running.agent.metrics.mismatches == 0


async def test_never_claims_to_be_exact_while_hidden() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await set_visible(viewer, visible=False)
        assert viewer.state == "refining"
        states = len(viewer.received("state"))
        running.source.fill(Rect(0, 0, 99, 99), 0xABCDEF)
        await viewer.until(lambda: len(viewer.received("state")) > states)  # sent every 2 s
        assert "exact" not in [message["state"] for message in viewer.received("state")[states - 1 :]]
        await set_visible(viewer, visible=True)
        await viewer.until_exact(running.frame)


async def test_is_exact_at_once_if_nothing_changed_while_hidden() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await set_visible(viewer, visible=False)
        updates = len(viewer.updates)
        await set_visible(viewer, visible=True)
        await viewer.until(lambda: viewer.state == "exact")
        assert len(viewer.updates) == updates


async def test_other_viewers_go_on() -> None:
    async with (
        running_agent() as running,
        FakeViewer(running.socket, name="hidden") as hidden,
        FakeViewer(running.socket, name="visible") as visible,
    ):
        for viewer in (hidden, visible):
            await viewer.until_exact(running.frame)
        await set_visible(hidden, visible=False)
        updates = len(hidden.updates)
        await draw(running, WATCH_S)
        await visible.until_exact(running.frame)
        assert len(hidden.updates) == updates
        await set_visible(hidden, visible=True)
        await hidden.until_exact(running.frame)


async def test_a_refresh_while_hidden_is_answered_when_visible() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await set_visible(viewer, visible=False)
        updates = len(viewer.updates)
        await viewer.send(type="refresh", monitor=0)
        await draw(running, WATCH_S)
        assert len(viewer.updates) == updates
        await set_visible(viewer, visible=True)
        await viewer.until(lambda: len(viewer.updates) > updates)
        assert viewer.updates[updates][1] & 1, "the next update resets"
        await viewer.until_exact(running.frame)


async def test_is_not_captured_while_every_viewer_is_hidden() -> None:
    async with running_agent() as running, FakeViewer(running.socket) as viewer:
        await viewer.until_exact(running.frame)
        await set_visible(viewer, visible=False)
        captures = running.agent.metrics.captures
        await draw(running, WATCH_S)
        assert running.agent.metrics.captures == captures


async def test_is_not_exact_before_damage_of_the_hidden_time_was_captured() -> None:
    """While nobody watches, damage is not fetched: a monitor without known damage may have changed."""
    left_monitor = Monitor(0, 0, 0, 512, 400, primary=True)
    right_monitor = Monitor(1, 512, 0, 512, 400)
    async with (
        running_agent(monitors=(left_monitor, right_monitor)) as running,
        FakeViewer(running.socket) as left,
        FakeViewer(running.socket, monitor=1) as right,
    ):
        await left.until_exact(running.frame[:, :512])
        await right.until_exact(running.frame[:, 512:])
        for viewer in (left, right):
            await set_visible(viewer, visible=False)
        running.source.fill(Rect(0, 0, 99, 99), 0xABCDEF)
        await asyncio.sleep(0.05)  # the damage to the left monitor is noticed, and no more is fetched
        running.source.fill(Rect(600, 0, 99, 99), 0xABCDEF)
        await set_visible(right, visible=True)
        await right.until(lambda: right.state == "exact")
        assert right.shows(running.frame[:, 512:])


def film_frame(number: int) -> NDArray[np.uint8]:
    grey = np.random.default_rng(number).integers(0, 256, (640, 640, 1), np.uint8)
    return np.repeat(grey, 3, axis=2)


async def test_sends_no_video_while_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    FakePeer.created = []
    FakeEncoder.fails = False
    monkeypatch.setattr(video_connection, "Peer", FakePeer)
    monkeypatch.setattr(frame_encoder, "open_encoder", FakeEncoder)
    video = VideoSettings(policy="economy", addresses=["127.0.0.1"])

    async with (
        running_agent(SyntheticSource(1280, 800), video=video) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):

        async def play() -> None:
            for number in range(100_000):
                running.source.draw(64, 64, film_frame(number % 8))
                await asyncio.sleep(1 / 60)

        def playing() -> bool:
            regions = viewer.received("video")
            return bool(regions) and regions[-1]["number"] > 0

        film = asyncio.create_task(play())
        await viewer.until(lambda: bool(viewer.received("peer")), 20)
        await viewer.send(type="offer", sdp="offer")
        await viewer.until(lambda: playing() and bool(FakePeer.created[-1].sent), 20)
        await set_visible(viewer, visible=False)
        frames, updates = len(FakePeer.created[-1].sent), len(viewer.updates)
        assert not playing(), "the viewer was notified that no region is video"
        assert viewer.state == "lossy"
        await asyncio.sleep(WATCH_S)
        assert (len(FakePeer.created[-1].sent), len(viewer.updates)) == (frames, updates)
        await set_visible(viewer, visible=True)
        await viewer.until(lambda: playing() and len(FakePeer.created[-1].sent) > frames, 20)
        film.cancel()
        await viewer.until_exact(running.frame, 20)
        assert running.agent.metrics.mismatches == 0
