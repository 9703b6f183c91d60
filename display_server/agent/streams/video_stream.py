"""What moves, as one viewer gets it: a connection, an encoder, and the choice between video and tiles."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import math
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Protocol

import numpy as np
import structlog

from display_server.agent.motion.allowance import Allowance
from display_server.agent.motion.encoders.stream_format import EncoderError
from display_server.agent.motion.frame_number import NUMBER_MAX
from display_server.agent.motion.motion_detector import LinkEstimate, MotionDetector
from display_server.agent.motion.region import Region, Tiles
from display_server.agent.streams.frame_encoder import FrameEncoder
from display_server.agent.transport.webrtc.estimator import BandwidthEstimator
from display_server.agent.transport.webrtc.peer import Peer, PeerState
from display_server.agent.transport.webrtc.shared_link import SharedLink
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import TurnServer, VideoSettings
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.protocol.video_format import Chroma, Codec, EncodedFrame
from display_server.telemetry.metrics import AgentMetrics

log = structlog.get_logger(__name__)

#: Credentials for a relay are good for so long, s.
CREDENTIAL_S = 12 * 3600
#: Of what the way carries, video takes this share: tiles and input go beside it.
SHARE = 0.85
#: Before anything is known of the way, and at least, bit/s.
START_BPS, START_MIN_BPS = 6_000_000, 1_000_000
#: No new frame while so much of the last ones waits to be sent, s.
BACKLOG_MAX_S = 0.05
#: The first frame waits while tiles that are under way take longer than this, s: where it belongs is told
#: behind them, and both together would overfill the way. But no longer than the other, s.
TILES_AHEAD_S, AHEAD_MAX_S = 0.1, 1.0
#: A viewer that was sent video shows some within this time, s, or gets tiles …
SHOWN_WITHIN_S = 2.0
#: … and is asked for a new connection after this one, s, twice as long each time.
RETRY_S = 10.0
RETRY_MAX_S = 300.0


def relays(turn: TurnServer | None, viewer: str, now_unix_s: float) -> list[m.IceServer]:
    """With a name that expires and its proof, as coturn's REST interface wants them."""
    if turn is None:
        return []
    name = f"{int(now_unix_s) + CREDENTIAL_S}:{viewer}"
    proof = hmac.new(turn.secret.encode(), name.encode(), hashlib.sha1).digest()  # the scheme's own digest
    return [m.IceServer(turn.urls, name, base64.b64encode(proof).decode())]


class ViewerSide(Protocol):
    """What video needs of the viewer that it is for."""

    id: str
    #: Which viewers share a way; empty: it is alone.
    device: str
    metrics: AgentMetrics
    #: s on the monotonic clock.
    clock: Callable[[], float]

    @property
    def way(self) -> LinkEstimate:
        """What it has shown to carry of late."""

    @property
    def backlog_s(self) -> float:
        """How long the tiles that are under way to it will take."""

    def tell(self, message: m.Peer | m.Answer | m.Video) -> None:
        """Sends a control message."""

    def wake(self) -> None:
        """The pipeline is to look again."""

    def datagram(self, data: bytes | None) -> None:
        """A message of the data channel came; None: something that is none."""


