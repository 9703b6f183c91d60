"""One viewer's WebRTC connection, from its offer to video on the wire. Tiles never wait for it.

    new ─answer─► connecting ─► connected ─► closed
                      └────────────┴──────► failed

The agent sends to nobody who did not reach it first: candidates that a browser names are not tried, what it
sends is answered. So an offer cannot make the agent knock at other hosts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from enum import Enum

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCIceParameters,
    RTCIceTransport,
)

from display_server.agent.transport.webrtc.aiortc_overrides import Datagrams, Gatherer, Transport
from display_server.agent.transport.webrtc.codec_choice import choose_codec
from display_server.agent.transport.webrtc.session_description import (
    TRANSPORT_SEQUENCE,
    Answer,
    parse_offer,
)
from display_server.agent.transport.webrtc.video_sender import VideoSender
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame

#: ICE and DTLS together take so long at most, s. A way without UDP is known by then.
CONNECT_WITHIN_S = 8.0
#: Whether the other side said goodbye is looked at this often, s.
LOOK_EVERY_S = 1.0


class PeerState(Enum):
    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class Peer:
    """`datagram` is called with each message of the data channel, None for what is none; `changed` when the
    state did. `addresses` of this host are offered, no others."""

    def __init__(
        self,
        addresses: Sequence[str],
        able: frozenset[tuple[Codec, Chroma]],
        start_bps: int,
        max_bps: int,
        clock: Callable[[], float],
        datagram: Callable[[bytes | None], None],
        changed: Callable[[], None],
        connect_within_s: float = CONNECT_WITHIN_S,
    ) -> None:
        self._addresses = addresses
        self._able = able
        self._start_bps, self._max_bps = start_bps, max_bps
        self._clock = clock
        self._datagram = datagram
        self._changed = changed
        self._connect_within_s = connect_within_s
        self._transport: Transport | None = None
        self._datagrams: Datagrams | None = None
        self._channel_port: int | None = None
        self._lost = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self.state = PeerState.NEW
        self.codec: tuple[Codec, Chroma] | None = None
        self._sender: VideoSender | None = None

    @property
    def sender(self) -> VideoSender:
        assert self._sender is not None, "only after an offer was answered"
        return self._sender

    async def answer(self, offer_text: str) -> str:
        """The answer's SDP; the connection is made in the background. Raises ProtocolError."""
        assert self.state is PeerState.NEW
        offer = parse_offer(offer_text)
        choice = choose_codec(offer.codecs, self._able)
        if choice is None:
            raise ProtocolError("the offer has no video codec that this host can encode")
        if TRANSPORT_SEQUENCE not in offer.extensions:
            raise ProtocolError(
                "the offer has no transport-wide feedback, so nothing tells what the way carries"
            )
        codec, kind, chroma = choice
        self.codec = kind, chroma
        self._sender = VideoSender(offer, codec, start_bps=self._start_bps, max_bps=self._max_bps)
        gatherer = Gatherer(self._addresses)
        ice = RTCIceTransport(gatherer)
        certificate = RTCCertificate.generateCertificate()
        self._transport = Transport(ice, certificate, self._rtcp)
        if offer.channel is not None:
            self._datagrams = Datagrams(self._transport, self._datagram)
            self._channel_port = offer.channel.port
        await gatherer.gather()
        local = gatherer.getLocalParameters()
        own = self._transport.getLocalParameters().fingerprints
        answer = Answer(
            offer=offer,
            codec=codec,
            user=local.usernameFragment or "",
            password=local.password or "",
            fingerprints=[(print_.algorithm, print_.value) for print_ in own],
            candidates=[candidate.to_sdp() for candidate in gatherer._connection.local_candidates],
            ssrc=self._sender.ssrc,
            repair_ssrc=self._sender.repair_ssrc,
        )
        theirs = RTCDtlsParameters([RTCDtlsFingerprint(name, value) for name, value in offer.fingerprints])
        self._set(PeerState.CONNECTING)
        self._task = asyncio.create_task(self._run(ice, RTCIceParameters(offer.user, offer.password), theirs))
        return str(answer)

    def send(self, frame: EncodedFrame, captured_s: float) -> None:
        self.sender.add(frame, captured_s, self._clock())
        self._pump()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.state is not PeerState.FAILED:
            self._set(PeerState.CLOSED)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, ice: RTCIceTransport, remote: RTCIceParameters, dtls: RTCDtlsParameters) -> None:
        transport = self._transport
        assert transport is not None
        try:
            async with asyncio.timeout(self._connect_within_s):
                await ice.start(remote)
                if ice.state == "completed":
                    await transport.start(dtls)
            if transport.state == "connected":
                self._set(PeerState.CONNECTED)
                if self._datagrams is not None and self._channel_port is not None:
                    await self._datagrams.start(None, self._channel_port)
                await self._watch(transport)
        except (TimeoutError, ConnectionError):
            pass  # told by the state
        finally:
            # Not awaited where the loop ends: both only say goodbye.
            await asyncio.shield(self._end(transport, ice, self._datagrams))
            if self.state is not PeerState.CLOSED:
                self._set(PeerState.FAILED)

    async def _watch(self, transport: Transport) -> None:
        """Returns when the other side is gone."""
        while transport.state == "connected" and not self._lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._lost.wait()

    def _pump(self) -> None:
        """Sends what is due, and comes back when more is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.state is not PeerState.CONNECTED or self._transport is None:
            return
        try:
            if packets := list(self.sender.due(self._clock())):
                self._transport.send(packets)
        except ConnectionError:
            self._lost.set()
            return
        if (next_s := self.sender.next_due_s) is not None:
            in_s = max(0.0, next_s - self._clock())
            self._timer = asyncio.get_running_loop().call_later(in_s, self._pump)

    def _rtcp(self, datagram: bytes) -> None:
        self.sender.rtcp(datagram, self._clock())
        self._pump()

    @staticmethod
    async def _end(transport: Transport, ice: RTCIceTransport, datagrams: Datagrams | None) -> None:
        if datagrams is not None:
            await datagrams.stop()
        await transport.stop()
        await ice.stop()

    def _set(self, state: PeerState) -> None:
        if state is not self.state:
            self.state = state
            self._changed()
