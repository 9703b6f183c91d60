"""For how long another process has given no sign of life. Pure.

Only time in which the observer itself ran counts. An observer that was stopped, or got no processor for a
while, must not take its own absence for that of the other: signs of life may be waiting to be read.
"""

from __future__ import annotations

#: Interval at which processes of the server give a sign of life, and look for those of others, s.
INTERVAL_S = 1.0
#: The longest time between two looks that counts, s. During the rest of it the observer did not run.
LOOK_MAX_S = 2.0
#: Gateway and broker count each other as away after this time without a sign of life, s. Event loops that
#: never compute answer within milliseconds, and on a host that is overloaded twentyfold within a second.
SILENT_AFTER_S = 5.0


class Silence:
    """The silence of one process. All times are monotonic, in s."""

    def __init__(self, now_s: float) -> None:
        self._looked_s = now_s
        self._lasts_s = 0.0

    def heard(self, now_s: float) -> None:
        """Takes a sign of life."""
        self._looked_s = now_s
        self._lasts_s = 0.0

    def look(self, now_s: float) -> float:
        """Returns for how long the process has been silent, s. Must be called about every INTERVAL_S."""
        self._lasts_s += min(now_s - self._looked_s, LOOK_MAX_S)
        self._looked_s = now_s
        return self._lasts_s
