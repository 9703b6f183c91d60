"""Limits how many lines one viewer's surface adds to the log."""

from __future__ import annotations

import math

#: The first lines are all written.
LINES_AT_FIRST = 2
#: Afterwards one line is written per this time, s.
LINE_INTERVAL_S = 600.0


class LogLimit:
    """Counts lines of one kind, and says which of them are written."""

    def __init__(self) -> None:
        self._written = 0
        self._written_s = -math.inf
        self._withheld = 0

    def admit(self, now_s: float) -> int | None:
        """Returns how many lines were withheld since the last one that was written; None: this one is too."""
        if self._written >= LINES_AT_FIRST and now_s - self._written_s < LINE_INTERVAL_S:
            self._withheld += 1
            return None
        withheld, self._withheld = self._withheld, 0
        self._written += 1
        self._written_s = now_s
        return withheld
