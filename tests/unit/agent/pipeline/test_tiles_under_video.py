"""Tiles that every viewer gets as video are hashed only when a viewer is to get them as tiles."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from display_server.agent.capture.synthetic import SyntheticSource
from display_server.agent.streams import frame_encoder, video_connection
from display_server.agent.transport.webrtc.peer import PeerState
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoSettings
from tests.fakes.agent import RunningAgent, running_agent
from tests.fakes.video import FakeEncoder, FakePeer
from tests.fakes.viewer import FakeViewer

pytestmark = pytest.mark.slow

ECONOMY = VideoSettings(policy="economy", addresses=["127.0.0.1"])
SIDE = 640


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    FakePeer.created = []
    monkeypatch.setattr(video_connection, "Peer", FakePeer)
    monkeypatch.setattr(frame_encoder, "open_encoder", FakeEncoder)


class Film:
    """Plays on the desktop until `stop`."""

    def __init__(self, running: RunningAgent) -> None:
        self._running = running
        self._random = np.random.default_rng(8)
        self._task = asyncio.create_task(self._play())

    async def _play(self) -> None:
        while True:
            grey = self._random.integers(0, 256, (SIDE, SIDE, 1), np.uint8)
            self._running.source.draw(64, 64, np.repeat(grey, 3, axis=2))
            await asyncio.sleep(1 / 60)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def start_video(viewer: FakeViewer) -> None:
    """Answers the request for an offer, and waits until video replaces tiles."""
    await viewer.until(lambda: bool(viewer.received("peer")), 20)
    await viewer.send(type="offer", sdp="offer")
    await viewer.until(lambda: any(message["number"] for message in viewer.received("video")), 20)


def shadow_of(running: RunningAgent) -> Shadow:
    return running.agent.screen.frames[0].shadow


async def until_stale(running: RunningAgent) -> None:
    for _ in range(1000):
        if shadow_of(running).stale.any():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("every tile was hashed")


async def test_is_exact_after_the_motion() -> None:
    async with (
        running_agent(SyntheticSource(1280, 800), video=ECONOMY) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        film = Film(running)
        await start_video(viewer)
        await until_stale(running)
        await film.stop()
        await viewer.until_exact(running.frame, 20)
        assert not shadow_of(running).stale.any()
        assert running.agent.metrics.mismatches == 0


async def test_a_viewer_without_video_gets_every_tile() -> None:
    async with (
        running_agent(SyntheticSource(1280, 800), video=ECONOMY, share=True) as running,
        FakeViewer(running.socket, video=True, name="moving") as moving,
    ):
        film = Film(running)
        await start_video(moving)
        await until_stale(running)
        async with FakeViewer(running.socket, name="still") as still:
            seen = len(still.updates)
            await still.until(lambda: len(still.updates) > seen + 5, 20)
            assert not shadow_of(running).stale.any()
            await film.stop()
            await still.until_exact(running.frame, 20)
            await moving.until_exact(running.frame, 20)
        assert running.agent.metrics.mismatches == 0


async def test_is_exact_after_the_video_connection_broke() -> None:
    async with (
        running_agent(SyntheticSource(1280, 800), video=ECONOMY) as running,
        FakeViewer(running.socket, video=True) as viewer,
    ):
        film = Film(running)
        await start_video(viewer)
        await until_stale(running)
        FakePeer.created[-1].become(PeerState.FAILED)
        await viewer.until(lambda: viewer.received("video")[-1]["number"] == 0, 20)
        await film.stop()
        await viewer.until_exact(running.frame, 20)
        assert running.agent.metrics.mismatches == 0
