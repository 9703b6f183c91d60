"""When each packet leaves: pictures become an even stream at a little more than the target. Time comes in.

As in draft-ietf-rmcat-gcc-02, section 4, with two differences. A picture is one group: once begun it is sent
whole, and one that waits is dropped whole. And the queue is bounded by the time it takes: late pictures help
nobody.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from display_server.agent.transport.webrtc.history import Probe

#: Pace over target: a picture is out well before the next, and late timers are made good.
PACE = 1.5
#: Waiting at the target rate, s: more is dropped.
QUEUE_MAX_S = 0.25
#: Pace that was not used is kept for so long, s: each waking costs as much as some packets.
BURST_S = 0.005


class Packet(Protocol):
    """All that matters here of a packet: what it takes on the way."""

    @property
    def size_bytes(self) -> int: ...


P = TypeVar("P", bound=Packet)


@dataclass(frozen=True, slots=True)
class Group(Generic[P]):
    """One picture. Without `keyframe` it refers to the one before."""

    packets: tuple[P, ...]
    keyframe: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(packet.size_bytes for packet in self.packets)


@dataclass(frozen=True, slots=True)
class Departure(Generic[P]):
    """Send this now. `probe` is for the estimator."""

    packet: P
    repeated: bool
    probe: int | None


@dataclass(slots=True)
class Counters:
    groups_added: int = 0
    groups_sent: int = 0
    groups_dropped: int = 0
    packets_sent: int = 0
    bytes_sent: int = 0
    repeats_sent: int = 0
    repeats_dropped: int = 0
    probes: int = 0


class Pacer(Generic[P]):
    """Of one connection. Groups and retransmissions go in, `due` gives what leaves."""

    def __init__(self, target_bps: float, *, pace: float = PACE, queue_max_s: float = QUEUE_MAX_S) -> None:
        self.counters = Counters()
        #: A picture was dropped: those that follow are, too, until a keyframe is added. Make one as soon as
        #: `queue_s` is small; on top of a queue it would only be dropped again.
        self.keyframe_wanted = False
        self._target_bps = target_bps
        self._pace = pace
        self._queue_max_s = queue_max_s
        self._groups: deque[Group[P]] = deque()
        self._next = 0  # packet of the first group
        self._group_bytes = 0
        self._again: deque[P] = deque()
        self._again_bytes = 0
        self._credit_bytes = 0.0  # below 0: what has been sent too early
        self._at_s: float | None = None
        self._probe: Probe | None = None
        self._probe_left_bytes = 0  # above 0 while it runs
        self._probes_done = 0  # number of the last one begun

    @property
    def rate_bps(self) -> float:
        """At which packets leave now."""
        if self._probe is not None and self._probe_left_bytes > 0:
            return self._probe.rate_bps
        return self._pace * self._target_bps

    @property
    def queue_bytes(self) -> int:
        return self._group_bytes + self._again_bytes

    @property
    def queue_s(self) -> float:
        """What waits, at the target rate."""
        return self.queue_bytes * 8 / self._target_bps

    @property
    def next_due_s(self) -> float | None:
        """When to call `due`; None while nothing waits. May lie in the past."""
        if not self._groups and not self._again:
            return None
        if self._at_s is None:
            return float("-inf")
        return self._at_s + max(0.0, -self._credit_bytes) * 8 / self.rate_bps

    def retarget(self, target_bps: float, now_s: float, probe: Probe | None = None) -> None:
        """The estimator's target, and the probe it wishes (None ends one that runs).

        To be told after each feedback, and before each picture: without feedback the target falls as well.
        """
        if target_bps <= 0:
            raise ValueError(f"a target of {target_bps:g} bit/s; a rate above 0 is needed")
        self._earn(now_s)
        self._target_bps = target_bps
        if probe is None or self._probe is None or probe.number != self._probe.number:
            self._probe, self._probe_left_bytes = probe, 0
        self._trim()

    def add(self, group: Group[P], now_s: float) -> bool:
        """A picture to be sent. False: it was dropped, see `keyframe_wanted`."""
        if not group.packets:
            raise ValueError("a group without packets")
        self._earn(now_s)
        self.counters.groups_added += 1
        if self.keyframe_wanted and not group.keyframe:
            self.counters.groups_dropped += 1
            return False
        self.keyframe_wanted = False
        self._groups.append(group)
        self._group_bytes += group.size_bytes
        self._trim()
        return bool(self._groups) and self._groups[-1] is group

    def repeat(self, packet: P, now_s: float) -> None:
        """Leaves before all groups. Of too many the oldest are dropped: the receiver will ask again."""
        self._earn(now_s)
        self._again.append(packet)
        self._again_bytes += packet.size_bytes
        self._trim()

    def due(self, now_s: float) -> list[Departure[P]]:
        """What leaves now, in this order."""
        self._earn(now_s)
        departures: list[Departure[P]] = []
        while self._credit_bytes >= 0 and (self._again or self._groups):
            self._begin_probe()
            repeated = bool(self._again)
            packet = self._take_again() if repeated else self._take()
            self._credit_bytes -= packet.size_bytes
            probe = self._probe.number if self._probe is not None and self._probe_left_bytes > 0 else None
            departures.append(Departure(packet, repeated, probe))
            self.counters.packets_sent += 1
            self.counters.bytes_sent += packet.size_bytes
            self._probe_left_bytes -= packet.size_bytes
            if not self._again and not self._groups:
                self._probe_left_bytes = 0  # a gap would end the train anyway
        return departures

    def _earn(self, now_s: float) -> None:
        if self._at_s is not None:
            rate = self.rate_bps / 8
            earned = max(0.0, now_s - self._at_s) * rate
            self._credit_bytes = min(self._credit_bytes + earned, max(self._credit_bytes, rate * BURST_S))
            now_s = max(now_s, self._at_s)
        self._at_s = now_s

    def _begin_probe(self) -> None:
        probe = self._probe
        if probe is None or probe.number <= self._probes_done:
            return
        waiting = len(self._again) + sum(len(group.packets) for group in self._groups) - self._next
        if waiting >= probe.least_packets:
            self._probes_done = probe.number
            self._probe_left_bytes = probe.size_bytes
            self.counters.probes += 1

    def _take_again(self) -> P:
        packet = self._again.popleft()
        self._again_bytes -= packet.size_bytes
        self.counters.repeats_sent += 1
        return packet

    def _take(self) -> P:
        group = self._groups[0]
        packet = group.packets[self._next]
        self._next += 1
        self._group_bytes -= packet.size_bytes
        if self._next == len(group.packets):
            self._groups.popleft()
            self._next = 0
            self.counters.groups_sent += 1
        return packet

    @property
    def _bound_bytes(self) -> float:
        return self._queue_max_s * self._target_bps / 8

    def _trim(self) -> None:
        """Too long a queue loses its oldest pictures that have not begun, and those that refer to them.

        A picture that has begun is finished, and one that waits alone is kept: bigger than the bound, it
        would never be shown otherwise. The option that lost, dropping the newest, keeps what is late already.
        """
        while len(self._again) > 1 and self._again_bytes > self._bound_bytes:
            self._again_bytes -= self._again.popleft().size_bytes
            self.counters.repeats_dropped += 1
        first = 1 if self._next else 0
        while self._group_bytes > self._bound_bytes and len(self._groups) > max(1, first):
            self._drop(first)
            while first < len(self._groups) and not self._groups[first].keyframe:
                self._drop(first)
            self.keyframe_wanted = first == len(self._groups)

    def _drop(self, index: int) -> None:
        self._group_bytes -= self._groups[index].size_bytes
        del self._groups[index]
        self.counters.groups_dropped += 1
