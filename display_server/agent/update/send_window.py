"""Limits how much is in flight to one viewer.

A small number of updates in flight keeps the frames that arrive new; on a link with a long round trip, more
of them are needed to keep it busy. The bytes in flight are limited to what the link carries in a moment, so
that a slow viewer never waits behind a queue of old frames.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: Updates in flight on a link with a short round trip: one is painted while the next one travels.
WINDOW_MIN = 2
#: Upper limit of the updates in flight on any link.
WINDOW_MAX = 8
#: Updates per second that the window must permit on a link with a long round trip.
RATE_AIM_PER_S = 60.0
#: Time, in seconds, that bytes may queue at the bottleneck of the link.
QUEUE_S = 0.1
#: This many bytes may always be in flight.
IN_FLIGHT_MIN_BYTES = 128 * 1024
#: The time that the link should need for one update, in seconds. On a slow link updates become partial, so
#: that the most urgent tiles arrive first; on a fast one they hold whole frames.
UPDATE_S = 0.15
#: Budget of an update before the rate of the link is known.
BUDGET_FIRST_BYTES = 128 * 1024
#: Lower limit of an update's budget.
BUDGET_MIN_BYTES = 32 * 1024
#: Upper limit of an update's budget.
BUDGET_MAX_BYTES = 16 * 1024 * 1024
#: With fewer bytes than this in flight, an acknowledgement says nothing about the rate of the link.
SAMPLE_MIN_BYTES = 4 * 1024
#: Shorter transfer times, in seconds, are indistinguishable from a moment in which the host was busy.
TRANSFER_MIN_S = 0.0005
#: The round trip is the minimum over this many acknowledgements, because paths through a network change.
ROUND_TRIPS = 64
#: Weight of a new sample of the rate that is higher than the estimate.
RATE_RISE_WEIGHT = 0.5
#: Weight of a lower one. It is smaller, because a moment in which one of the hosts is busy is no slower link.
RATE_FALL_WEIGHT = 0.2
#: Upper limit, in seconds, for a first round trip that was measured with a large update.
FIRST_ROUND_TRIP_MAX_S = 0.02


@dataclass(frozen=True, slots=True)
class InFlightUpdate:
    """An update that was sent."""

    epoch: int
    sent_s: float
    size_bytes: int
    #: Bytes in flight right after it was sent, its own included.
    in_flight_bytes: int
    #: Whether it was a RESET.
    reset: bool


class SendWindow:
    """The updates in flight to one viewer, and what they tell about its link."""

    def __init__(self) -> None:
        self._in_flight: deque[InFlightUpdate] = deque()
        self._round_trips_s: deque[float] = deque(maxlen=ROUND_TRIPS)
        self._rate_bytes_per_s: float | None = None
        self._closed_s: float | None = None
        self.in_flight_bytes = 0

    def __len__(self) -> int:
        return len(self._in_flight)

    @property
    def round_trip_s(self) -> float:
        """The shortest recent round trip, without the viewer's own time; 0 before the first."""
        return min(self._round_trips_s, default=0.0)

    @property
    def rate_bytes_per_s(self) -> float | None:
        """The estimated rate of the link; None while it is unknown."""
        return self._rate_bytes_per_s

    @property
    def limit(self) -> int:
        """The number of updates that may be in flight."""
        needed = WINDOW_MIN + int(self.round_trip_s * RATE_AIM_PER_S)
        return min(WINDOW_MAX, needed)

    @property
    def is_open(self) -> bool:
        """Whether another update may be sent."""
        if not self._in_flight:
            return True
        return len(self._in_flight) < self.limit and self.in_flight_bytes < self._in_flight_limit_bytes

    def closed_for_s(self, now_s: float) -> float:
        """Returns for how long the window has been closed; 0 while it is open."""
        return 0.0 if self._closed_s is None or self.is_open else now_s - self._closed_s

    @property
    def backlog_s(self) -> float:
        """How long the link needs for the bytes in flight; 0 while its rate is unknown."""
        return self.in_flight_bytes / self._rate_bytes_per_s if self._rate_bytes_per_s else 0.0

    @property
    def budget_bytes(self) -> int:
        """The size that the next update may have."""
        if self._rate_bytes_per_s is None:
            return BUDGET_FIRST_BYTES
        return int(min(BUDGET_MAX_BYTES, max(BUDGET_MIN_BYTES, self._rate_bytes_per_s * UPDATE_S)))

    def on_sent(self, epoch: int, size_bytes: int, now_s: float, *, reset: bool = False) -> None:
        """An update was sent."""
        self.in_flight_bytes += size_bytes
        self._in_flight.append(InFlightUpdate(epoch, now_s, size_bytes, self.in_flight_bytes, reset))
        self._closed_s = None if self.is_open else now_s

    def on_acked(self, epoch: int, held_s: float, now_s: float) -> list[InFlightUpdate]:
        """The viewer acknowledged every update up to `epoch`. Returns those that were in flight.

        `held_s` is how long the viewer took from receiving the update to showing it.
        """
        done: list[InFlightUpdate] = []
        while self._in_flight and self._in_flight[0].epoch <= epoch:
            done.append(self._in_flight.popleft())
        if done:
            self.in_flight_bytes -= sum(update.size_bytes for update in done)
            last = done[-1]
            took_s = now_s - last.sent_s
            self._learn(last, max(0.0, took_s - min(max(0.0, held_s), took_s)))
            if self.is_open:
                self._closed_s = None
        return done

    def on_refresh(self) -> None:
        """The viewer asked for a RESET, so it may never acknowledge the updates that are in flight.

        They no longer count, or else they could keep the window closed for good. RESETs do count, so that a
        viewer which asks again and again gets no more of them than the window permits.
        """
        self._in_flight = deque(update for update in self._in_flight if update.reset)
        self.in_flight_bytes = sum(update.size_bytes for update in self._in_flight)
        if self.is_open:
            self._closed_s = None

    @property
    def _in_flight_limit_bytes(self) -> float:
        if self._rate_bytes_per_s is None:
            return IN_FLIGHT_MIN_BYTES
        return max(IN_FLIGHT_MIN_BYTES, self._rate_bytes_per_s * (self.round_trip_s + QUEUE_S))

    def _learn(self, last: InFlightUpdate, link_s: float) -> None:
        """Updates the estimates with an update that the link took `link_s` to deliver and acknowledge."""
        large = last.in_flight_bytes >= SAMPLE_MIN_BYTES
        if large:
            transfer_s = max(TRANSFER_MIN_S, link_s - self.round_trip_s)
            sample = last.in_flight_bytes / transfer_s
            if self._rate_bytes_per_s is None:
                self._rate_bytes_per_s = sample
            else:
                weight = RATE_RISE_WEIGHT if sample > self._rate_bytes_per_s else RATE_FALL_WEIGHT
                self._rate_bytes_per_s += (sample - self._rate_bytes_per_s) * weight
        # A large update measures the rate. It measures the round trip only while nothing else has.
        if not large:
            self._round_trips_s.append(link_s)
        elif not self._round_trips_s:
            self._round_trips_s.append(min(link_s, FIRST_ROUND_TRIP_MAX_S))
