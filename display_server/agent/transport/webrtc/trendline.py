"""Detects from send and arrival times whether a queue grows on the link. The two clocks may differ.

Sources: draft-ietf-rmcat-gcc-02, sections 5.2 (bursts of 5 ms) and 5.4 (over-use, adaptive threshold); the
regression in place of the draft's Kalman filter, and its constants, as in WebRTC's "trendline estimator".
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

#: Packets sent within this time, s, are one burst, and so are packets that the network bunched together …
BURST_S = 0.005
#: … unless the bunch is longer than this, s.
BUNCH_S = 0.1
#: Number of bursts in the regression.
POINTS = 20
#: Weight of the old value in the smoothed delay.
SMOOTHING = 0.9
#: The slope is multiplied by the number of bursts so far, up to this one …
BURSTS_COUNTED = 60
#: … and by this gain, which gives ms.
GAIN = 4.0
#: Initial threshold for the scaled slope, ms.
THRESHOLD_MS = 12.5
#: Limits of the adaptive threshold, ms.
THRESHOLD_MIN_MS, THRESHOLD_MAX_MS = 6.0, 600.0
#: How fast the threshold follows a slope above it and below it, per ms.
FOLLOW_UP, FOLLOW_DOWN = 0.0087, 0.039
#: The threshold ignores a slope this far above it, ms: that is a step, not noise.
STEP_MS = 15.0
#: Longest time that the threshold follows at once, ms.
FOLLOW_LONGEST_MS = 100.0
#: A slope above the threshold for this time, s, and not falling, is overuse.
OVERUSE_S = 0.01
#: After a pause of this length, s, old points have nothing to do with new ones.
PAUSE_S = 1.0


class Usage(Enum):
    """What the queue on the link does: it stays, grows or drains."""

    NORMAL = "normal"
    OVERUSE = "overuse"
    UNDERUSE = "underuse"


@dataclass(slots=True)
class Burst:
    """Packets that were sent, or delivered, together."""

    first_sent_s: float
    last_sent_s: float
    first_arrival_s: float
    last_arrival_s: float

    def takes(self, sent_s: float, arrival_s: float) -> bool:
        """Returns whether a later packet belongs to this burst."""
        if sent_s - self.first_sent_s <= BURST_S:
            return True
        interval_s = arrival_s - self.last_arrival_s
        catching_up = interval_s < sent_s - self.last_sent_s
        return catching_up and interval_s <= BURST_S and arrival_s - self.first_arrival_s <= BUNCH_S


class Trendline:
    """Takes packets in the order of sending. `usage` is the result after the last complete burst."""

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self._burst: Burst | None = None
        self._before: Burst | None = None
        self._bursts = 0
        self._delay_s = 0.0  # sum of all delay variations, s
        self._smooth_s = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=POINTS)  # arrival and smoothed delay, s
        self._trend_ms = 0.0
        self._threshold_ms = THRESHOLD_MS
        self._over_s: float | None = None  # how long the trend has been above the threshold, s
        self._over_bursts = 0

    def add(self, sent_s: float, arrival_s: float) -> None:
        burst = self._burst
        if burst is None:
            self._burst = Burst(sent_s, sent_s, arrival_s, arrival_s)
        elif sent_s < burst.first_sent_s:
            return  # reported late, after its burst was complete
        elif burst.takes(sent_s, arrival_s):
            burst.last_sent_s = max(burst.last_sent_s, sent_s)
            burst.last_arrival_s = max(burst.last_arrival_s, arrival_s)
        else:
            if self._before is not None:
                self._compare(self._before, burst)
            self._before = burst
            self._burst = Burst(sent_s, sent_s, arrival_s, arrival_s)

    def _compare(self, before: Burst, burst: Burst) -> None:
        sent_s = burst.last_sent_s - before.last_sent_s
        arrival_s = burst.last_arrival_s - before.last_arrival_s
        if sent_s > PAUSE_S or abs(arrival_s) > PAUSE_S + sent_s:
            self._points.clear()
            self._bursts = 0
            self._settle(Usage.NORMAL)
            return
        self._bursts += 1
        self._delay_s += arrival_s - sent_s
        self._smooth_s = SMOOTHING * self._smooth_s + (1 - SMOOTHING) * self._delay_s
        self._points.append((burst.last_arrival_s, self._smooth_s))
        if len(self._points) == POINTS:
            trend_ms = min(self._bursts, BURSTS_COUNTED) * self._slope() * GAIN
            self._judge(trend_ms, sent_s, arrival_s)

    def _slope(self) -> float:
        """Returns the growth of the delay, s per s, by least squares."""
        mean_x = sum(x for x, _ in self._points) / POINTS
        mean_y = sum(y for _, y in self._points) / POINTS
        square = sum((x - mean_x) ** 2 for x, _ in self._points)
        return sum((x - mean_x) * (y - mean_y) for x, y in self._points) / square if square else 0.0

    def _judge(self, trend_ms: float, sent_s: float, arrival_s: float) -> None:
        if trend_ms > self._threshold_ms:
            # The overuse began between the two bursts: half of the interval is counted.
            self._over_s = sent_s / 2 if self._over_s is None else self._over_s + sent_s
            self._over_bursts += 1
            if self._over_s > OVERUSE_S and self._over_bursts > 1 and trend_ms >= self._trend_ms:
                self._settle(Usage.OVERUSE)
        else:
            self._settle(Usage.UNDERUSE if trend_ms < -self._threshold_ms else Usage.NORMAL)
        self._trend_ms = trend_ms
        self._follow(abs(trend_ms), arrival_s)

    def _settle(self, usage: Usage) -> None:
        self.usage = usage
        self._over_s = None if usage is not Usage.OVERUSE else 0.0
        self._over_bursts = 0

    def _follow(self, size_ms: float, elapsed_s: float) -> None:
        """Adapts the threshold, so that a competing TCP flow does not starve this one."""
        if size_ms > self._threshold_ms + STEP_MS:
            return
        rate = FOLLOW_UP if size_ms > self._threshold_ms else FOLLOW_DOWN
        elapsed_ms = min(max(0.0, elapsed_s) * 1e3, FOLLOW_LONGEST_MS)
        moved_ms = self._threshold_ms + rate * (size_ms - self._threshold_ms) * elapsed_ms
        self._threshold_ms = min(max(moved_ms, THRESHOLD_MIN_MS), THRESHOLD_MAX_MS)
