"""One viewer's WebRTC connection for video: the offer, the answer, and another try after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Protocol

import structlog

from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.transport.host_network import HostNetwork, HostNetworkError
from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.peer import Peer, PeerState
from display_server.agent.transport.webrtc.shared_link import SharedLink
from display_server.desktop.video_settings import VideoSettings
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec

log = structlog.get_logger(__name__)

#: Send rate of a connection before anything is known of its link, bit/s.
START_BPS = 6_000_000

#: Least send rate that a connection starts with, bit/s.
START_MIN_BPS = 1_000_000

#: Fraction of the rate that tiles have reached over the same link, with which a connection starts.
START_FRACTION_OF_TILES = 0.5

#: The viewer is asked for a new connection this long after the first failure, s. The time doubles with each
#: failure until frames are shown again.
RETRY_S = 10.0

#: The longest time between two tries, s.
RETRY_MAX_S = 300.0


class ConnectionEvents(Protocol):
    """What a connection reports to its video stream."""

    def on_connected(self) -> None:
        """ICE and DTLS succeeded: frames may be sent."""

    def on_failed(self) -> None:
        """No connection came about, or the connection broke."""


class VideoConnection:
    """Answers the viewer's offers with one WebRTC peer at a time.

    `network` gives sockets and relays. `encodable` are the codecs that this host can encode. `shared_link`
    belongs to all windows of the viewer's device. `tile_rate_bytes_per_s` returns what tiles have reached
    over the link. `on_datagram` receives the messages of the data channel, and None for a message that the
    channel does not allow.
    """

    def __init__(
        self,
        viewer: str,
        settings: VideoSettings,
        network: HostNetwork,
        encodable: frozenset[tuple[Codec, Chroma]],
        shared_link: SharedLink,
        sink: MessageSink,
        tile_rate_bytes_per_s: Callable[[], float | None],
        on_datagram: Callable[[bytes | None], None],
        events: ConnectionEvents,
        clock: Callable[[], float],
    ) -> None:
        self._viewer = viewer
        self._settings = settings
        self._network = network
        self._encodable = encodable
        self._shared_link = shared_link
        self._sink = sink
        self._tile_rate_bytes_per_s = tile_rate_bytes_per_s
        self._on_datagram = on_datagram
        self._events = events
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._member: BandwidthEstimator | None = None
        self._retry_s = RETRY_S
        self._retry_timer: asyncio.TimerHandle | None = None
        self.peer: Peer | None = None

    @property
    def codec(self) -> str:
        """The agreed codec and chroma format for people to read; empty before an answer."""
        if self.peer is None or self.peer.codec is None:
            return ""
        codec, chroma = self.peer.codec
        return f"{codec.value} {chroma.value}"

    def invite(self) -> None:
        """Asks the viewer for an offer, with new credentials for the relays if there are any."""
        if self._settings.relays:
            self._start(self._invite())
        else:
            self._sink.send_message(m.OfferRequest([]))

    def accept(self, offer: m.Offer) -> None:
        """Answers an offer in the background. The new connection replaces the former one."""
        self._start(self._answer(offer))

    def retry_later(self) -> None:
        """Asks the viewer again after a while, unless it connects before."""
        if self._retry_timer is None:
            self._retry_timer = asyncio.get_running_loop().call_later(self._retry_s, self._retry)
            self._retry_s = min(RETRY_MAX_S, 2 * self._retry_s)

    def on_frames_shown(self) -> None:
        """Records that the connection works end to end: the next failure is retried soon again."""
        self._retry_s = RETRY_S

    def join_shared_link(self) -> None:
        """Takes a part of the device's link, because there are frames to send from now on."""
        if self.peer is not None:
            self._member = self.peer.sender.estimator
            self._shared_link.join(self._member)

    def leave_shared_link(self) -> None:
        """Leaves the device's link to others. Safe to call twice."""
        if self._member is not None:
            self._shared_link.leave(self._member)
            self._member = None

    async def close(self) -> None:
        self._cancel_retry()
        self.leave_shared_link()
        for task in list(self._tasks):
            task.cancel()
        peer, self.peer = self.peer, None
        if peer is not None:
            await peer.close()

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _invite(self) -> None:
        try:
            servers = await self._network.relays()
        except HostNetworkError as error:
            log.warning("no relay for video", viewer=self._viewer, error=str(error))
            servers = []  # the direct path may work
        self._sink.send_message(m.OfferRequest(servers))

    async def _answer(self, offer: m.Offer) -> None:
        former, self.peer = self.peer, None
        if former is not None:
            await former.close()
        peer = Peer(
            self._network.open_sockets,
            self._codecs(),
            self._start_bps(),
            self._settings.max_bps,
            self._clock,
            self._on_datagram,
            lambda: self._on_peer_state(peer),
        )
        self.peer = peer
        try:
            answer = await peer.answer(offer.sdp)
        except (ProtocolError, HostNetworkError, OSError, ValueError) as error:
            log.warning("video offer cannot be answered", viewer=self._viewer, error=str(error))
            if peer is self.peer:
                self._events.on_failed()
            return
        if peer is not self.peer:  # a newer offer arrived meanwhile
            await peer.close()
            return
        self._sink.send_message(m.Answer(answer))

    def _codecs(self) -> frozenset[tuple[Codec, Chroma]]:
        """Returns the codecs to offer.

        4:4:4 costs a third more to encode than 4:2:0, so `economy`, which saves bandwidth and CPU, avoids it.
        """
        if self._settings.policy != "economy":
            return self._encodable
        subsampled = frozenset(kind for kind in self._encodable if kind[1] is Chroma.YUV420)
        return subsampled or self._encodable

    def _start_bps(self) -> int:
        rate = self._tile_rate_bytes_per_s()
        start = START_BPS if rate is None else max(START_MIN_BPS, int(rate * 8 * START_FRACTION_OF_TILES))
        return min(start, self._settings.max_bps)

    def _on_peer_state(self, peer: Peer) -> None:
        if peer is not self.peer:
            return
        if peer.state is PeerState.CONNECTED:
            # The viewer may have come by itself: asking it again would end a connection that works.
            self._cancel_retry()
            self._shared_link.on_connected()
            log.info("video connected", viewer=self._viewer, codec=self.codec)
            self._events.on_connected()
        elif peer.state is PeerState.FAILED:
            log.info("video connection lost", viewer=self._viewer)
            self._events.on_failed()

    def _retry(self) -> None:
        self._retry_timer = None
        self.invite()

    def _cancel_retry(self) -> None:
        if self._retry_timer is not None:
            self._retry_timer.cancel()
            self._retry_timer = None
