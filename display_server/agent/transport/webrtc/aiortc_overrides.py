"""Everything that we change of aiortc and aioice, which otherwise provide ICE, DTLS-SRTP and SCTP.

No other file uses their private names. `test_overrides.py` lists those that are used here, and fails if a new
version of the libraries changes one of them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from aioice import Connection
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
#: Most datagrams that may arrive while an earlier one is missing, before its sender has to give that one up.
OVERTAKING_MAX = 1024
#: What aiortc raises for a malformed packet.
_MALFORMED = (AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error)


class FixedAddressConnection(Connection):
    """An ICE connection that offers the given addresses of this host only. aioice would offer all of them
    except loopback.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(ice_controlling=False)
        self._offered_addresses = list(addresses)

    async def gather_candidates(self) -> None:
        if not self._local_candidates_start:
            self._local_candidates_start = True
            self._local_candidates += await self.get_component_candidates(
                component=1, addresses=self._offered_addresses
            )
            self._local_candidates_end = True


class FixedAddressGatherer(RTCIceGatherer):
    """Gathers the given addresses. It asks no STUN or TURN server on the network."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(iceServers=[])
        self._connection = FixedAddressConnection(addresses)

    def candidate_lines(self) -> list[str]:
        """Returns the gathered candidates as they follow `a=candidate:` in SDP."""
        return [candidate.to_sdp() for candidate in self._connection.local_candidates]


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
