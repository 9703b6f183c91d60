"""Connections to another implementation over loopback."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from struct import pack
from typing import Any

import aioice.ice
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, SCTP_DATA_LAST_FRAG, WEBRTC_BINARY, DataChunk
from av import VideoFrame
from google_crc32c import value as crc32c

from display_server.agent.motion.encoders.stream_format import StreamFormat
from display_server.agent.motion.encoders.video_encoder import open_encoder
from display_server.agent.motion.frame_number import coded_size_px, compose
from display_server.agent.transport.webrtc.aiortc_overrides import OVERTAKING_MAX
from display_server.agent.transport.webrtc.peer import Peer, PeerState
from display_server.agent.transport.webrtc.session_description import TRANSPORT_SEQUENCE
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec
from tests.fakes.agent import LoopbackNetworks

pytestmark = pytest.mark.slow

SIZE_PX = (320, 200)
UNRELIABLE: dict[str, Any] = {"ordered": False, "maxRetransmits": 0, "negotiated": True, "id": 0}


class Bench:
    """A peer, and the viewer's end of the connection."""

    def __init__(self, codec: Codec, connect_within_s: float = 8.0, *, channel: bool = False) -> None:
        self.states: list[PeerState] = []
        self.datagrams: list[bytes | None] = []
        self.networks = LoopbackNetworks()
        self.peer = Peer(
            self.networks.open_sockets,
            frozenset({(codec, Chroma.YUV420)}),
            start_bps=4_000_000,
            max_bps=8_000_000,
            clock=time.monotonic,
            on_datagram=self.datagrams.append,
            on_state_changed=lambda: self.states.append(self.peer.state),
            connect_within_s=connect_within_s,
        )
        self.viewer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.viewer.addTransceiver("video", "recvonly")
        if channel:
            self.data_channel = self.viewer.createDataChannel("pointer", **UNRELIABLE)

    async def offer(self) -> str:
        await self.viewer.setLocalDescription(await self.viewer.createOffer())
        sdp = self.viewer.localDescription.sdp
        # Browsers offer it as well. Without feedback only a trickle is sent, which is enough here.
        return sdp.replace("a=recvonly", f"a=extmap:9 {TRANSPORT_SEQUENCE}\r\na=recvonly")

    async def connect(self) -> None:
        answer = await self.peer.answer(await self.offer())
        await self.viewer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        await until(lambda: self.peer.state is PeerState.CONNECTED)

    async def close(self) -> None:
        await self.peer.close()
        await self.viewer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])


@pytest.fixture(params=[Codec.H264, Codec.VP8])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    bench = Bench(request.param)
    yield bench
    await bench.close()


async def test_frames_arrive_and_look_right(bench: Bench) -> None:
    await bench.connect()
    assert bench.peer.codec is not None
    width, height = coded_size_px(*SIZE_PX)
    encoder = open_encoder(StreamFormat(*bench.peer.codec, width, height))
    region = np.full((SIZE_PX[1], SIZE_PX[0], 4), 128, np.uint8)
    region[50:150, 100:200] = 230
    pixels = np.zeros((height, width, 4), np.uint8)
    compose(region, 5, pixels)

    async def play() -> None:
        for number in range(200):
            now_s = time.monotonic()
            frame = encoder.encode(
                pixels,
                at_s=now_s,
                bitrate_bps=2_000_000,
                keyframe=number == 0 or bench.peer.sender.keyframe_wanted(now_s),
            )
            bench.peer.send(frame, now_s)
            await asyncio.sleep(0.033)

    playing = asyncio.create_task(play())
    async with asyncio.timeout(90):
        received = await bench.viewer.getReceivers()[0].track.recv()
    playing.cancel()
    encoder.close()
    assert isinstance(received, VideoFrame)
    grey = received.to_ndarray(format="gray")
    assert grey.shape == (height, width)
    assert abs(int(grey[20, 20]) - int(grey[20, 300])) <= 2
    assert int(grey[100, 150]) - int(grey[20, 20]) > 60
    assert bench.states == [PeerState.CONNECTING, PeerState.CONNECTED]


async def test_a_viewer_that_closes_makes_the_peer_fail(bench: Bench) -> None:
    await bench.connect()
    await bench.viewer.close()
    await until(lambda: bench.peer.state is PeerState.FAILED)


