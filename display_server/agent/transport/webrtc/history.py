"""Packets that were sent, what the receiver reported of them, and rates and delays computed from that.

The history is bounded in time and number. It also makes sequence numbers (16 bits on the wire) and the
receiver's clock (which wraps after 12 days) monotone, so that no other module sees them wrap.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from display_server.agent.transport.webrtc.feedback import CLOCK_PERIOD_S, Feedback

#: Most packets that may be unreported: half of the sequence numbers, so that all of them are unambiguous.
PACKETS_MAX = 2**15
#: A packet that was not reported within this time, s, never will be.
UNREPORTED_S = 10.0
#: The smallest one-way delay of this time, s, counts as the delay without a queue. It is limited, because
#: clocks drift and routes change.
BASELINE_S = 10
#: Number of newest packets of which the fastest shows the present queue: one slow packet is no queue.
NEWEST = 3
#: Fewest distinct arrival times that a probe needs: networks deliver packets in bunches.
PROBE_INSTANTS = 5
#: Shortest time between the first and the last of them, s: the receiver counts in units of 250 µs.
PROBE_SHORTEST_S = 0.0015


@dataclass(slots=True)
class SentPacket:
    """A sent packet. `total_bytes` counts everything sent so far, this packet included."""

    sequence: int
    size_bytes: int
    sent_s: float
    total_bytes: int
    probe: int | None = None
    lost: bool = False


@dataclass(slots=True)
class Report:
    """The news in one feedback."""

    #: Received packets in the order of sequence numbers, with their arrival times, s.
    received: list[tuple[SentPacket, float]] = field(default_factory=list)
    lost: list[SentPacket] = field(default_factory=list)
    #: How many of the received packets had been reported lost before.
    found: int = 0


class History:
    """Keeps packets from sending until they are reported."""

    def __init__(self) -> None:
        self._packets: OrderedDict[int, SentPacket] = OrderedDict()
        self._newest: int | None = None
        self._arrival_s: float | None = None
        self.total_bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def newest_sequence(self) -> int | None:
        """The monotone sequence number of the last packet; None before the first."""
        return self._newest

    def sent(self, sequence: int, size_bytes: int, now_s: float, probe: int | None) -> SentPacket:
        """Records a packet. Sequence numbers are consecutive; only their low 16 bits count."""
        before = self._newest if self._newest is not None else sequence - 1
        self._newest = before + ((sequence - before) & 0xFFFF)
        self.total_bytes += size_bytes
        packet = SentPacket(self._newest, size_bytes, now_s, self.total_bytes, probe)
        self._packets[self._newest] = packet
        while len(self._packets) > PACKETS_MAX or now_s - self._oldest.sent_s > UNREPORTED_S:
            self._packets.popitem(last=False)
        return packet

    @property
    def _oldest(self) -> SentPacket:
        return next(iter(self._packets.values()))

    def match(self, feedback: Feedback) -> Report:
        """Returns the news in a feedback. Unknown packets, and those reported before, are skipped."""
        report = Report()
        if self._newest is None:
            return report
        for packet in feedback.packets:
            sequence = self._newest - ((self._newest - packet.sequence) & 0xFFFF)
            sent = self._packets.get(sequence)
            if sent is None:
                continue
            if packet.arrival_s is not None:
                del self._packets[sequence]
                report.found += sent.lost
                report.received.append((sent, self._monotone(packet.arrival_s)))
            elif not sent.lost:
                sent.lost = True
                report.lost.append(sent)
        return report

    def _monotone(self, arrival_s: float) -> float:
        if self._arrival_s is not None:
            arrival_s += round((self._arrival_s - arrival_s) / CLOCK_PERIOD_S) * CLOCK_PERIOD_S
        self._arrival_s = arrival_s
        return arrival_s


class Rate:
    """Bits per second over the last `span_s`, by the times of the events themselves.

    Events at the same instant count as one, because networks hold packets back and deliver them together.
    """

    def __init__(self, span_s: float, at_least: int = 0) -> None:
        """Keeps at least `at_least` instants, however old they are."""
        self._span_s = span_s
        self._at_least = at_least
        self._events: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def add(self, at_s: float, size_bytes: int) -> None:
        events = self._events
        self._bytes += size_bytes
        if events and events[-1][0] == at_s:
            events[-1] = (at_s, events[-1][1] + size_bytes)
            return
        events.append((at_s, size_bytes))
        while len(events) > self._at_least and events[0][0] <= at_s - self._span_s:
            self._bytes -= events.popleft()[1]

    @property
    def full(self) -> bool:
        """Whether there are at least `at_least` instants; fewer do not give a rate."""
        return len(self._events) >= self._at_least

    def restart(self) -> None:
        """Forgets all events, because what follows has nothing to do with them."""
        self._events.clear()
        self._bytes = 0

    @property
    def bps(self) -> float:
        return self._bytes * 8 / self._span_s

    @property
    def busy_bps(self) -> float:
        """The rate from the first instant to the last, which is right for a link that was busy in between."""
        if len(self._events) < 2:
            return self.bps
        (first_s, first_bytes), (last_s, _) = self._events[0], self._events[-1]
        return (self._bytes - first_bytes) * 8 / (last_s - first_s) if last_s > first_s else self.bps


class Delays:
    """One-way delays. Each contains the unknown offset of the two clocks, which cancels out."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=NEWEST)
        self._least_s: float | None = None
        self._smallest: deque[tuple[int, float]] = deque()  # second, smallest delay in it

    def add(self, sent_s: float, arrival_s: float) -> None:
        delay_s, second = arrival_s - sent_s, int(sent_s)
        self._newest.append(delay_s)
        self._least_s = delay_s if self._least_s is None else min(self._least_s, delay_s)
        if not self._smallest or self._smallest[-1][0] < second:
            self._smallest.append((second, delay_s))
            while self._smallest[0][0] <= second - BASELINE_S:
                self._smallest.popleft()
        elif delay_s < self._smallest[-1][1]:
            self._smallest[-1] = (self._smallest[-1][0], delay_s)

    @property
    def newest_s(self) -> float:
        """The queue that the newest packets met: their delay above the smallest one, s."""
        return max(0.0, min(self._newest) - self._baseline_s) if self._newest else 0.0

    def standing_s(self) -> float:
        """Returns the queue that never emptied since the last call: the least delay above the smallest one,
        s.
        """
        least_s, self._least_s = self._least_s, None
        return max(0.0, least_s - self._baseline_s) if least_s is not None else 0.0

    @property
    def _baseline_s(self) -> float:
        return min(delay_s for _, delay_s in self._smallest)


