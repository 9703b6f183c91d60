"""How fast video may come where a policy bounds what it takes on the average. Pure, time comes in.

A motion begins with a picture that refers to none, and from it all that follow are made: what is saved there
is missing in each of them. So what was not taken lately may be taken faster.
"""

from __future__ import annotations

#: So much of the average may be saved, s.
SAVED_MAX_S = 1.0
#: What is saved is meant to last for so long, s; and this share of the average is the least after too much
#: was taken. So the rate stays within a factor of 4, beyond which VP8 would need a keyframe.
SPENT_IN_S = 0.5
LEAST = 0.8


class Allowance:
    """Of `average_bps` over a second and more."""

    def __init__(self, average_bps: float, now_s: float) -> None:
        self._average_bps = average_bps
        self._saved_bits = average_bps * SAVED_MAX_S
        self._at_s = now_s

    def rate_bps(self, now_s: float) -> float:
        """At which video may come now."""
        self._earn(now_s)
        return max(LEAST * self._average_bps, self._average_bps + self._saved_bits / SPENT_IN_S)

    def spend(self, size_bytes: int, now_s: float) -> None:
        self._earn(now_s)
        self._saved_bits -= size_bytes * 8

    def _earn(self, now_s: float) -> None:
        earned = (now_s - self._at_s) * self._average_bps
        self._saved_bits = min(self._saved_bits + earned, self._average_bps * SAVED_MAX_S)
        self._at_s = now_s
