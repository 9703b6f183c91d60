"""Video of one viewer, with a connection that does as it is told."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from display_server.agent.motion.motion_detector import LinkEstimate, MotionDetector, MotionPolicy
from display_server.agent.streams import frame_encoder, video_stream
from display_server.agent.streams.video_stream import SHOWN_WITHIN_S, VideoStream, relays
from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.peer import PeerState
from display_server.agent.transport.webrtc.shared_link import SharedLink
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import TurnServer, VideoSettings
from display_server.protocol import messages as m
from display_server.protocol.video_format import Chroma, Codec
from display_server.telemetry.metrics import AgentMetrics
from tests.fakes.video import FakeEncoder, FakePeer

ABLE = frozenset({(Codec.VP8, Chroma.YUV420)})
#: By openssl.
EXPECTED = "Q5xz3OcPSHE5YULsNYwdxir13tE="
WAY = LinkEstimate(1e6, 700.0)


class Bench:
    """The ViewerSide of a video."""

    id = "v1"
    device = ""
    way = WAY
    backlog_s = 0.0

    def __init__(self) -> None:
        self.told: list[m.Peer | m.Answer | m.Video] = []
        self.shadow = Shadow(1280, 800, 1)
        self.now_s = time.monotonic()
        self.clock = lambda: self.now_s
        self.woken = 0
        self.metrics = AgentMetrics()
        self.shared = SharedLink()
        self.video = self.make()
        self.executor = ThreadPoolExecutor(1)

    def make(self) -> VideoStream:
        grid = self.shadow.grid
        return VideoStream(
            VideoSettings(policy="economy", addresses=["127.0.0.1"]),
            ABLE,
            self.shared,
            self,
            0,
            self.shadow,
            MotionDetector(grid.count, grid.columns, MotionPolicy.ECONOMY),
        )

    def tell(self, message: m.Peer | m.Answer | m.Video) -> None:
        self.told.append(message)

    def wake(self) -> None:
        self.woken += 1

    def datagram(self, data: bytes | None) -> None:
        raise AssertionError(f"the peer of this test brings none: {data!r}")

    @property
    def peer(self) -> FakePeer:
        return FakePeer.made[-1]

    async def connect(self) -> None:
        self.video.offered(m.Offer("offer"))
        await asyncio.sleep(0.01)

    async def play(self, pictures: int) -> None:
        tiles = np.arange(self.shadow.grid.count, dtype=np.int32)
        for _ in range(pictures):
            self.video.pictured(tiles, 0.0, self.now_s, taken=True)
            self.video.choose(WAY, self.now_s)
            await self.video.frame(tiles, self.now_s, self.executor)
            await self.encoded()
            self.now_s += 1 / 30

    async def encoded(self) -> None:
        """The frame under way is made and sent."""
        if (job := self.video._maker._job) is not None:
            await asyncio.wait([job])
            await asyncio.sleep(0)

    def videos(self) -> list[int]:
        return [message.number for message in self.told if isinstance(message, m.Video)]


def state_of(bench: Bench) -> str:
    return bench.video.state


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    FakePeer.made = []
    FakeEncoder.fails = False
    monkeypatch.setattr(video_stream, "Peer", FakePeer)
    monkeypatch.setattr(frame_encoder, "open_encoder", FakeEncoder)
    return Bench()


async def test_from_an_offer_to_frames_and_back(bench: Bench) -> None:
    bench.video.invite()
    await bench.connect()
    assert bench.told[:2] == [m.Peer([]), m.Answer("answer to offer")]
    assert bench.video.state == "ready"
    await bench.play(8)
    assert state_of(bench) == "playing"
    assert bench.videos() == [1]
    assert [frame.keyframe for frame in bench.peer.sent] == [True] + [False] * (len(bench.peer.sent) - 1)
    bench.now_s += 1
    assert bench.video.choose(WAY, bench.now_s)
    assert bench.video.region is None
    assert bench.videos() == [1, 0]
    await bench.play(8)
    assert bench.videos() == [1, 0, 2], "each motion has a number of its own"
    await bench.video.close()


async def test_what_moves_has_a_part_of_the_way_and_gives_it_back(bench: Bench) -> None:
    other = BandwidthEstimator(max_bps=20e6, start_bps=8e6)
    bench.shared.join(other)
    await bench.connect()
    await bench.play(8)
    mine = bench.peer.sender.estimator
    assert (other.estimate_bps, mine.estimate_bps) == (4e6, 4e6)
    bench.video.start_over()
    bench.shared.leave(other)
    assert mine.estimate_bps == 4e6, "it has nothing to send"
    bench.shared.join(other)
    await bench.play(8)
    assert len(bench.shared.members) == 2
    await bench.video.close()
    assert bench.shared.members == [other]


async def test_without_a_connection_nothing_is_video(bench: Bench) -> None:
    await bench.play(20)
    assert bench.video.region is None
    assert bench.told == []


async def test_a_lost_connection_ends_video_at_once(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    before = bench.woken
    bench.peer.become(PeerState.FAILED)
    assert bench.woken > before
    await bench.play(3)
    assert bench.videos()[-1] == 0
    assert bench.video.state == "failed"
    await bench.connect()
    assert state_of(bench) == "ready", "a new connection begins anew"
    assert (bench.metrics.video_connected, bench.metrics.video_failed) == (2, 1)
    await bench.video.close()


async def test_who_comes_back_by_itself_is_not_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_stream, "RETRY_S", 0.05)
    bench.video = bench.make()
    await bench.connect()
    bench.peer.become(PeerState.FAILED)
    await bench.connect()
    await asyncio.sleep(0.15)
    assert [message for message in bench.told if isinstance(message, m.Peer)] == []
    bench.peer.become(PeerState.FAILED)
    await asyncio.sleep(0.25)
    assert [message for message in bench.told if isinstance(message, m.Peer)] == [m.Peer([])]
    await bench.video.close()


async def test_of_two_offers_the_newer_is_answered(bench: Bench) -> None:
    bench.video.offered(m.Offer("first"))
    bench.video.offered(m.Offer("second"))
    await asyncio.sleep(0.01)
    assert [message for message in bench.told if isinstance(message, m.Answer)] == [
        m.Answer("answer to second")
    ]
    assert len([peer for peer in FakePeer.made if peer.state is not PeerState.CLOSED]) == 1
    await bench.video.close()


async def test_an_encoder_that_throws_leaves_tiles(bench: Bench) -> None:
    await bench.connect()
    FakeEncoder.fails = True
    await bench.play(8)
    assert bench.video.region is None
    assert bench.videos()[-1] == 0
    assert bench.video.state == "failed"
    await bench.video.close()


async def test_frames_that_nobody_shows_end_it(bench: Bench) -> None:
    await bench.connect()
    await bench.play(int(30 * (SHOWN_WITHIN_S + 1)))
    assert bench.videos() == [1, 0]
    assert bench.video.state == "failed"
    await bench.video.close()


async def test_frames_that_are_shown_go_on(bench: Bench) -> None:
    await bench.connect()
    for shown in range(1, 10):
        await bench.play(15)
        bench.video.played(m.Played(0, 1, shown * 10), bench.now_s)
    assert bench.videos() == [1]
    await bench.video.close()


async def test_a_full_way_gets_no_more(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    sent = len(bench.peer.sent)
    bench.peer.sender.backlog_s = 1.0
    await bench.play(8)
    assert len(bench.peer.sent) == sent
    assert bench.video.skipped == 8
    await bench.video.close()


async def test_the_first_frame_waits_for_tiles_that_are_on_the_way_before_it(bench: Bench) -> None:
    await bench.connect()
    bench.backlog_s = 0.3
    await bench.play(8)
    assert (state_of(bench), bench.peer.sent) == ("playing", [])
    bench.backlog_s = 0.05
    await bench.play(1)
    assert [frame.keyframe for frame in bench.peer.sent] == [True]
    bench.backlog_s = 0.3
    await bench.play(1)
    assert len(bench.peer.sent) == 2, "those that follow have their place"


async def test_the_first_frame_does_not_wait_for_ever(bench: Bench) -> None:
    await bench.connect()
    bench.backlog_s = 60.0
    await bench.play(60)
    assert bench.peer.sent


async def test_what_comes_while_a_frame_is_encoded_is_owed(bench: Bench) -> None:
    """The picture's way does not wait; the newest picture follows as soon as the encoder is free."""
    await bench.connect()
    await bench.play(8)
    sent, woken = len(bench.peer.sent), bench.woken
    FakeEncoder.may_end.clear()
    everything = np.arange(bench.shadow.grid.count, dtype=np.int32)
    nothing = everything[:0]
    for _ in range(3):
        await bench.video.frame(everything, bench.now_s, bench.executor)
    assert bench.video.skipped == 2
    FakeEncoder.may_end.set()
    await bench.encoded()
    assert bench.woken > woken
    assert len(bench.peer.sent) == sent + 1
    for _ in range(2):
        await bench.video.frame(nothing, bench.now_s, bench.executor)
        await bench.encoded()
    assert len(bench.peer.sent) == sent + 2
    await bench.video.close()


async def test_a_surface_that_starts_over_has_no_video(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    bench.video.start_over()
    assert bench.videos() == [1, 0]
    await bench.video.close()


def test_credentials_of_a_relay_expire() -> None:
    turn = TurnServer(["turn:192.0.2.1:3478?transport=udp"], "a secret of some length")
    (server,) = relays(turn, "v1", 1_000_000.0)
    assert server.urls == ["turn:192.0.2.1:3478?transport=udp"]
    assert server.username == "1043200:v1"
    # echo -n 1043200:v1 | openssl dgst -sha1 -hmac 'a secret of some length' -binary | base64
    assert server.credential == EXPECTED
    assert relays(None, "v1", 0.0) == []
