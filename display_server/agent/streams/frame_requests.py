"""The capability to request frames of a monitor."""

from __future__ import annotations

from typing import Protocol


class FrameRequests(Protocol):
    """Implemented by the screen. Calls never block."""

    def request_frame(self, monitor: int) -> None:
        """Runs the pipeline of this monitor soon.

        Called when a viewer can take an update or a video frame that it could not take before.
        """

    def request_whole_frame(self, monitor: int) -> None:
        """The same, and compares the whole monitor, whatever damage is known.

        Called when a hidden viewer becomes visible: damage may not have been fetched while nobody watched.
        """

    def is_captured(self, monitor: int) -> bool:
        """Returns whether everything that was drawn on this monitor, as far as known, has been captured."""
