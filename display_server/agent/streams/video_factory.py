"""Loads video support when a viewer needs it, and opens video sessions.

Video support takes about 40 MB of each agent's memory, and 0.2 s to import in a worker thread. Most desktops
never need it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

import msgspec
import structlog

from display_server.agent.motion.encoders.stream_format import INSTALL_HINT
from display_server.agent.motion.motion_detector import MotionDetector, MotionPolicy
from display_server.agent.streams.message_sink import MessageSink
from display_server.agent.streams.tile_delivery import TileDelivery
from display_server.agent.streams.video_counts import VideoCounts
from display_server.agent.transport.host_network import HostNetworks
from display_server.agent.transport.viewer_socket import ViewerIdentity
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoPolicy, VideoSettings
from display_server.telemetry.metrics import AgentMetrics

if TYPE_CHECKING:
    # Loaded on request: these modules need aiortc and an encoder.
    from display_server.agent.streams.video_connection import ConnectionEvents
    from display_server.agent.streams.video_session import VideoSession
    from display_server.agent.transport.webrtc.shared_link import SharedLink
    from display_server.protocol.video_format import Chroma, Codec

log = structlog.get_logger(__name__)


class SupportListener(Protocol):
    """Waits for video support. One of the two methods is called, at most once."""

    def on_support_loaded(self) -> None:
        """`open_session` works from now on."""

    def on_support_missing(self) -> None:
        """This host cannot encode video."""


class VideoFactory:
    """Knows the video settings of the desktop, and the network of each viewer. `run` loads video support once
    something requests it.
    """

    def __init__(self, settings: VideoSettings, networks: HostNetworks) -> None:
        self._settings = settings
        self._networks = networks
        self._requested = asyncio.Event()
        self._listeners: dict[SupportListener, None] = {}  # in the order of their arrival
        self._encodable: frozenset[tuple[Codec, Chroma]] = frozenset()
        self._missing = False
        self._links: WeakValueDictionary[str, SharedLink] = WeakValueDictionary()

    def enabled_on(self, monitor: int, picture: VideoPolicy | None = None) -> bool:
        """Returns whether this monitor may show video, as far as known.

        `picture` is the video policy of the viewer, if it has one of its own.
        """
        return self._settings_of(monitor, picture).enabled and not self._missing

    def detector(self, monitor: int, shadow: Shadow, picture: VideoPolicy | None = None) -> MotionDetector:
        """Creates a motion detector with the policy of the viewer, or of this monitor."""
        policy = MotionPolicy(self._settings_of(monitor, picture).policy)
        return MotionDetector(shadow.grid.count, shadow.grid.columns, policy)

    def request(self) -> None:
        """Loads video support, because something moves, or may soon, that tiles cannot bring."""
        self._requested.set()

    def add_listener(self, listener: SupportListener) -> None:
        """Calls the listener when video support is loaded: at once if it is already."""
        if self._encodable:
            listener.on_support_loaded()
        else:
            self._listeners[listener] = None

    def remove_listener(self, listener: SupportListener) -> None:
        self._listeners.pop(listener, None)

    async def run(self) -> None:
        """Waits for a request, then loads video support and notifies the listeners."""
        if self._settings.preload:
            self.request()
        await self._requested.wait()
        await self._load()
        listeners, self._listeners = self._listeners, {}
        for listener in listeners:
            if self._encodable:
                listener.on_support_loaded()
            else:
                listener.on_support_missing()

    def open_session(
        self,
        viewer: ViewerIdentity,
        monitor: int,
        *,
        tiles: TileDelivery,
        sink: MessageSink,
        counts: VideoCounts,
        on_datagram: Callable[[bytes | None], None],
        events: ConnectionEvents,
        request_frame: Callable[[], None],
        metrics: AgentMetrics,
        clock: Callable[[], float],
        picture: VideoPolicy | None = None,
    ) -> VideoSession:
        """Creates what connects one viewer and sends it video. Video support must be loaded."""
        from display_server.agent.streams.frame_sender import FrameSender
        from display_server.agent.streams.video_connection import VideoConnection
        from display_server.agent.streams.video_session import VideoSession

        settings = self._settings_of(monitor, picture)
        connection = VideoConnection(
            viewer.viewer,
            settings,
            self._networks.of(viewer.viewer),
            self._encodable,
            self._shared_link(viewer.device),
            sink,
            lambda: tiles.link.rate_bytes_per_s,
            on_datagram,
            events,
            clock,
        )
        sender = FrameSender(
            viewer.viewer,
            connection,
            settings.average_bps,
            tiles,
            counts,
            events.on_failed,
            request_frame,
            metrics,
            clock,
        )
        return VideoSession(connection, sender)

    def _settings_of(self, monitor: int, picture: VideoPolicy | None) -> VideoSettings:
        """Returns the settings of a monitor. Those that name the monitor itself apply to every viewer."""
        settings = self._settings.for_monitor(monitor)
        if picture is None or monitor in self._settings.monitors:
            return settings
        return msgspec.structs.replace(settings, policy=picture)

    def _shared_link(self, device: str) -> SharedLink:
        """Returns the link that all windows of a device share. A viewer without a device has its own."""
        from display_server.agent.transport.webrtc.shared_link import SharedLink

        link = self._links.get(device)
        if link is None:
            link = SharedLink()
            if device:
                self._links[device] = link
        return link

    async def _load(self) -> None:
        if self._settings.addresses:  # some viewer may show video, or nobody had asked
            try:
                self._encodable = await asyncio.to_thread(_load_support)
            except ImportError as error:
                log.warning("no video", reason=f"{error}; {INSTALL_HINT}")
            else:
                if not self._encodable:
                    log.warning("no video", reason="no encoder works on this host; see: lightbox doctor")
        self._missing = not self._encodable


def _load_support() -> frozenset[tuple[Codec, Chroma]]:
    """Imports all that video needs, and returns what this host can encode. Raises ImportError."""
    from display_server.agent.motion.encoders.video_encoder import probe_encoders
    from display_server.agent.streams import video_session  # noqa: F401 - imported here, beside the event loop

    facts = probe_encoders()
    log.info("video encoders", working=[f"{fact.name} {fact.chroma.value}" for fact in facts if fact.works])
    return frozenset((fact.codec, fact.chroma) for fact in facts if fact.works)