async def test_without_udp_it_fails_in_time() -> None:
    bench = Bench(Codec.VP8, connect_within_s=0.3)
    await bench.peer.answer(await bench.offer())  # which never reaches the viewer
    await until(lambda: bench.peer.state is PeerState.FAILED)
    await bench.close()


async def test_an_offer_without_a_common_codec_is_refused() -> None:
    bench = Bench(Codec.H264)
    offer = (await bench.offer()).replace("H264", "H265")
    with pytest.raises(ProtocolError, match="no video codec"):
        await bench.peer.answer(offer)
    assert not bench.networks.opened, "no socket is opened for it"
    await bench.close()


async def test_an_unused_peer_can_be_closed() -> None:
    bench = Bench(Codec.VP8)
    await bench.close()
    assert bench.peer.state is PeerState.CLOSED


@pytest.fixture
async def with_channel() -> AsyncIterator[Bench]:
    bench = Bench(Codec.VP8, channel=True)
    await bench.connect()
    await until(lambda: bench.data_channel.readyState == "open")
    yield bench
    await bench.close()


async def test_datagrams_arrive_unchanged(with_channel: Bench) -> None:
    for number in range(100):
        with_channel.data_channel.send(bytes([number]))
    await until(lambda: len(with_channel.datagrams) == 100)
    assert sorted(filter(None, with_channel.datagrams)) == [bytes([number]) for number in range(100)]


@pytest.mark.parametrize("data", ["text", bytes(5000)], ids=["text", "more than a packet holds"])
async def test_other_messages_are_reported(with_channel: Bench, data: str | bytes) -> None:
    with_channel.data_channel.transport._remote_max_message_size = 0  # so that the viewer sends anything
    with_channel.data_channel.send(data)
    await until(lambda: bool(with_channel.datagrams))
    assert set(with_channel.datagrams) == {None}


async def test_another_channel_is_reported_and_not_kept(with_channel: Bench) -> None:
    with_channel.viewer.createDataChannel("more")
    await until(lambda: with_channel.datagrams == [None])
    channel = with_channel.peer._datagrams
    assert channel is not None
    assert (channel._inbound_streams, channel._data_channels) == ({}, {})
    assert (channel._t1_handle, channel._t2_handle, channel._t3_handle) == (None, None, None)


async def test_lost_datagrams_delay_nothing(with_channel: Bench) -> None:
    channel = with_channel.peer._datagrams
    assert channel is not None
    sending = with_channel.viewer.sctp
    assert sending is not None
    send, number = sending.transport.transport._send, 0

    async def lossy(data: bytes) -> None:
        nonlocal number
        number += 1
        if number % 5:
            await send(data)

    sending.transport.transport._send = lossy
    for sent in range(200):
        with_channel.data_channel.send(bytes([sent]))
        await asyncio.sleep(0.005)
    await until(lambda: bytes([199]) in with_channel.datagrams or bytes([198]) in with_channel.datagrams)
    assert None not in with_channel.datagrams
    assert len(channel._sack_misordered) < 200


async def test_malformed_sctp_ends_the_connection(with_channel: Bench) -> None:
    sending = with_channel.viewer.sctp
    assert sending is not None
    head = pack("!HHL", 5000, 5000, 0)
    init = pack("!BBHL", 1, 0, 8, 7)  # a truncated INIT
    checksum = crc32c(head + bytes(4) + init)
    await sending.transport._send_data(head + pack("<L", checksum) + init)
    await until(lambda: with_channel.peer.state is PeerState.FAILED)


async def test_overtaking_datagrams_are_limited(with_channel: Bench) -> None:
    channel = with_channel.peer._datagrams
    assert channel is not None
    assert channel._last_received_tsn is not None
    chunk = DataChunk()
    chunk.protocol = WEBRTC_BINARY
    chunk.flags = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
    chunk.tsn = (channel._last_received_tsn + 1) % 2**32  # the one that never arrives
    for _ in range(OVERTAKING_MAX):
        chunk.tsn = (chunk.tsn + 1) % 2**32
        await channel._receive_data_chunk(chunk)
    chunk.tsn = (chunk.tsn + 1) % 2**32
    with pytest.raises(ConnectionError, match="overtook"):
        await channel._receive_data_chunk(chunk)
    assert len(with_channel.datagrams) == OVERTAKING_MAX
