"""One viewer's WebRTC connection, from its offer to video on the wire. Tiles never wait for it.

    new ─answer─► connecting ─► connected ─► closed
                      └────────────┴──────► failed

The agent sends nothing to a host that did not contact it first: it does not try the candidates that a browser
names, but answers the packets that arrive. So an offer cannot make the agent contact other hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCIceParameters,
    RTCIceTransport,
)

from display_server.agent.transport.webrtc.aiortc_overrides import (
    DatagramChannel,
    DtlsTransport,
    GivenSocketsGatherer,
)
from display_server.agent.transport.webrtc.codec_choice import choose_codec
from display_server.agent.transport.webrtc.session_description import (
    TRANSPORT_SEQUENCE,
    Answer,
    parse_offer,
)
from display_server.agent.transport.webrtc.video_sender import VideoSender
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame

#: Longest time for ICE and DTLS together, s. A network without UDP is recognized by then.
CONNECT_WITHIN_S = 8.0
#: Interval at which the connection is checked for the other side's goodbye, s.
CHECK_INTERVAL_S = 1.0


class PeerState(Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class Peer:
    """The agent's end of one connection. The callbacks run on the event loop."""

    def __init__(
        self,
        open_sockets: Callable[[], Awaitable[Sequence[socket.socket]]],
        encodable: frozenset[tuple[Codec, Chroma]],
        start_bps: int,
        max_bps: int,
        clock: Callable[[], float],
        on_datagram: Callable[[bytes | None], None],
        on_state_changed: Callable[[], None],
        connect_within_s: float = CONNECT_WITHIN_S,
    ) -> None:
        """`open_sockets` is called once an offer can be answered. It returns bound UDP sockets, which this
        peer then owns; their addresses are offered, and no others. `encodable` is what this host can encode.
        `on_datagram` gets each message of the data channel, or None for a message that is no datagram.
        """
        self._open_sockets = open_sockets
        self._encodable = encodable
        self._start_bps, self._max_bps = start_bps, max_bps
        self._clock = clock
        self._on_datagram = on_datagram
        self._on_state_changed = on_state_changed
        self._connect_within_s = connect_within_s
        self._transport: DtlsTransport | None = None
        self._datagrams: DatagramChannel | None = None
        self._channel_port: int | None = None
        self._lost = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._sender: VideoSender | None = None
        self.state = PeerState.NEW
        #: Agreed on in the answer; None before.
        self.codec: tuple[Codec, Chroma] | None = None

    @property
    def sender(self) -> VideoSender:
        assert self._sender is not None, "there is no sender before an offer was answered"
        return self._sender

    async def answer(self, offer_text: str) -> str:
        """Returns the SDP of the answer, and connects in the background.

        Raises ProtocolError, OSError, and what `open_sockets` raises.
        """
        assert self.state is PeerState.NEW
        offer = parse_offer(offer_text)
        choice = choose_codec(offer.codecs, self._encodable)
        if choice is None:
            raise ProtocolError("the offer has no video codec that this host can encode")
        if TRANSPORT_SEQUENCE not in offer.extensions:
            raise ProtocolError(
                "the offer lacks transport-wide feedback, without which no rate can be chosen"
            )
        codec, *_ = choice
        self.codec = choice[1:]
        self._sender = VideoSender(offer, codec, start_bps=self._start_bps, max_bps=self._max_bps)
        gatherer = GivenSocketsGatherer(await self._open_sockets())
        ice = RTCIceTransport(gatherer)
        certificate = RTCCertificate.generateCertificate()
        self._transport = DtlsTransport(ice, certificate, self._on_rtcp)
        if offer.channel is not None:
            self._datagrams = DatagramChannel(self._transport, self._on_datagram)
            self._channel_port = offer.channel.port
        await gatherer.gather()
        local = gatherer.getLocalParameters()
        own = self._transport.getLocalParameters().fingerprints
        answer = Answer(
            offer=offer,
            codec=codec,
            user=local.usernameFragment or "",
            password=local.password or "",
            fingerprints=[(fingerprint.algorithm, fingerprint.value) for fingerprint in own],
            candidates=gatherer.candidate_lines(),
            ssrc=self._sender.ssrc,
            repair_ssrc=self._sender.repair_ssrc,
        )
        remote = RTCDtlsParameters([RTCDtlsFingerprint(name, value) for name, value in offer.fingerprints])
        self._set_state(PeerState.CONNECTING)
        self._task = asyncio.create_task(self._run(ice, RTCIceParameters(offer.user, offer.password), remote))
        return str(answer)

    def send(self, frame: EncodedFrame, captured_s: float) -> None:
        """Queues a frame that was captured at `captured_s`, and sends what is due."""
        self.sender.add_frame(frame, captured_s, self._clock())
        self._send_due()

    async def close(self) -> None:
        """Ends the connection. A failed peer stays failed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.state is not PeerState.FAILED:
            self._set_state(PeerState.CLOSED)

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, ice: RTCIceTransport, remote: RTCIceParameters, dtls: RTCDtlsParameters) -> None:
        """Connects and waits for the end of the connection."""
        transport = self._transport
        assert transport is not None
        try:
            async with asyncio.timeout(self._connect_within_s):
                await ice.start(remote)
                if ice.state == "completed":
                    await transport.start(dtls)
            if transport.state == "connected":
                self._set_state(PeerState.CONNECTED)
                if self._datagrams is not None and self._channel_port is not None:
                    await self._datagrams.start(None, self._channel_port)
                await self._wait_until_lost(transport)
        except (TimeoutError, ConnectionError):
            pass  # the state shows it
        finally:
            # Shielded, because a cancelled task could not send the goodbyes of SCTP and DTLS.
            await asyncio.shield(self._stop(transport, ice, self._datagrams))
            if self.state is not PeerState.CLOSED:
                self._set_state(PeerState.FAILED)

    async def _wait_until_lost(self, transport: DtlsTransport) -> None:
        """Returns when the other side has closed the connection, or sending failed."""
        while transport.state == "connected" and not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_INTERVAL_S):
                    await self._lost.wait()

    def _send_due(self) -> None:
        """Sends the packets that are due, and sets a timer for the next ones."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.state is not PeerState.CONNECTED or self._transport is None:
            return
        try:
            if packets := list(self.sender.take_due(self._clock())):
                self._transport.send(packets)
        except ConnectionError:
            self._lost.set()
            return
        if (next_s := self.sender.next_due_s) is not None:
            in_s = max(0.0, next_s - self._clock())
            self._timer = asyncio.get_running_loop().call_later(in_s, self._send_due)

    def _on_rtcp(self, datagram: bytes) -> None:
        self.sender.on_rtcp(datagram, self._clock())
        self._send_due()

    @staticmethod
    async def _stop(
        transport: DtlsTransport, ice: RTCIceTransport, datagrams: DatagramChannel | None
    ) -> None:
        if datagrams is not None:
            await datagrams.stop()
        await transport.stop()
        await ice.stop()

    def _set_state(self, state: PeerState) -> None:
        if state is not self.state:
            self.state = state
            self._on_state_changed()
