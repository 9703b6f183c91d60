"""The video stream of one viewer, over a WebRTC peer that the test controls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from display_server.agent.motion.motion_detector import LinkEstimate
from display_server.agent.motion.region import Region
from display_server.agent.streams import frame_encoder, video_connection
from display_server.agent.streams.motion_region import SHOWN_WITHIN_S
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.streams.video_state import TRANSITIONS, VideoEvent, VideoState
from display_server.agent.streams.video_stream import VideoStream
from display_server.agent.transport.viewer_socket import ViewerIdentity
from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.peer import PeerState
from display_server.agent.transport.webrtc.shared_link import SharedLink
from display_server.agent.update.exactness import Exactness
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoSettings
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec
from display_server.telemetry.metrics import AgentMetrics
from tests.fakes.agent import LoopbackNetworks
from tests.fakes.video import FakeEncoder, FakePeer

ENCODABLE = frozenset({(Codec.VP8, Chroma.YUV420)})
DEVICE = "device"


class FakeTiles:
    """A TileDelivery with settable figures. Records the region that video covers."""

    link = LinkEstimate(1e6, 700.0)
    ready = True
    backlog_s = 0.0
    covered: Region | None = None

    def closed_for_s(self, now_s: float) -> float:
        return 0.0

    def cover(self, region: Region) -> None:
        self.covered = region

    def uncover(self) -> None:
        self.covered = None


class Bench:
    """A video stream, with the bench as its MessageSink and its FrameRequests."""

    def __init__(self) -> None:
        self.sent: list[m.AgentMessage] = []
        self.frames_requested = 0
        self.shadow = Shadow(1280, 800, 1)
        self.now_s = time.monotonic()
        self.tiles = FakeTiles()
        self.metrics = AgentMetrics()
        self.shared_link = SharedLink()
        self.executor = ThreadPoolExecutor(1)
        self.settings = VideoSettings(policy="economy", addresses=["127.0.0.1"])
        self.networks = LoopbackNetworks()
        self.stream = self.create()

    def create(self) -> VideoStream:
        """Creates a stream that was just asked for an offer, because video support is loaded."""
        factory = VideoFactory(self.settings, self.networks)
        factory._encodable = ENCODABLE
        factory._links[DEVICE] = self.shared_link
        stream = VideoStream(
            ViewerIdentity("user", "v1", DEVICE),
            0,
            self.shadow,
            factory,
            self.tiles,
            self,
            self,
            self.on_datagram,
            self.metrics,
            lambda: self.now_s,
            capable=True,
        )
        stream.start()
        return stream

    def send_message(self, message: m.AgentMessage) -> None:
        self.sent.append(message)

    def send_update(self, data: bytes) -> None:
        raise AssertionError("a video stream sends no updates")

    def request_frame(self, monitor: int) -> None:
        self.frames_requested += 1

    def request_whole_frame(self, monitor: int) -> None:
        raise AssertionError("only a viewer that becomes visible needs the whole frame")

    def is_captured(self, monitor: int) -> bool:
        return True

    def on_datagram(self, data: bytes | None) -> None:
        raise AssertionError(f"the peer of this test brings none: {data!r}")

    @property
    def peer(self) -> FakePeer:
        return FakePeer.created[-1]

    @property
    def state(self) -> VideoState:
        return self.stream.state

    def status(self) -> str:
        """Returns the state as a call: mypy would take it for unchanged after the first comparison."""
        return self.stream.status

    async def connect(self) -> None:
        self.stream.on_offer(m.Offer("offer"))
        await asyncio.sleep(0.01)

    async def play(self, frames: int) -> None:
        """Changes the whole screen this often, at 30 frames per second."""
        tiles = np.arange(self.shadow.grid.count, dtype=np.int32)
        for _ in range(frames):
            self.stream.on_capture(tiles, 0.0, self.now_s)
            await self.stream.encode_frame(tiles, self.now_s, self.executor)
            await self.encoded()
            self.now_s += 1 / 30

    async def rest(self) -> None:
        """Lets a second pass in which nothing changes."""
        self.now_s += 1
        self.stream.on_capture(np.empty(0, np.int32), 0.0, self.now_s)

    async def encoded(self) -> None:
        """Waits until the frame that is being encoded was sent."""
        assert self.stream._session is not None
        if (job := self.stream._session.sender._encoder._job) is not None:
            await asyncio.wait([job])
            await asyncio.sleep(0)

    def regions(self) -> list[int]:
        """Returns the number of each VideoRegion message."""
        return [message.number for message in self.sent if isinstance(message, m.VideoRegion)]

    def of_type(self, kind: type[m.OfferRequest] | type[m.Answer]) -> list[m.AgentMessage]:
        return [message for message in self.sent if isinstance(message, kind)]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    FakePeer.created = []
    FakeEncoder.fails = False
    monkeypatch.setattr(video_connection, "Peer", FakePeer)
    monkeypatch.setattr(frame_encoder, "open_encoder", FakeEncoder)
    return Bench()


async def test_plays_from_an_offer_until_the_motion_rests(bench: Bench) -> None:
    await bench.connect()
    assert bench.sent[:2] == [m.OfferRequest([]), m.Answer("answer to offer")]
    assert bench.status() == "ready"
    await bench.play(8)
    assert bench.status() == "playing"
    assert bench.tiles.covered is not None
    assert bench.regions() == [1]
    assert [frame.keyframe for frame in bench.peer.sent] == [True] + [False] * (len(bench.peer.sent) - 1)
    await bench.rest()
    assert bench.stream.motion.region is None
    assert bench.tiles.covered is None
    assert bench.regions() == [1, 0]
    await bench.play(8)
    assert bench.regions() == [1, 0, 2], "each motion has its own number"
    await bench.stream.close()


async def test_a_policy_without_video_ends_what_plays(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    assert bench.status() == "playing"
    bench.stream.resize(bench.shadow, "exact")
    assert bench.tiles.covered is None
    assert bench.regions() == [1, 0]
    await bench.play(8)
    assert bench.regions() == [1, 0]
    bench.stream.resize(bench.shadow, "economy")
    await bench.play(8)
    assert bench.regions() == [1, 0, 2]
    await bench.stream.close()


async def test_records_every_transition(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    await bench.rest()
    bench.stream.on_exactness(Exactness.LOSSY)
    assert bench.state is VideoState.SETTLING
    bench.stream.on_exactness(Exactness.EXACT)
    await bench.stream.close()
    states = [state.value for _, _, state in bench.stream.transitions]
    assert states == ["starting", "connecting", "ready", "playing", "settling", "ready", "closed"]
    for former, event, state in bench.stream.transitions:
        assert TRANSITIONS[former, event] is state


def test_every_state_can_be_reached_and_closed() -> None:
    assert set(TRANSITIONS.values()) | {VideoState.DETECTING} == set(VideoState)
    assert {event for _, event in TRANSITIONS} == set(VideoEvent)
    assert all(TRANSITIONS[state, VideoEvent.CLOSED] is VideoState.CLOSED for state in VideoState)


async def test_shares_the_link_of_its_device_only_while_it_plays(bench: Bench) -> None:
    other = BandwidthEstimator(max_bps=20e6, start_bps=8e6)
    bench.shared_link.join(other)
    await bench.connect()
    await bench.play(8)
    mine = bench.peer.sender.estimator
    assert (other.estimate_bps, mine.estimate_bps) == (4e6, 4e6)
    bench.stream.stop_motion()
    bench.shared_link.leave(other)
    assert mine.estimate_bps == 4e6, "it has nothing to send"
    bench.shared_link.join(other)
    await bench.play(8)
    assert len(bench.shared_link.members) == 2
    await bench.stream.close()
    assert bench.shared_link.members == [other]


async def test_sends_no_video_without_a_connection(bench: Bench) -> None:
    await bench.play(20)
    assert bench.stream.motion.region is None
    assert bench.sent == [m.OfferRequest([])]


async def test_an_offer_that_nobody_asked_for_is_refused(bench: Bench) -> None:
    factory = VideoFactory(VideoSettings(policy="exact", addresses=["127.0.0.1"]), bench.networks)
    bench.stream._factory = factory
    stream = VideoStream(
        ViewerIdentity("user", "v1", ""),
        0,
        bench.shadow,
        factory,
        bench.tiles,
        bench,
        bench,
        bench.on_datagram,
        bench.metrics,
        lambda: bench.now_s,
        capable=True,
    )
    stream.start()
    assert stream.state is VideoState.UNAVAILABLE
    with pytest.raises(ProtocolError):
        stream.on_offer(m.Offer("offer"))


async def test_a_lost_connection_ends_video_at_once(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    before = bench.frames_requested
    bench.peer.become(PeerState.FAILED)
    assert bench.frames_requested > before
    await bench.play(3)
    assert bench.regions()[-1] == 0
    assert bench.stream.status == "failed"
    await bench.connect()
    assert bench.state is VideoState.READY, "a new connection begins anew"
    assert (bench.metrics.video_connected, bench.metrics.video_failed) == (2, 1)
    await bench.stream.close()


async def test_a_viewer_that_reconnects_by_itself_is_not_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_connection, "RETRY_S", 0.05)
    bench.stream = bench.create()
    bench.sent.clear()
    await bench.connect()
    bench.peer.become(PeerState.FAILED)
    await bench.connect()
    await asyncio.sleep(0.15)
    assert bench.of_type(m.OfferRequest) == []
    bench.peer.become(PeerState.FAILED)
    await asyncio.sleep(0.25)
    assert bench.of_type(m.OfferRequest) == [m.OfferRequest([])]
    await bench.stream.close()


async def test_answers_only_the_newer_of_two_offers(bench: Bench) -> None:
    bench.stream.on_offer(m.Offer("first"))
    bench.stream.on_offer(m.Offer("second"))
    await asyncio.sleep(0.01)
    assert bench.of_type(m.Answer) == [m.Answer("answer to second")]
    assert len([peer for peer in FakePeer.created if peer.state is not PeerState.CLOSED]) == 1
    await bench.stream.close()


async def test_falls_back_to_tiles_when_the_encoder_fails(bench: Bench) -> None:
    await bench.connect()
    FakeEncoder.fails = True
    await bench.play(8)
    assert bench.stream.motion.region is None
    assert bench.regions()[-1] == 0
    assert bench.stream.status == "failed"
    await bench.stream.close()


async def test_an_encoder_that_fails_after_the_end_changes_nothing(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    FakeEncoder.may_end.clear()
    FakeEncoder.fails = True
    everything = np.arange(bench.shadow.grid.count, dtype=np.int32)
    await bench.stream.encode_frame(everything, bench.now_s, bench.executor)
    await bench.stream.close()
    FakeEncoder.may_end.set()
    await bench.encoded()
    assert bench.state is VideoState.CLOSED
    assert bench.metrics.video_failed == 0


async def test_falls_back_to_tiles_when_the_viewer_shows_no_frames(bench: Bench) -> None:
    await bench.connect()
    await bench.play(int(30 * (SHOWN_WITHIN_S + 1)))
    assert bench.regions() == [1, 0]
    assert bench.stream.status == "failed"
    await bench.stream.close()


async def test_goes_on_while_the_viewer_shows_frames(bench: Bench) -> None:
    await bench.connect()
    for shown in range(1, 10):
        await bench.play(15)
        bench.stream.on_played(m.Played(0, 1, shown * 10), bench.now_s)
    assert bench.regions() == [1]
    await bench.stream.close()


async def test_skips_frames_while_the_link_is_full(bench: Bench) -> None:
    await bench.connect()
    await bench.play(8)
    sent = len(bench.peer.sent)
    bench.peer.sender.backlog_s = 1.0
    await bench.play(8)
    assert len(bench.peer.sent) == sent
    assert bench.stream.counts.skipped == 8
    await bench.stream.close()


async def test_the_first_frame_waits_for_tiles_in_flight(bench: Bench) -> None:
    await bench.connect()
    bench.tiles.backlog_s = 0.3
    await bench.play(8)
    assert (bench.stream.status, bench.peer.sent) == ("playing", [])
    bench.tiles.backlog_s = 0.05
    await bench.play(1)
    assert [frame.keyframe for frame in bench.peer.sent] == [True]
    bench.tiles.backlog_s = 0.3
    await bench.play(1)
    assert len(bench.peer.sent) == 2, "later frames do not wait"


async def test_the_first_frame_does_not_wait_for_ever(bench: Bench) -> None:
    await bench.connect()
    bench.tiles.backlog_s = 60.0
    await bench.play(60)
    assert bench.peer.sent


async def test_a_change_during_encoding_is_encoded_afterwards(bench: Bench) -> None:
    """The pipeline does not wait for the encoder; the newest frame follows as soon as the encoder is free."""
    await bench.connect()
    await bench.play(8)
    sent, requested = len(bench.peer.sent), bench.frames_requested
    FakeEncoder.may_end.clear()
    everything = np.arange(bench.shadow.grid.count, dtype=np.int32)
    nothing = everything[:0]
    for _ in range(3):
        await bench.stream.encode_frame(everything, bench.now_s, bench.executor)
    assert bench.stream.counts.skipped == 2
    FakeEncoder.may_end.set()
    await bench.encoded()
    assert bench.frames_requested > requested
    assert len(bench.peer.sent) == sent + 1
    for _ in range(2):
        await bench.stream.encode_frame(nothing, bench.now_s, bench.executor)
        await bench.encoded()
    assert len(bench.peer.sent) == sent + 2
    await bench.stream.close()


@pytest.mark.parametrize(
    "end",
    [VideoStream.stop_motion, lambda stream: stream.resize(Shadow(640, 640, 1), None)],
    ids=["stop_motion", "resize"],
)
async def test_a_frame_whose_motion_ended_is_not_sent(
    bench: Bench, end: Callable[[VideoStream], None]
) -> None:
    await bench.connect()
    await bench.play(8)
    sent = len(bench.peer.sent)
    FakeEncoder.may_end.clear()
    everything = np.arange(bench.shadow.grid.count, dtype=np.int32)
    await bench.stream.encode_frame(everything, bench.now_s, bench.executor)
    end(bench.stream)
    assert bench.regions() == [1, 0]
    FakeEncoder.may_end.set()
    await bench.encoded()
    assert len(bench.peer.sent) == sent
    await bench.stream.close()


async def test_names_relays_with_credentials_of_the_gateway(bench: Bench) -> None:
    server = m.IceServer(["turn:192.0.2.1:3478?transport=udp"], "1000600:v1", "credential")
    bench.networks.servers = [server]
    bench.settings = msgspec.structs.replace(bench.settings, relays=True)
    stream = bench.create()
    await asyncio.sleep(0)
    assert bench.sent[-1] == m.OfferRequest([server])
    await stream.close()


async def test_asks_for_an_offer_although_no_relay_is_known(bench: Bench) -> None:
    bench.sent.clear()
    bench.networks.error = "the gateway does not answer"
    bench.settings = msgspec.structs.replace(bench.settings, relays=True)
    stream = bench.create()
    await asyncio.sleep(0)
    assert bench.sent == [m.OfferRequest([])]
    await stream.close()
