"""All that we change of aiortc and aioice, which otherwise only bring ICE and DTLS-SRTP.

`tests/unit/webrtc/test_overrides.py` fails when a new version changes what is relied on here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aioice import Connection
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport


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
        self._set_role("client")  # as our answer says: setup:active

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._rtcp(data)

    async def send(self, packet: bytes) -> None:
        """An RTP or RTCP packet. Raises ConnectionError."""
        await self._send_rtp(packet)
