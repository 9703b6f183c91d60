"""Limits the mean rate of video by a token bucket. Pure: the caller passes the time.

A motion begins with a keyframe, on which all later frames depend: bits that are saved there are missing in
each of them. So bits that were not used lately may be used faster.
"""

from __future__ import annotations

#: Size of the bucket, in s at the mean rate.
SAVED_MAX_S = 1.0
#: Time in which a full bucket may be used up, s.
SPENT_IN_S = 0.5
#: Lowest rate as a fraction of the mean rate, after too much was used. So rates stay within a factor of 4;
#: with a larger one VP8 would need a keyframe.
LEAST = 0.8


class Allowance:
    """Allows `average_bps` on average over a second or more."""

    def __init__(self, average_bps: float, now_s: float) -> None:
        self._average_bps = average_bps
        self._saved_bits = average_bps * SAVED_MAX_S
        self._at_s = now_s

    def rate_bps(self, now_s: float) -> float:
        """Returns the rate that video may have now."""
        self._earn(now_s)
        return max(LEAST * self._average_bps, self._average_bps + self._saved_bits / SPENT_IN_S)

    def spend(self, size_bytes: int, now_s: float) -> None:
        """Records a frame that was sent."""
        self._earn(now_s)
        self._saved_bits -= size_bytes * 8

    def _earn(self, now_s: float) -> None:
        earned = (now_s - self._at_s) * self._average_bps
        self._saved_bits = min(self._saved_bits + earned, self._average_bps * SAVED_MAX_S)
        self._at_s = now_s
