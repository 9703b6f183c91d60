"""Arbitrary SCTP: only datagrams are passed on, and nothing accumulates."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, cast

import pytest
from aiortc import RTCSctpTransport
from aiortc.rtcsctptransport import SackChunk
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st

from display_server.agent.transport.webrtc.aiortc_overrides import (
    OVERTAKING_MAX,
    DatagramChannel,
    DtlsTransport,
)


class DeadTransport:
    """A transport that delivers nothing."""

    state = "connected"
    _role = "client"

    async def _send_data(self, data: bytes) -> None: ...

    def _register_data_receiver(self, receiver: object) -> None: ...

    def _unregister_data_receiver(self, receiver: object) -> None: ...


def packet(tag: int, chunks: list[tuple[int, int, bytes]]) -> bytes:
    """Returns an SCTP packet of (type, flags, body) chunks with a valid checksum."""
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


@given(
    st.lists(st.lists(chunks, min_size=1, max_size=4) | st.binary(max_size=60), max_size=30), st.booleans()
)
def test_no_packets_break_the_channel(
    packets: list[list[tuple[int, int, bytes]] | bytes], begun: bool
) -> None:
    async def run() -> None:
        received: list[bytes | None] = []
        channel = DatagramChannel(cast(DtlsTransport, DeadTransport()), received.append)
        await channel.start(None, 5000)
        if begun:
            await channel._handle_data(packet(0, [(1, 0, INIT)]))
        for one in packets:
            raw = one if isinstance(one, bytes) else packet(channel._local_verification_tag, one)
            try:
                await channel._handle_data(raw)
            except ConnectionError:
                break  # as the transport does
        assert len(channel._sack_misordered) <= OVERTAKING_MAX + 1
        assert (channel._inbound_streams, channel._data_channels, len(channel._data_channel_queue)) == (
            {},
            {},
            0,
        )
        await channel.stop()
        timers: list[Any] = [
            channel._t1_handle,
            channel._t2_handle,
            channel._t3_handle,
            channel._reconfig_handle,
        ]
        assert timers == [None] * 4
        await asyncio.sleep(0)

    asyncio.run(run())


def test_acknowledgements_of_chunks_never_sent_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: RTCSctpTransport, chunk: SackChunk) -> None:
        raise AssertionError("nothing was sent")

    monkeypatch.setattr(RTCSctpTransport, "_receive_sack_chunk", fail)

    async def run() -> None:
        channel = DatagramChannel(cast(DtlsTransport, DeadTransport()), lambda _: None)
        await channel.start(None, 5000)
        await channel._handle_data(packet(0, [(1, 0, INIT)]))
        claims = (
            struct.pack("!LLHH", channel._local_tsn, 1 << 20, 200, 0) + struct.pack("!HH", 0, 0xFFFF) * 200
        )
        await channel._handle_data(packet(channel._local_verification_tag, [(3, 0, claims)]))
        await channel.stop()

    asyncio.run(run())


def test_datagrams_are_passed_on() -> None:
    async def run() -> list[bytes | None]:
        received: list[bytes | None] = []
        channel = DatagramChannel(cast(DtlsTransport, DeadTransport()), received.append)
        await channel.start(None, 5000)
        await channel._handle_data(packet(0, [(1, 0, INIT)]))
        tag = channel._local_verification_tag
        await channel._handle_data(
            packet(tag, [(0, 7, data(100, 0, 53, b"one")), (0, 7, data(100, 0, 53, b"one"))])
        )
        await channel._handle_data(packet(tag, [(0, 7, data(102, 0, 53, b"three"))]))
        await channel._handle_data(packet(tag, [(0, 6, data(103, 0, 53, b"a part"))]))
        await channel.stop()
        return received

    assert issubclass(DatagramChannel, RTCSctpTransport)
    assert asyncio.run(run()) == [b"one", b"three", None]
