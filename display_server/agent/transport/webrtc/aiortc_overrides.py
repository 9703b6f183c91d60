"""All that we change of aiortc and aioice, which otherwise only bring ICE, DTLS-SRTP and SCTP.

`tests/unit/webrtc/test_overrides.py` fails when a new version changes what is relied on here.
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

#: The data channel that both sides know of without a word about it.
CHANNEL = 0
#: Datagrams that may overtake one that is lost, before its sender has to say that it gave it up.
OVERTAKING_MAX = 1024
#: What aiortc raises where a packet makes no sense.
_NONSENSE = (AssertionError, AttributeError, LookupError, TypeError, ValueError, struct.error)


class ChosenAddresses(Connection):
    """Offers the host's addresses that are asked for, and no others: aioice would take all but loopback."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(ice_controlling=False)
        self._addresses = list(addresses)

    async def gather_candidates(self) -> None:
        if not self._local_candidates_start:
            self._local_candidates_start = True
            found = await self.get_component_candidates(component=1, addresses=self._addresses)
            self._local_candidates += found
            self._local_candidates_end = True


class Gatherer(RTCIceGatherer):
    """Asks nobody on the network who we are: no STUN, no TURN, only the addresses given."""

    def __init__(self, addresses: Sequence[str]) -> None:
        super().__init__(iceServers=[])
        self._connection = ChosenAddresses(addresses)


class Transport(RTCDtlsTransport):
    """Gives RTCP as it came to `rtcp`: aiortc knows no transport-wide feedback. RTP is not received."""

    def __init__(
        self, ice: RTCIceTransport, certificate: RTCCertificate, rtcp: Callable[[bytes], None]
    ) -> None:
        super().__init__(ice, [certificate])
        self._rtcp = rtcp
        self._sender: SegmentedSender | None = None
        self._sends_for: StunProtocol | None = None
        self._set_role("client")  # as our answer says: setup:active

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._rtcp(data)

    def send(self, packets: Sequence[bytes]) -> None:
        """RTP packets, together: aiortc and aioice would take as long for each as for all. Raises
        ConnectionError.
        """
        if self.state != "connected":
            raise ConnectionError("the viewer closed its connection")
        pair = self.transport._connection._nominated.get(1)
        if pair is None:
            raise ConnectionError("the way to the viewer is lost")
        if self._sender is None or self._sends_for is not pair.protocol:
            self._drop_sender()
            own = pair.protocol.transport.get_extra_info("socket")
            self._sender, self._sends_for = SegmentedSender(own.fileno(), own.family), pair.protocol
        self._sender.send([self._tx_srtp.protect(packet) for packet in packets], pair.remote_addr)

    async def stop(self) -> None:
        self._drop_sender()
        await super().stop()

    def _drop_sender(self) -> None:
        if self._sender is not None:
            self._sender.close()
            self._sender = None


class Datagrams(RTCSctpTransport):
    """Gives what comes on `CHANNEL` to `taken`, message by message; None stands for what is no message of it.

    aiortc would keep whatever the other side begins: streams, channels, parts of messages. Here a message is
    one chunk, nothing has an order, and we send nothing. All that is kept are the numbers of those that
    overtook a lost one, and the one timer that repeats SCTP's handshake some times.
    """

    def __init__(self, transport: Transport, taken: Callable[[bytes | None], None]) -> None:
        super().__init__(transport)
        self._taken = taken

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except _NONSENSE as error:
            raise ConnectionError(f"this is no SCTP: {error!r}") from error

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        self._sack_needed = True
        if self._mark_received(chunk.tsn):
            return
        if len(self._sack_misordered) > OVERTAKING_MAX:
            raise ConnectionError("too many datagrams overtook one")
        whole = SCTP_DATA_FIRST_FRAG | SCTP_DATA_LAST_FRAG
        ours = chunk.stream_id == CHANNEL and chunk.protocol == WEBRTC_BINARY and chunk.flags & whole == whole
        self._taken(chunk.user_data if ours else None)
        await self._reset_deferred_streams()  # where the other side closes its channel

    async def _receive_sack_chunk(self, chunk: SackChunk) -> None:
        """We sent nothing that could have arrived; a few bytes of it can claim millions of numbers."""

    async def _receive_forward_tsn_chunk(self, chunk: ForwardTsnChunk) -> None:
        chunk.streams = []  # of an order that nothing here has
        await super()._receive_forward_tsn_chunk(chunk)
