"""A viewer's connection against another implementation's, over loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import aioice.ice
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import VideoFrame

from display_server.errors import ProtocolError
from display_server.motion.encoders.video_encoder import Chroma, Codec, Stream, open_encoder
from display_server.motion.strip import coded_size_px, compose
from display_server.transport.webrtc.peer import Peer, PeerState
from display_server.transport.webrtc.session_description import TRANSPORT_SEQUENCE

SIZE_PX = (320, 200)


class Bench:
    """A peer, and the connection of who watches."""

    def __init__(self, codec: Codec, connect_within_s: float = 8.0) -> None:
        self.states: list[PeerState] = []
        self.peer = Peer(
            ["127.0.0.1"],
            frozenset({(codec, Chroma.YUV420)}),
            start_bps=4_000_000,
            cap_bps=8_000_000,
            clock=time.monotonic,
            changed=lambda: self.states.append(self.peer.state),
            connect_within_s=connect_within_s,
        )
        self.watcher = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.watcher.addTransceiver("video", "recvonly")

    async def offer(self) -> str:
        await self.watcher.setLocalDescription(await self.watcher.createOffer())
        sdp = self.watcher.localDescription.sdp
        # As browsers do. Without feedback only a trickle is sent: enough here.
        return sdp.replace("a=recvonly", f"a=extmap:9 {TRANSPORT_SEQUENCE}\r\na=recvonly")

    async def connect(self) -> None:
        answer = await self.peer.answer(await self.offer())
        await self.watcher.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await until(lambda: self.peer.state is PeerState.CONNECTED)

    async def close(self) -> None:
        await self.peer.close()
        await self.watcher.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture(params=[Codec.H264, Codec.VP8])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench = Bench(request.param)
    yield bench
    await bench.close()


async def test_frames_arrive_and_look_as_sent(bench: Bench) -> None:
    await bench.connect()
    assert bench.peer.codec is not None
    width, height = coded_size_px(*SIZE_PX)
    encoder = open_encoder(Stream(*bench.peer.codec, width, height))
    region = np.full((SIZE_PX[1], SIZE_PX[0], 4), 128, np.uint8)
    region[50:150, 100:200] = 230
    picture = np.zeros((height, width, 4), np.uint8)
    compose(region, 5, picture)

    async def play() -> None:
        for number in range(200):
            now_s = time.monotonic()
            frame = encoder.encode(
                picture,
                at_s=now_s,
                bitrate_bps=2_000_000,
                keyframe=number == 0 or bench.peer.sender.keyframe_wanted(now_s),
            )
            bench.peer.send(frame, now_s)
            await asyncio.sleep(0.033)

    playing = asyncio.create_task(play())
    async with asyncio.timeout(20):
        received = await bench.watcher.getReceivers()[0].track.recv()
    playing.cancel()
    encoder.close()
    assert isinstance(received, VideoFrame)
    grey = received.to_ndarray(format="gray")
    assert grey.shape == (height, width)
    assert abs(int(grey[20, 20]) - int(grey[20, 300])) <= 2
    assert int(grey[100, 150]) - int(grey[20, 20]) > 60
    assert bench.states == [PeerState.CONNECTING, PeerState.CONNECTED]


async def test_who_watches_goes_and_the_peer_knows(bench: Bench) -> None:
    await bench.connect()
    await bench.watcher.close()
    await until(lambda: bench.peer.state is PeerState.FAILED)


async def test_without_udp_it_fails_in_time_and_alone() -> None:
    bench = Bench(Codec.VP8, connect_within_s=0.3)
    await bench.peer.answer(await bench.offer())  # and the answer never arrives
    await until(lambda: bench.peer.state is PeerState.FAILED)
    await bench.close()


async def test_no_codec_in_common() -> None:
    bench = Bench(Codec.H264)
    offer = (await bench.offer()).replace("H264", "H265")
    with pytest.raises(ProtocolError, match="no video codec"):
        await bench.peer.answer(offer)
    await bench.close()


async def test_closing_an_unused_peer_is_harmless() -> None:
    bench = Bench(Codec.VP8)
    await bench.close()
    assert bench.peer.state is PeerState.CLOSED
