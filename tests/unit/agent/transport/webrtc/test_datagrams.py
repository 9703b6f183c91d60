"""SCTP as anybody might send it: nothing but datagrams comes out, and nothing of it stays."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, cast

import pytest
from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import SackChunk
from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.aiortc_overrides import OVERTAKING_MAX, Datagrams, Transport


class Line:
    """A transport that carries nowhere."""

    state = "connected"
    _role = "client"

    async def _send_data(self, data: bytes) -> None: ...

    def _register_data_receiver(self, receiver: object) -> None: ...

    def _unregister_data_receiver(self, receiver: object) -> None: ...


def packet(tag: int, chunks: list[tuple[int, int, bytes]]) -> bytes:
    """Of (type, flags, body) chunks, with the checksum that it must have."""
    body = b""
    for kind, flags, content in chunks:
        body += struct.pack("!BBH", kind, flags, 4 + len(content)) + content + bytes(-len(content) % 4)
    head = struct.pack("!HHL", 5000, 5000, tag)
    return head + struct.pack("<L", crc32c(head + bytes(4) + body)) + body


def data(tsn: int, stream: int, protocol: int, content: bytes) -> bytes:
    return struct.pack("!LHHL", tsn, stream, 0, protocol) + content


INIT = struct.pack("!LLHHL", 7, 1 << 20, 8, 8, 100)
bodies = st.one_of(
    st.binary(max_size=40),
    st.builds(
        data, st.integers(95, 130), st.integers(0, 3), st.sampled_from([50, 51, 53]), st.binary(max_size=20)
    ),
    st.just(INIT),
)
chunks = st.tuples(
    st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 14, 130, 192, 255]),
    st.integers(0, 7),
    bodies,
)


@settings(deadline=None)
@given(
    st.lists(st.lists(chunks, min_size=1, max_size=4) | st.binary(max_size=60), max_size=30), st.booleans()
)
def test_any_packets_are_borne(packets: list[list[tuple[int, int, bytes]] | bytes], begun: bool) -> None:
    async def take() -> None:
        taken: list[bytes | None] = []
        kept = Datagrams(cast(Transport, Line()), taken.append)
        await kept.start(None, 5000)
        if begun:
            await kept._handle_data(packet(0, [(1, 0, INIT)]))
        for one in packets:
            raw = one if isinstance(one, bytes) else packet(kept._local_verification_tag, one)
            try:
                await kept._handle_data(raw)
            except ConnectionError:
                break  # as the transport does
        assert len(kept._sack_misordered) <= OVERTAKING_MAX + 1
        assert (kept._inbound_streams, kept._data_channels, len(kept._data_channel_queue)) == ({}, {}, 0)
        await kept.stop()
        timers: list[Any] = [kept._t1_handle, kept._t2_handle, kept._t3_handle, kept._reconfig_handle]
        assert timers == [None] * 4
        await asyncio.sleep(0)

    asyncio.run(take())


def test_what_claims_to_have_arrived_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(self: RTCSctpTransport, chunk: SackChunk) -> None:
        raise AssertionError("nothing was sent")

    monkeypatch.setattr(RTCSctpTransport, "_receive_sack_chunk", look)

    async def take() -> None:
        kept = Datagrams(cast(Transport, Line()), lambda _: None)
        await kept.start(None, 5000)
        await kept._handle_data(packet(0, [(1, 0, INIT)]))
        claims = struct.pack("!LLHH", kept._local_tsn, 1 << 20, 200, 0) + struct.pack("!HH", 0, 0xFFFF) * 200
        await kept._handle_data(packet(kept._local_verification_tag, [(3, 0, claims)]))
        await kept.stop()

    asyncio.run(take())


def test_a_datagram_comes_out() -> None:
    async def take() -> list[bytes | None]:
        taken: list[bytes | None] = []
        kept = Datagrams(cast(Transport, Line()), taken.append)
        await kept.start(None, 5000)
        await kept._handle_data(packet(0, [(1, 0, INIT)]))
        tag = kept._local_verification_tag
        await kept._handle_data(
            packet(tag, [(0, 7, data(100, 0, 53, b"one")), (0, 7, data(100, 0, 53, b"one"))])
        )
        await kept._handle_data(packet(tag, [(0, 7, data(102, 0, 53, b"three"))]))
        await kept._handle_data(packet(tag, [(0, 6, data(103, 0, 53, b"a part"))]))
        await kept.stop()
        return taken

    assert issubclass(Datagrams, RTCSctpTransport)
    assert asyncio.run(take()) == [b"one", b"three", None]
