"""How much may be on the way to one viewer. Time comes in; nothing is measured here.

Few updates in flight keep what arrives new; enough of them keep a long way busy. Bytes are bounded by what
the way carries in a moment, so that a slow viewer never waits behind a queue of old pictures.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: Updates in flight on a short way: one is shown while the next travels.
WINDOW_MIN = 2
WINDOW_MAX = 8
#: Pictures a second that the window must allow on a long way.
RATE_AIM_PER_S = 60.0
#: Queued at the narrowest point of the way at most, s.
QUEUE_S = 0.1
IN_FLIGHT_MIN_BYTES = 128 * 1024
#: One update takes so long on the way, s: first things first on a slow way, whole pictures on a quick one.
UPDATE_S = 0.15
BUDGET_FIRST_BYTES = 128 * 1024
BUDGET_MIN_BYTES = 32 * 1024
BUDGET_MAX_BYTES = 16 * 1024 * 1024
#: Shorter updates say nothing about the rate.
SAMPLE_MIN_BYTES = 4 * 1024
#: A way shorter than this cannot be told from a busy moment of the host, s.
SHORTEST_S = 0.0005
#: The shortest round trip is that of the last so many acks: ways change.
ROUND_TRIPS = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """One update on its way. `flight_bytes` includes all that was on the way with it."""

    epoch: int
    sent_s: float
    size_bytes: int
    flight_bytes: int


class SendWindow:
    """Of one viewer."""

    def __init__(self) -> None:
        self._flight: deque[Sent] = deque()
        self._round_trips: deque[float] = deque(maxlen=ROUND_TRIPS)
        self._rate: float | None = None  # bytes per s
        self._closed_s: float | None = None
        self.flight_bytes = 0

    def __len__(self) -> int:
        return len(self._flight)

    @property
    def round_trip_s(self) -> float:
        """The shortest of late, without the viewer's own time; 0 before the first ack."""
        return min(self._round_trips, default=0.0)

    @property
    def rate_bytes_per_s(self) -> float | None:
        return self._rate

    @property
    def limit(self) -> int:
        """Updates that may be in flight."""
        needed = WINDOW_MIN + int(self.round_trip_s * RATE_AIM_PER_S)
        return min(WINDOW_MAX, needed)

    @property
    def open(self) -> bool:
        if not self._flight:
            return True
        return len(self._flight) < self.limit and self.flight_bytes < self._flight_limit_bytes

    def closed_for_s(self, now_s: float) -> float:
        """How long it has been closed; 0 while it is open."""
        return 0.0 if self._closed_s is None or self.open else now_s - self._closed_s

    @property
    def backlog_s(self) -> float:
        """How long what is in flight takes on the way."""
        return self.flight_bytes / self._rate if self._rate else 0.0

    @property
    def budget_bytes(self) -> int:
        """What the next update may take."""
        if self._rate is None:
            return BUDGET_FIRST_BYTES
        return int(min(BUDGET_MAX_BYTES, max(BUDGET_MIN_BYTES, self._rate * UPDATE_S)))

    def sent(self, epoch: int, size_bytes: int, now_s: float) -> None:
        self.flight_bytes += size_bytes
        self._flight.append(Sent(epoch, now_s, size_bytes, self.flight_bytes))
        self._closed_s = None if self.open else now_s

    def acked(self, epoch: int, held_s: float, now_s: float) -> list[Sent]:
        """Everything up to `epoch` arrived; `held_s`: how long the viewer had it before it was shown."""
        done: list[Sent] = []
        while self._flight and self._flight[0].epoch <= epoch:
            done.append(self._flight.popleft())
        if done:
            self.flight_bytes -= sum(sent.size_bytes for sent in done)
            last = done[-1]
            took = now_s - last.sent_s
            self._learn(last, max(0.0, took - min(max(0.0, held_s), took)))
            if self.open:
                self._closed_s = None
        return done

    @property
    def _flight_limit_bytes(self) -> float:
        if self._rate is None:
            return IN_FLIGHT_MIN_BYTES
        return max(IN_FLIGHT_MIN_BYTES, self._rate * (self.round_trip_s + QUEUE_S))

    def _learn(self, last: Sent, way_s: float) -> None:
        if last.flight_bytes >= SAMPLE_MIN_BYTES:
            busy_s = max(SHORTEST_S, way_s - self.round_trip_s)
            sample = last.flight_bytes / busy_s
            if self._rate is None:
                self._rate = sample
            else:
                # Up quickly, down slowly: one busy moment of either host is no narrower way.
                self._rate += (sample - self._rate) * (0.5 if sample > self._rate else 0.2)
        # Big updates tell of the rate; only if nothing else is known, of the round trip as well.
        if last.flight_bytes < SAMPLE_MIN_BYTES or not self._round_trips:
            self._round_trips.append(way_s if last.flight_bytes < SAMPLE_MIN_BYTES else min(way_s, 0.02))
