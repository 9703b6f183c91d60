"""Video for viewers, on hosts that can make it.

What that takes is some 40 MB of each agent and 0.2 s of a thread: it is loaded when something asks for it,
beside the picture's way. Most desktops never do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import structlog

from display_server.agent.motion.motion_detector import MotionDetector, MotionPolicy
from display_server.agent.update.shadow import Shadow
from display_server.desktop.video_settings import VideoSettings

if TYPE_CHECKING:
    from display_server.agent.streams.video_stream import VideoStream, ViewerSide
    from display_server.agent.transport.webrtc.shared_link import SharedLink
    from display_server.protocol.video_format import Chroma, Codec

log = structlog.get_logger(__name__)


class VideoFactory:
    """`load` first; where it finds nothing, `make` gives None and tiles bring everything."""

    def __init__(self, settings: VideoSettings) -> None:
        self._settings = settings
        self._able: frozenset[tuple[Codec, Chroma]] = frozenset()
        self._kind: type[VideoStream] | None = None
        self._impossible = False
        self._ways: WeakValueDictionary[str, SharedLink] = WeakValueDictionary()

    def enabled_on(self, monitor: int) -> bool:
        """Whether a monitor may show video, as far as is known."""
        return self._settings.for_monitor(monitor).enabled and not self._impossible

    @property
    def eager(self) -> bool:
        """Whether it is certain to be wanted."""
        return self._settings.preload and not self._impossible

    def chooser(self, monitor: int, shadow: Shadow) -> MotionDetector:
        """What looks out for motion that video would help, and chooses once there is some."""
        return MotionDetector(
            shadow.grid.count, shadow.grid.columns, MotionPolicy(self._settings.for_monitor(monitor).policy)
        )

    async def load(self) -> bool:
        """Whether there may be video. Imports in a worker thread."""
        if not self._settings.enabled:
            return False
        try:
            self._kind, self._able = await asyncio.to_thread(_load)
        except ImportError as error:
            log.warning("no video", reason=f"{error}; install it with: pip install 'lightbox[motion]'")
        else:
            if not self._able:
                log.warning("no video", reason="this host has no encoder that works; see: lightbox doctor")
        self._impossible = not self._able
        return bool(self._able)

    def make(
        self, viewer: ViewerSide, monitor: int, shadow: Shadow, chooser: MotionDetector
    ) -> VideoStream | None:
        """Of a monitor, whose picture is in `shadow`."""
        settings = self._settings.for_monitor(monitor)
        if self._kind is None or not self._able or not settings.enabled:
            return None
        from display_server.agent.transport.webrtc.shared_link import SharedLink

        way = self._ways.get(viewer.device)
        if way is None:
            way = SharedLink()
            if viewer.device:
                self._ways[viewer.device] = way
        return self._kind(settings, self._able, way, viewer, monitor, shadow, chooser)


def _load() -> tuple[type[VideoStream], frozenset[tuple[Codec, Chroma]]]:
    from display_server.agent.motion.encoders.video_encoder import probe_encoders
    from display_server.agent.streams.video_stream import VideoStream

    facts = probe_encoders()
    log.info("video encoders", working=[f"{fact.name} {fact.chroma.value}" for fact in facts if fact.works])
    return VideoStream, frozenset((fact.codec, fact.chroma) for fact in facts if fact.works)