@dataclass(frozen=True, slots=True)
class Probe:
    """A request to send a packet train: as soon as `least_packets` are queued, send `size_bytes` of them at
    `rate_bps`, marked with `number`.
    """

    number: int
    rate_bps: float
    size_bytes: int
    least_packets: int = PROBE_INSTANTS


class Train:
    """The packets of one probe: when they left and when they arrived."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.last_sent_s: float | None = None
        #: Packets that were sent and not reported yet.
        self._unreported = 0
        #: Instants of arrival, s; when the last packet of each was sent, s; and bytes.
        self._instants: list[tuple[float, float, int]] = []

    def sent(self, now_s: float) -> None:
        self.last_sent_s = now_s
        self._unreported += 1

    def received(self, packet: SentPacket, arrival_s: float) -> None:
        self._unreported -= 1
        size_bytes = packet.size_bytes
        if self._instants and self._instants[-1][0] == arrival_s:
            size_bytes += self._instants.pop()[2]
        self._instants.append((arrival_s, packet.sent_s, size_bytes))

    def lost(self) -> None:
        self._unreported -= 1

    @property
    def complete(self) -> bool:
        """Whether every packet that left has been reported."""
        return self.last_sent_s is not None and self._unreported <= 0

    def measure(self) -> tuple[float, float] | None:
        """Returns the rates at which the packets left and arrived, bit/s, or None if they are too few."""
        if len(self._instants) < PROBE_INSTANTS:
            return None
        # It is unknown how long the packets of the first instant took, and the last bunch may be incomplete.
        (first_s, first_sent_s, _), *counted = self._instants[:-1]
        last_s, last_sent_s, _ = counted[-1]
        if last_s - first_s < PROBE_SHORTEST_S:
            return None
        bits = 8 * sum(size_bytes for _, _, size_bytes in counted)
        sent_s = last_sent_s - first_sent_s
        return (bits / sent_s if sent_s > 0 else float("inf")), bits / (last_s - first_s)
