"""How many bits a frame may take: the rate times the mean time between frames. Pure.

Encoders budget in frames of a fixed rate, and in low-delay mode ignore when frames really come. So a stream
of 10 frames/s instead of 30 would use a third of its rate, and one of 60 frames/s twice its rate.
"""

from __future__ import annotations

#: The frame rate that encoders are opened for; the true frame rate goes into their bits per second.
NOMINAL_FPS = 30
#: A pause of this length, s, is rest, not a low frame rate: the frame after it is shown no longer than
#: others.
REST_S = 0.5
#: Shorter intervals are not counted, s: no screen shows 240 frames/s.
SHORTEST_S = 1 / 240
#: Weight of a new interval that is shorter than the mean: the budget is soon reduced.
SHORTER_WEIGHT = 0.5
#: Weight of a new interval that is longer than the mean: the budget is slowly raised.
LONGER_WEIGHT = 0.2
#: Weight of each new interval for encoders that have to be reopened for another rate. With the weights above,
#: irregular frames (± 50 %) would reopen an encoder twice a second.
STEADY_WEIGHT = 0.06


class FrameBudget:
    """Averages the frame intervals of one stream.

    A `steady` budget follows a change of the frame rate within half a second, but not single intervals.
    """

    def __init__(self, *, steady: bool = False) -> None:
        self._steady = steady
        self._intervals = 0
        self._interval_s = 1 / NOMINAL_FPS
        self._last_s: float | None = None

    def frame_bits(self, at_s: float, bitrate_bps: int) -> float:
        """Returns the bits for the frame captured at `at_s`, which becomes part of the average."""
        if self._last_s is not None and SHORTEST_S <= (interval_s := at_s - self._last_s) < REST_S:
            self._intervals += 1
            self._interval_s += self._weight(interval_s) * (interval_s - self._interval_s)
        self._last_s = at_s
        return bitrate_bps * self._interval_s

    def _weight(self, interval_s: float) -> float:
        if self._steady:
            return max(STEADY_WEIGHT, 1 / (1 + self._intervals))  # the mean of all intervals at first
        return SHORTER_WEIGHT if interval_s < self._interval_s else LONGER_WEIGHT
