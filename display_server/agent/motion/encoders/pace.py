"""How many bits a frame may take: the rate times the time for which the frame stands. Pure.

Encoders count in frames of a fixed rate, and in low-delay mode ignore when pictures really come. So a stream
that comes at 10 instead of 30 frames/s would use a third of what it may, and one at 60 twice of it.
"""

from __future__ import annotations

#: What encoders are told; the true rate goes into their bits per second.
NOMINAL_FPS = 30
#: A pause as long as this is rest, not a low frame rate: the picture after it stands no longer than others.
REST_S = 0.5
SHORTEST_S = 1 / 240
#: Weights of a new interval: promptly towards fewer bits, slowly towards more.
FASTER, SLOWER = 0.5, 0.2


class FramePace:
    """Mean time between pictures, from when they come."""

    def __init__(self) -> None:
        self._interval_s = 1 / NOMINAL_FPS
        self._last_s: float | None = None

    def frame_bits(self, at_s: float, bitrate_bps: int) -> float:
        """For the picture that comes now."""
        if self._last_s is not None and SHORTEST_S <= (gap_s := at_s - self._last_s) < REST_S:
            weight = FASTER if gap_s < self._interval_s else SLOWER
            self._interval_s += weight * (gap_s - self._interval_s)
        self._last_s = at_s
        return bitrate_bps * self._interval_s
