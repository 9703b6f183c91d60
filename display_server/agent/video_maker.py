"""Video for viewers, on hosts that can make it.

What that takes is some 40 MB of each agent and 0.2 s of a thread: it is loaded when something asks for it,
beside the picture's way. Most desktops never do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import structlog

from display_server.motion.chooser import MotionChooser, MotionPolicy
from display_server.motion.settings import VideoSettings
from display_server.update.shadow import Shadow

if TYPE_CHECKING:
    from display_server.agent.viewer_video import ViewerSide, ViewerVideo
    from display_server.motion.encoders.video_encoder import Chroma, Codec
    from display_server.transport.webrtc.shared_way import SharedWay

log = structlog.get_logger(__name__)


class VideoMaker:
    """`load` first; where it finds nothing, `make` gives None and tiles bring everything."""

    def __init__(self, settings: VideoSettings) -> None:
        self._settings = settings
        self._able: frozenset[tuple[Codec, Chroma]] = frozenset()
        self._kind: type[ViewerVideo] | None = None
        self._impossible = False
        self._ways: WeakValueDictionary[str, SharedWay] = WeakValueDictionary()

    def enabled_on(self, monitor: int) -> bool:
        """Whether a monitor may show video, as far as is known."""
        return self._settings.on(monitor).enabled and not self._impossible

    @property
    def eager(self) -> bool:
        """Whether it is certain to be wanted."""
        return self._settings.eager and not self._impossible

    def chooser(self, monitor: int, shadow: Shadow) -> MotionChooser:
        """What looks out for motion that video would help, and chooses once there is some."""
        return MotionChooser(
            shadow.grid.count, shadow.grid.columns, MotionPolicy(self._settings.on(monitor).policy)
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
        self, viewer: ViewerSide, monitor: int, shadow: Shadow, chooser: MotionChooser
    ) -> ViewerVideo | None:
        """Of a monitor, whose picture is in `shadow`."""
        settings = self._settings.on(monitor)
        if self._kind is None or not self._able or not settings.enabled:
            return None
        from display_server.transport.webrtc.shared_way import SharedWay

        way = self._ways.get(viewer.device)
        if way is None:
            way = SharedWay()
            if viewer.device:
                self._ways[viewer.device] = way
        return self._kind(settings, self._able, way, viewer, monitor, shadow, chooser)


def _load() -> tuple[type[ViewerVideo], frozenset[tuple[Codec, Chroma]]]:
    from display_server.agent.viewer_video import ViewerVideo
    from display_server.motion.encoders.video_encoder import encoders

    facts = encoders()
    log.info("video encoders", working=[f"{fact.name} {fact.chroma.value}" for fact in facts if fact.works])
    return ViewerVideo, frozenset((fact.codec, fact.chroma) for fact in facts if fact.works)
