"""Everything that we change of aiortc and aioice, which otherwise provide ICE, DTLS-SRTP and SCTP.

No other file uses their private names. `test_overrides.py` lists those that are used here, and fails if a new
version of the libraries changes one of them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Sequence

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, RTCSctpTransport
from aiortc.rtcsctptransport import (
    SCTP_DATA_FIRST_FRAG,
    SCTP_DATA_LAST_FRAG,
    WEBRTC_BINARY,
    DataChunk,
    ForwardTsnChunk,
    SackChunk,
)

from display_server.agent.transport.webrtc.segments import SegmentedSender

#: SCTP stream of the data channel, which both sides know without negotiation.
CHANNEL = 0
#: Receive buffer of a socket, as large as aioice would make it, bytes.
RECEIVE_BUFFER_BYTES = 256 * 1024
#: Most datagrams that may arrive while an earlier one is missing, before its sender has to give that one up.
OVERTAKING_MAX = 1024
#: What aiortc raises for a malformed packet.
_MALFORMED = (AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error)


class GivenSocketsConnection(Connection):
    """An ICE connection over the given UDP sockets, whose addresses it offers. aioice would bind sockets of
    its own to all addresses of this host except loopback.
    """

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        super().__init__(ice_controlling=False)
        self._given_sockets = list(sockets)

    async def gather_candidates(self) -> None:
        if self._local_candidates_start:
            return
        self._local_candidates_start = True
        loop = asyncio.get_running_loop()
        try:
            while self._given_sockets:
                given = self._given_sockets[0]
                given.setblocking(False)
                given.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
                _, protocol = await loop.create_datagram_endpoint(lambda: StunProtocol(self), sock=given)
                self._given_sockets.pop(0)  # the transport owns it now
                protocol.local_candidate = _host_candidate(given)
                self._protocols.append(protocol)
                self._local_candidates.append(protocol.local_candidate)
        except BaseException:
            for unused in self._given_sockets:
                unused.close()
            await self.close()
            raise
        self._local_candidates_end = True


class GivenSocketsGatherer(RTCIceGatherer):
    """Gathers the addresses of the given sockets. It asks no STUN or TURN server on the network."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        super().__init__(iceServers=[])
        self._connection = GivenSocketsConnection(sockets)

    def candidate_lines(self) -> list[str]:
        """Returns the gathered candidates as they follow `a=candidate:` in SDP."""
        return [candidate.to_sdp() for candidate in self._connection.local_candidates]


def _host_candidate(bound: socket.socket) -> Candidate:
    """Returns the candidate that aioice would make of a socket that it has bound itself."""
    host, port, *_ = bound.getsockname()
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=1,
        transport="udp",
        priority=candidate_priority(1, "host"),
        host=host,
        port=port,
        type="host",
    )


class DtlsTransport(RTCDtlsTransport):
    """Passes decrypted RTCP to `on_rtcp`, because aiortc does not support transport-wide feedback. RTP is not
    received.
    """

    def __init__(
        self, ice: RTCIceTransport, certificate: RTCCertificate, on_rtcp: Callable[[bytes], None]
    ) -> None:
        super().__init__(ice, [certificate])
        self._on_rtcp = on_rtcp
        self._segmented: SegmentedSender | None = None
        self._segmented_protocol: StunProtocol | None = None
        self._set_role("client")  # as our answer says: setup:active

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._on_rtcp(data)

    def send(self, packets: Sequence[bytes]) -> None:
        """Sends RTP packets in as few system calls as possible; aiortc and aioice would need one call, and as
        much time, for each. Raises ConnectionError.
        """
        if self.state != "connected":
            raise ConnectionError("the viewer closed its connection")
        pair = self.transport._connection._nominated.get(1)
        if pair is None:
            raise ConnectionError("the path to the viewer is lost")
        if self._segmented is None or self._segmented_protocol is not pair.protocol:
            self._close_segmented()
            own = pair.protocol.transport.get_extra_info("socket")
            self._segmented = SegmentedSender(own.fileno(), own.family)
            self._segmented_protocol = pair.protocol
        self._segmented.send([self._tx_srtp.protect(packet) for packet in packets], pair.remote_addr)

    async def stop(self) -> None:
        self._close_segmented()
        await super().stop()

    def _close_segmented(self) -> None:
        if self._segmented is not None:
            self._segmented.close()
            self._segmented = None


class DatagramChannel(RTCSctpTransport):
    """Passes each message of the data channel to `on_datagram`, or None for a message that is no datagram of
    this channel.

    aiortc would keep whatever the other side begins: streams, channels, parts of messages. Here a message is
    one chunk, messages have no order, and nothing is sent. What is kept are the numbers of the chunks that
    overtook a lost one, and the timer that repeats the handshake of SCTP a few times.
    """

    def __init__(self, transport: DtlsTransport, on_datagram: Callable[[bytes | None], None]) -> None:
        super().__init__(transport)
        self._on_datagram = on_datagram

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except _MALFORMED as error:
            raise ConnectionError(f"the viewer sent malformed SCTP: {error!r}") from error

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        self._sack_needed = True
        if self._mark_received(chunk.tsn):
            return
        if len(self._sack_misordered) > OVERTAKING_MAX:
            raise ConnectionError("too many datagrams overtook a missing one")
        whole = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
        ours = chunk.stream_id == CHANNEL and chunk.protocol == WEBRTC_BINARY and chunk.flags & whole == whole
        self._on_datagram(chunk.user_data if ours else None)
        await self._reset_deferred_streams()  # needed when the other side closes its channel

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        """Ignores acknowledgements: nothing was sent, and a few bytes can claim millions of chunks."""

    async def _receive_forward_tsn_chunk(self, chunk: ForwardTsnChunk) -> None:
        chunk.streams = []  # their order, which nothing here has
        await super()._receive_forward_tsn_chunk(chunk)
