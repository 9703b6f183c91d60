"""What was sent, what became of it, and the figures that follow from it. Bounded in time and in number.

Sequence numbers (16 bits on the wire) and the receiver's clock (which begins anew after 12 days) are made
monotone here; nobody else sees them wrap.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from display_server.agent.transport.webrtc.feedback import CLOCK_PERIOD_S, Feedback

#: Packets that may be under way unreported: half the sequence numbers, so that none is mistaken for another.
PACKETS_MAX = 2**15
#: What nobody reported on for so long never will be, s.
UNREPORTED_S = 10.0
#: The smallest one-way delay of so many seconds is that of a way without a queue: clocks drift, ways change.
BASELINE_S = 10
#: The newest packets, of which the quickest tells of the queue now: one packet's hiccup is none.
NEWEST = 3
#: Fewer instants of arrival, or less time between the first and the last, s, tell no pace: the receiver
#: counts in 250 µs, and networks hand packets over in bunches.
PROBE_INSTANTS = 5
PROBE_SHORTEST_S = 0.0015


@dataclass(slots=True)
class SentPacket:
    """`total_bytes`: all that was ever sent, up to and with this packet."""

    sequence: int
    size_bytes: int
    sent_s: float
    total_bytes: int
    probe: int | None = None
    lost: bool = False


@dataclass(slots=True)
class Report:
    """What one feedback tells that was not known before."""

    received: list[tuple[SentPacket, float]] = field(default_factory=list)  # by sequence; arrival, s
    lost: list[SentPacket] = field(default_factory=list)
    found: int = 0  # received ones that had been called lost


class History:
    """Packets from sending until they are reported."""

    def __init__(self) -> None:
        self._packets: OrderedDict[int, SentPacket] = OrderedDict()
        self._newest: int | None = None
        self._arrival_s: float | None = None
        self.total_bytes = 0

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def newest_sequence(self) -> int | None:
        """The monotone number of the packet sent last; None before the first."""
        return self._newest

    def sent(self, sequence: int, size_bytes: int, now_s: float, probe: int | None) -> SentPacket:
        """Numbers follow each other as sent; only their low 16 bits count."""
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
        """Unknown numbers, and those told before, are passed over."""
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
    """Bits per second over the last `span_s` of events, by the events' own times.

    Events of one instant are one: networks hold packets back and hand them over together.
    """

    def __init__(self, span_s: float, at_least: int = 0) -> None:
        """`at_least` so many instants are kept, however old."""
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
        """Whether there are as many instants as are kept at least: fewer are no rate."""
        return len(self._events) >= self._at_least

    def restart(self) -> None:
        """What was so far says nothing about what comes."""
        self._events.clear()
        self._bytes = 0

    @property
    def bps(self) -> float:
        return self._bytes * 8 / self._span_s

    @property
    def busy_bps(self) -> float:
        """From the first instant to the last: right for a link that was never idle between them."""
        if len(self._events) < 2:
            return self.bps
        (first_s, first_bytes), (last_s, _) = self._events[0], self._events[-1]
        return (self._bytes - first_bytes) * 8 / (last_s - first_s) if last_s > first_s else self.bps


class Delays:
    """One-way delays; the unknown difference of the two clocks is in each of them, and in no figure."""

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
        """By how much the newest are above the smallest: the queue that they met, or a hiccup."""
        return max(0.0, min(self._newest) - self._baseline_s) if self._newest else 0.0

    def standing_s(self) -> float:
        """By how much all since the last call are above the smallest: a queue that never emptied."""
        least_s, self._least_s = self._least_s, None
        return max(0.0, least_s - self._baseline_s) if least_s is not None else 0.0

    @property
    def _baseline_s(self) -> float:
        return min(delay_s for _, delay_s in self._smallest)


@dataclass(frozen=True, slots=True)
class Probe:
    """A wish: as soon as `least_packets` wait, send `size_bytes` of them at `rate_bps`, named by `number`."""

    number: int
    rate_bps: float
    size_bytes: int
    least_packets: int = PROBE_INSTANTS


class Train:
    """The packets of one probe, as they left and as they arrive."""

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.last_sent_s: float | None = None
        self._out = 0  # packets that are not accounted for yet
        self._instants: list[tuple[float, float, int]] = []  # of arrival; its last packet's sending; bytes

    def sent(self, now_s: float) -> None:
        self.last_sent_s = now_s
        self._out += 1

    def received(self, packet: SentPacket, arrival_s: float) -> None:
        self._out -= 1
        size_bytes = packet.size_bytes
        if self._instants and self._instants[-1][0] == arrival_s:
            size_bytes += self._instants.pop()[2]
        self._instants.append((arrival_s, packet.sent_s, size_bytes))

    def lost(self) -> None:
        self._out -= 1

    @property
    def complete(self) -> bool:
        """Every packet that left is accounted for."""
        return self.last_sent_s is not None and self._out <= 0

    def measure(self) -> tuple[float, float] | None:
        """Paces at which the same packets left and arrived, bit/s, or None if they are too few to tell."""
        if len(self._instants) < PROBE_INSTANTS:
            return None
        # How long the first instant's packets took is unknown, and the last bunch may have room left.
        (first_s, first_sent_s, _), *counted = self._instants[:-1]
        last_s, last_sent_s, _ = counted[-1]
        if last_s - first_s < PROBE_SHORTEST_S:
            return None
        bits = 8 * sum(size_bytes for _, _, size_bytes in counted)
        sent_s = last_sent_s - first_sent_s
        return (bits / sent_s if sent_s > 0 else float("inf")), bits / (last_s - first_s)