class VideoStream:
    """`able` is what this host encodes, `shared` is the way of all windows of the viewer's device, `chooser`
    knows what moved so far."""

    def __init__(
        self,
        settings: VideoSettings,
        able: frozenset[tuple[Codec, Chroma]],
        shared: SharedLink,
        viewer: ViewerSide,
        monitor: int,
        shadow: Shadow,
        chooser: MotionDetector,
    ) -> None:
        self._settings = settings
        self._able = able
        self._shared = shared
        self._sharing: BandwidthEstimator | None = None
        self._viewer = viewer
        self._monitor = monitor
        self._tell = viewer.tell
        self._wake = viewer.wake
        self._metrics = viewer.metrics
        self._clock = viewer.clock
        self._peer: Peer | None = None
        self._retry_s = RETRY_S
        self._timer: asyncio.TimerHandle | None = None
        self._again: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._maker = FrameEncoder()
        self._allowance = Allowance(settings.average_bps, self._clock())
        self._owed = False
        self._number = 0
        self._last_number = 0
        self._began_s = math.inf
        self._heard_s = math.inf
        self._played = 0
        self._keyframe = True
        self.failed = False
        self.region: Region | None = None
        self.frames = 0
        self.bytes = 0
        self.raw_bytes = 0  # the same pictures at 3 bytes a pixel
        self._counted = 0, 0  # bytes and raw bytes when the present motion began
        #: Frames that were not made because the way was full, or the one before not done.
        self.skipped = 0
        self.show(shadow, chooser)

    def show(self, shadow: Shadow, chooser: MotionDetector) -> None:
        """The picture, of a size of its own, starts over."""
        self._shadow = shadow
        self._chooser = chooser
        self._forget_region()

    def start_over(self) -> None:
        """The viewer's surface is lost, and with it what video was to show."""
        if self.region is not None:
            self._end()
        self._chooser.stop(self._clock())

    @property
    def state(self) -> m.VideoState:
        if self.failed:
            return "failed"
        if self._peer is None or self._peer.state is PeerState.NEW:
            return "off"
        if self._peer.state is PeerState.CONNECTED:
            return "playing" if self.region is not None else "ready"
        return "connecting"

    @property
    def codec(self) -> str:
        """As people name it; empty where nothing was agreed on."""
        if self._peer is None or self._peer.codec is None:
            return ""
        codec, chroma = self._peer.codec
        return f"{codec.value} {chroma.value}"

    @property
    def ratio(self) -> float | None:
        """Raw bytes for each that was sent, of the latest motion."""
        sent, raw = self.bytes - self._counted[0], self.raw_bytes - self._counted[1]
        return round(raw / sent, 1) if sent else None

    # ── connection ───────────────────────────────────────────────────────────────────────────────────

    def invite(self) -> None:
        """Asks the viewer for an offer."""
        self._tell(m.Peer(relays(self._settings.turn, self._viewer.id, time.time())))

    def offered(self, offer: m.Offer) -> None:
        """A new connection takes the place of a former one."""
        self._keep(self._answer(offer))

    async def _answer(self, offer: m.Offer) -> None:
        former, self._peer = self._peer, None
        if former is not None:
            await former.close()
        peer = Peer(
            self._settings.addresses,
            self._wanted(),
            self._start_bps(),
            self._settings.max_bps,
            self._clock,
            self._viewer.datagram,
            lambda: self._peer_changed(peer),
        )
        self._peer = peer
        try:
            answer = await peer.answer(offer.sdp)
        except (ProtocolError, OSError, ValueError) as error:
            log.warning("no video", viewer=self._viewer.id, error=str(error))
            if peer is self._peer:
                self._fail()
            return
        if peer is not self._peer:  # a newer offer came meanwhile
            await peer.close()
            return
        self._tell(m.Answer(answer))

    def _wanted(self) -> frozenset[tuple[Codec, Chroma]]:
        """Full colour costs a third more to encode: not where bandwidth and CPU are what counts."""
        if self._settings.policy != "economy":
            return self._able
        quarter = frozenset(kind for kind in self._able if kind[1] is Chroma.YUV420)
        return quarter or self._able

    def _start_bps(self) -> int:
        """Half of what tiles have shown the way to carry; the rest is found out."""
        rate = self._viewer.way.rate_bytes_per_s
        known = START_BPS if rate is None else max(START_MIN_BPS, int(rate * 8 / 2))
        return min(known, self._settings.max_bps)

    def _peer_changed(self, peer: Peer) -> None:
        if peer is not self._peer:
            return
        if peer.state is PeerState.CONNECTED:
            self.failed = False
            self._metrics.video_connected += 1
            self._shared.on_connected()
            if self._again is not None:  # the viewer came by itself: to ask it would end what works
                self._again.cancel()
                self._again = None
            codec, chroma = peer.codec or (None, None)
            log.info(
                "video ready",
                viewer=self._viewer.id,
                codec=codec.value if codec else None,
                chroma=chroma.value if chroma else None,
            )
            self._wake()
        elif peer.state is PeerState.FAILED:
            log.info("video connection lost", viewer=self._viewer.id)
            self._fail()

    def _fail(self) -> None:
        """Tiles bring everything; later the viewer is asked again."""
        self.failed = True
        self._metrics.video_failed += 1
        self._wake()
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(self._retry_s, self._try_again)
            self._retry_s = min(RETRY_MAX_S, 2 * self._retry_s)

    def _try_again(self) -> None:
        self._again = None
        self.invite()

    # ── the picture's way: called by the pipeline ────────────────────────────────────────────────────

    def pictured(self, tiles: Tiles, waited_s: float, now_s: float, *, taken: bool) -> None:
        self._chooser.on_frame(tiles, waited_s, now_s, viewer_ready=taken)

    @property
    def usable(self) -> bool:
        return self._peer is not None and self._peer.state is PeerState.CONNECTED and not self.failed

    def choose(self, way: LinkEstimate, now_s: float) -> bool:
        """Decides what goes as video now; True where that changed."""
        before = self.region
        if self.usable and self.region is not None and self._unseen(now_s):
            log.warning("video is not shown", viewer=self._viewer.id, frames=self.frames)
            self._fail()
        if self.usable:
            region = self._chooser.choose_region(way, now_s)
        else:
            self._chooser.stop(now_s)
            region = None
        if region != before:
            self._end() if region is None else self._begin(region, now_s)
        if self.region is not None:
            self._look_again(self._chooser.rest_deadline_s - now_s)
        return region != before

    async def frame(self, tiles: Tiles, captured_s: float, executor: Executor) -> None:
        """Begins a frame if something in the region changed and the way is free. The picture may change when
        this returns.
        """
        region, peer = self.region, self._peer
        if region is None or peer is None or peer.codec is None:
            return
        grid = self._shadow.grid
        if not (self._keyframe or self._owed or np.isin(tiles, region.tiles(grid.columns)).any()):
            return
        self._owed = (
            self._maker.busy
            or peer.sender.backlog_s > BACKLOG_MAX_S
            or (self._keyframe and self._tiles_ahead())
        )
        if self._owed:
            self.skipped += 1
            return
        allowed_bps = self._allowance.rate_bps(self._clock())
        keyframe = self._keyframe or peer.sender.keyframe_wanted(self._clock())
        self._keyframe = False
        x, y, width, height = region.rectangle_px(grid.width_px, grid.height_px)
        frame = await self._maker.begin(
            self._shadow.pixels[y : y + height, x : x + width],
            self._number,
            peer.codec,
            executor,
            at_s=captured_s,
            bitrate_bps=int(min(allowed_bps, SHARE * peer.sender.estimator.target_bps)),
            keyframe=keyframe,
        )
        frame.add_done_callback(lambda frame: self._made(frame, peer, 3 * width * height, captured_s))

    def _made(
        self, encoded: asyncio.Future[EncodedFrame], peer: Peer, raw_bytes: int, captured_s: float
    ) -> None:
        if encoded.cancelled():
            return
        try:
            frame = encoded.result()
        except EncoderError as error:
            log.error("encoder failed", viewer=self._viewer.id, error=str(error))
            self._maker.close()
            self._fail()
            return
        if peer is not self._peer or peer.state is not PeerState.CONNECTED:
            return
        self.frames += 1
        self.bytes += len(frame.data)
        self.raw_bytes += raw_bytes
        self._metrics.video_frames += 1
        self._metrics.video_bytes += len(frame.data)
        self._allowance.spend(len(frame.data), self._clock())
        peer.send(frame, captured_s)
        if self._owed:  # what came meanwhile
            self._wake()

    def played(self, message: m.Played, now_s: float) -> None:
        if message.number == self._number and message.frames > self._played:
            self._played = message.frames
            self._heard_s = now_s
            self._retry_s = RETRY_S

    async def close(self) -> None:
        for timer in (self._timer, self._again):
            if timer is not None:
                timer.cancel()
        self._forget_region()
        for task in list(self._tasks):
            task.cancel()
        self._maker.close()
        if self._peer is not None:
            peer, self._peer = self._peer, None
            await peer.close()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────

    def _unseen(self, now_s: float) -> bool:
        """Whether frames went out and the viewer showed none for long."""
        moving = self._chooser.rest_deadline_s > now_s
        return moving and now_s - max(self._began_s, self._heard_s) > SHOWN_WITHIN_S

    def _tiles_ahead(self) -> bool:
        waited_s = self._clock() - self._began_s
        return self._viewer.backlog_s > TILES_AHEAD_S and waited_s < AHEAD_MAX_S

    def _begin(self, region: Region, now_s: float) -> None:
        self.region = region
        if self._peer is not None:
            self._sharing = self._peer.sender.estimator
            self._shared.join(self._sharing)
        self._number = self._last_number = self._last_number % NUMBER_MAX + 1
        self._began_s = self._heard_s = now_s
        self._counted = self.bytes, self.raw_bytes
        self._played = 0
        self._keyframe = True
        place = region.rectangle_px(self._shadow.grid.width_px, self._shadow.grid.height_px)
        self._tell(m.Video(self._monitor, self._number, *place))

    def _end(self) -> None:
        self._forget_region()
        self._tell(m.Video(self._monitor, 0, 0, 0, 0, 0))

    def _forget_region(self) -> None:
        self.region = None
        self._number = 0
        if self._sharing is not None:
            self._shared.leave(self._sharing)
            self._sharing = None

    def _look_again(self, in_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(0.001, in_s), self._wake)

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
