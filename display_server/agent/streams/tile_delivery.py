"""What a viewer's video stream needs of the viewer's tile stream."""

from __future__ import annotations

from typing import Protocol

from display_server.agent.motion.motion_detector import LinkEstimate
from display_server.agent.motion.region import Region


class TileDelivery(Protocol):
    """How well tiles reach the viewer, and which of them video replaces."""

    @property
    def link(self) -> LinkEstimate:
        """What the link to the viewer has carried recently, and what tiles cost."""

    @property
    def ready(self) -> bool:
        """Whether an update may be sent now."""

    @property
    def backlog_s(self) -> float:
        """How long the updates in flight will take to arrive, s."""

    def closed_for_s(self, now_s: float) -> float:
        """Returns how long no update could be sent, s; 0 while one can."""

    def cover(self, region: Region) -> None:
        """Sends no tiles of this region from now on, but all others. Called when video begins to show it."""

    def uncover(self) -> None:
        """Sends all tiles again. Called when video ends."""
