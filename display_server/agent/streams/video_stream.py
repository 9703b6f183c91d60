"""One viewer's video stream: detects motion, connects, and replaces tiles by video until motion rests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TYPE_CHECKING

import structlog

from display_server.agent.motion.region import Region, Tiles
from display_server.agent.streams.frame_requests import FrameRequests
from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.streams.motion_region import MotionRegion
from display_server.agent.streams.tile_delivery import TileDelivery
from display_server.agent.streams.video_counts import VideoCounts
from display_server.agent.streams.video_factory import VideoFactory
from display_server.agent.streams.video_state import (
    CONNECTED_STATES,
    STATUS_NAMES,
    VideoEvent,
    VideoState,
    VideoStateMachine,
)
from display_server.agent.transport.viewer_socket import ViewerIdentity
from display_server.agent.update.exactness import Exactness
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoPolicy
from display_server.protocol import messages as m
from display_server.protocol.errors import ProtocolError
from display_server.telemetry.metrics import AgentMetrics

if TYPE_CHECKING:
    # Loaded when video is wanted: the module needs aiortc and an encoder.
    from display_server.agent.streams.video_session import VideoSession

log = structlog.get_logger(__name__)

#: Over a link below this rate, tiles will not be able to follow motion: the connection is made beforehand,
#: bytes/s.
NARROW_LINK_BYTES_PER_S = 12_500_000

#: The same for a link with a longer round trip than this, s.
LONG_ROUND_TRIP_S = 0.02

#: Transitions that `VideoStream.transitions` remembers.
TRANSITIONS_KEPT = 32


class VideoStream:
    """Exists for every viewer; where video is impossible its state is `unavailable` (see `video_state.py`).

    `capable` says whether the viewer can show video. `picture` is the video policy of this viewer; None: that
    of the monitor. `on_datagram` receives the messages of the connection's
    data channel. `clock` returns the monotonic time in s. Implements SupportListener and ConnectionEvents.
    """

    def __init__(
        self,
        viewer: ViewerIdentity,
        monitor: int,
        shadow: Shadow,
        factory: VideoFactory,
        tiles: TileDelivery,
        sink: MessageSink,
        frames: FrameRequests,
        on_datagram: Callable[[bytes | None], None],
        metrics: AgentMetrics,
        clock: Callable[[], float],
        *,
        capable: bool,
        picture: VideoPolicy | None = None,
    ) -> None:
        self._viewer = viewer
        self._monitor = monitor
        self._shadow = shadow
        self._factory = factory
        self._tiles = tiles
        self._sink = sink
        self._on_datagram = on_datagram
        self._metrics = metrics
        self._clock = clock
        self._frames = frames
        self._session: VideoSession | None = None  # exists from `starting` on
        self.picture = picture
        detector = factory.detector(monitor, shadow, picture)
        self.motion = MotionRegion(monitor, shadow, detector, tiles, sink, self._request_frame)
        self.counts = VideoCounts()
        #: The latest transitions, oldest first: former state, event, new state.
        self.transitions: deque[tuple[VideoState, VideoEvent, VideoState]] = deque(maxlen=TRANSITIONS_KEPT)
        possible = capable and factory.enabled_on(monitor, picture)
        self._machine = VideoStateMachine(
            VideoState.DETECTING if possible else VideoState.UNAVAILABLE, self._on_transition
        )

    @property
    def state(self) -> VideoState:
        return self._machine.state

    @property
    def status(self) -> m.VideoState:
        """The state as the `status` message names it."""
        return STATUS_NAMES[self.state]

    @property
    def codec(self) -> str:
        """The agreed codec for people to read; empty while there is none."""
        return self._session.connection.codec if self._session is not None else ""

    # ── used by the pipeline ─────────────────────────────────────────────────────────────────────────

    @property
    def playing(self) -> bool:
        """Whether a region goes as video."""
        return self.state is VideoState.PLAYING

    @property
    def wants_captures(self) -> bool:
        """Whether captures are useful although no tile can be sent: video could bring what tiles cannot."""
        return self.state is VideoState.DETECTING or self.state in CONNECTED_STATES

    def on_capture(self, changed: Tiles, waited_s: float, now_s: float, *, delay_s: float = 0.0) -> None:
        """Decides what is video from now on.

        `changed` are the tiles that the latest capture changed, none if there was no capture. `waited_s` is
        how long the oldest damage waited for that capture, `delay_s` the time from that damage until now.
        """
        if self.state is VideoState.UNAVAILABLE:
            return
        motion, region = self.motion, None
        if len(changed):
            motion.observe(changed, waited_s, now_s, delay_s=delay_s)
        if self.state is VideoState.DETECTING:
            if len(changed):
                self._detect(now_s)
            return
        if self.playing and motion.is_unseen(now_s):
            log.warning("viewer shows no video", viewer=self._viewer.viewer, frames=self.counts.frames)
            self.on_failed()
        if self.state in CONNECTED_STATES:
            region = motion.detector.choose_region(self._tiles.link, now_s, video_frames=self.counts.frames)
        else:
            motion.detector.stop(now_s)
        if region is None:
            self._end_motion()
            return
        if region != motion.region:
            self._begin_motion(region, now_s)
        motion.schedule_rest(now_s)

    async def encode_frame(self, changed: Tiles, captured_s: float, executor: Executor) -> None:
        """Begins to encode a frame, if one is due. Returns when the shadow framebuffer may change again."""
        region, session = self.motion.region, self._session
        if region is not None and session is not None:
            await session.sender.send(self._shadow, region, changed, captured_s, executor)

    # ── SupportListener and ConnectionEvents ─────────────────────────────────────────────────────────

    def on_support_loaded(self) -> None:
        if self.state is not VideoState.DETECTING:
            return
        self._session = self._factory.open_session(
            self._viewer,
            self._monitor,
            tiles=self._tiles,
            sink=self._sink,
            counts=self.counts,
            on_datagram=self._on_datagram,
            events=self,
            request_frame=self._request_frame,
            metrics=self._metrics,
            clock=self._clock,
            picture=self.picture,
        )
        self._machine.step(VideoEvent.INVITED)
        self._session.connection.invite()

    def on_support_missing(self) -> None:
        if self.state is VideoState.DETECTING:
            self._machine.step(VideoEvent.SUPPORT_MISSING)

    def on_connected(self) -> None:
        self._machine.step(VideoEvent.CONNECTED)
        self._metrics.video_connected += 1
        self._request_frame()

    def on_failed(self) -> None:
        """Falls back to tiles, and asks the viewer for another connection later."""
        if self.state is VideoState.CLOSED:
            return
        self._end_motion()
        self._machine.step(VideoEvent.FAILED)
        self._metrics.video_failed += 1
        if self._session is not None:
            self._session.connection.retry_later()
        self._request_frame()

    # ── used by the viewer ───────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Begins to watch for motion. Called after `welcome` was sent."""
        if self.state is VideoState.DETECTING:
            self._factory.add_listener(self)

    def on_link_measured(self, rate_bytes_per_s: float | None, round_trip_s: float) -> None:
        """Prepares video early where tiles will not be able to follow the first motion."""
        if self.state is not VideoState.DETECTING:
            return
        narrow = rate_bytes_per_s is not None and rate_bytes_per_s < NARROW_LINK_BYTES_PER_S
        if narrow or round_trip_s > LONG_ROUND_TRIP_S:
            self._factory.request()

    def on_offer(self, offer: m.Offer) -> None:
        """Answers the viewer's offer. Raises ProtocolError if the viewer was never asked for one."""
        if self._session is None:
            raise ProtocolError("an offer may only follow a request for one")
        self._end_motion()
        self._machine.step(VideoEvent.OFFERED)
        self._session.connection.accept(offer)

    def on_played(self, message: m.Played, now_s: float) -> None:
        if self.motion.on_played(message, now_s) and self._session is not None:
            self._session.connection.on_frames_shown()

    def on_exactness(self, exactness: Exactness) -> None:
        """Learns what the viewer's surface shows: motion has settled when nothing lossy is left."""
        if self.state is VideoState.SETTLING and exactness is not Exactness.LOSSY:
            self._machine.step(VideoEvent.SETTLED)

    def stop_motion(self) -> None:
        """Sends only tiles until the detector finds motion again: the surface was lost, or is hidden."""
        self._end_motion()
        self.motion.detector.stop(self._clock())

    def resize(self, shadow: Shadow, picture: VideoPolicy | None) -> None:
        """Adopts another size of the monitor, or another video policy. Motion is detected anew.

        A viewer that could have no video so far has some after its next connection.
        """
        self.stop_motion()
        self._shadow, self.picture = shadow, picture
        self.motion.resize(shadow, self._factory.detector(self._monitor, shadow, picture))

    async def close(self) -> None:
        self._machine.step(VideoEvent.CLOSED)
        self._factory.remove_listener(self)
        self.motion.close()
        if self._session is not None:
            await self._session.close()

    # ── private ──────────────────────────────────────────────────────────────────────────────────────

    def _detect(self, now_s: float) -> None:
        """Asks for video support if something moves that tiles cannot bring."""
        detector = self.motion.detector
        if detector.is_starved(now_s) or detector.choose_region(self._tiles.link, now_s) is not None:
            detector.stop(now_s)
            self._factory.request()

    def _begin_motion(self, region: Region, now_s: float) -> None:
        assert self._session is not None
        self._machine.step(VideoEvent.MOTION_BEGAN)
        self._metrics.video_started += 1
        self.counts.begin_motion()
        self.motion.begin(region, now_s)
        self._session.connection.join_shared_link()
        self._session.sender.begin(self.motion.number, now_s)

    def _end_motion(self) -> None:
        """Does nothing if there is no motion."""
        if self._session is None or not self.playing:
            return
        self._machine.step(VideoEvent.MOTION_ENDED)
        self._session.sender.end()
        self._session.connection.leave_shared_link()
        self.motion.end()

    def _request_frame(self) -> None:
        self._frames.request_frame(self._monitor)

    def _on_transition(self, former: VideoState, event: VideoEvent, state: VideoState) -> None:
        self.transitions.append((former, event, state))
        log.debug(
            "video state",
            viewer=self._viewer.viewer,
            former=former.value,
            cause=event.value,
            state=state.value,
        )
