"""Decides when each packet leaves, so that frames become an even stream a little above the target rate. Pure:
the caller passes the time.

It follows section 4 of draft-ietf-rmcat-gcc-02, with two differences. The packets of a frame are one group: a
frame that has begun is sent completely, and one that waits is dropped completely. And the queue is bounded by
the time that it takes to send, because late frames are of no use.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from display_server.agent.transport.webrtc.history import Probe

#: Sending rate in multiples of the target: a frame is sent well before the next one, and late timers are made
#: up for.
PACE = 1.5
#: Longest queue, in s at the target rate. Groups beyond it are dropped.
QUEUE_MAX_S = 0.25
#: Unused sending time that may be made up for, s. Each timer costs as much CPU time as some packets, so a few
#: packets leave at once.
BURST_S = 0.005


class Packet(Protocol):
    """What the pacer needs to know of a packet."""

    @property
    def size_bytes(self) -> int: ...


P = TypeVar("P", bound=Packet)


@dataclass(frozen=True, slots=True)
class Group(Generic[P]):
    """The packets of one frame. Unless it is a keyframe it depends on the frame before."""

    packets: tuple[P, ...]
    keyframe: bool = False

    @property
    def size_bytes(self) -> int:
        return sum(packet.size_bytes for packet in self.packets)


@dataclass(frozen=True, slots=True)
class Departure(Generic[P]):
    """A packet to be sent now. `probe` is the number of the probe that it is part of, for the estimator."""

    packet: P
    retransmission: bool
    probe: int | None


@dataclass(slots=True)
class Counters:
    """Totals of one pacer."""

    groups_added: int = 0
    groups_sent: int = 0
    groups_dropped: int = 0
    packets_sent: int = 0
    bytes_sent: int = 0
    retransmissions_sent: int = 0
    retransmissions_dropped: int = 0
    probes: int = 0


class Pacer(Generic[P]):
    """Queues the groups and retransmissions of one connection; `take_due` returns what leaves."""

    def __init__(self, target_bps: float, *, pace: float = PACE, queue_max_s: float = QUEUE_MAX_S) -> None:
        self.counters = Counters()
        #: A frame was dropped, and so are all that follow until a keyframe is added. It should be made as
        #: soon as `queue_s` is small; otherwise it would be dropped again.
        self.keyframe_wanted = False
        self._target_bps = target_bps
        self._pace = pace
        self._queue_max_s = queue_max_s
        self._groups: deque[Group[P]] = deque()
        self._next = 0  # index of the next packet in the first group
        self._group_bytes = 0
        self._retransmissions: deque[P] = deque()
        self._retransmission_bytes = 0
        self._credit_bytes = 0.0  # below 0: bytes that were sent too early
        self._at_s: float | None = None
        self._probe: Probe | None = None
        self._probe_left_bytes = 0  # above 0 while the probe runs
        self._probes_done = 0  # number of the last probe that has begun

    @property
    def rate_bps(self) -> float:
        """The rate at which packets leave now."""
        if self._probe is not None and self._probe_left_bytes > 0:
            return self._probe.rate_bps
        return self._pace * self._target_bps

    @property
    def queue_bytes(self) -> int:
        return self._group_bytes + self._retransmission_bytes

    @property
    def queue_s(self) -> float:
        """How long the queue takes at the target rate, s."""
        return self.queue_bytes * 8 / self._target_bps

    @property
    def next_due_s(self) -> float | None:
        """When to call `take_due`, which may be in the past; None while nothing is queued."""
        if not self._groups and not self._retransmissions:
            return None
        if self._at_s is None:
            return float("-inf")
        return self._at_s + max(0.0, -self._credit_bytes) * 8 / self.rate_bps

    def retarget(self, target_bps: float, now_s: float, probe: Probe | None = None) -> None:
        """Sets the estimator's target and probe; None ends a running probe.

        Call it after each feedback, and before each frame, because without feedback the target falls, too.
        """
        if target_bps <= 0:
            raise ValueError(f"the target must be above 0 bit/s, not {target_bps:g}")
        self._earn(now_s)
        self._target_bps = target_bps
        if probe is None or self._probe is None or probe.number != self._probe.number:
            self._probe, self._probe_left_bytes = probe, 0
        self._trim()

    def add(self, group: Group[P], now_s: float) -> bool:
        """Queues a frame. Returns False if it was dropped; see `keyframe_wanted`."""
        if not group.packets:
            raise ValueError("the group has no packets")
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

    def retransmit(self, packet: P, now_s: float) -> None:
        """Queues a packet before all groups. If there are too many the oldest are dropped; the receiver will
        request them again.
        """
        self._earn(now_s)
        self._retransmissions.append(packet)
        self._retransmission_bytes += packet.size_bytes
        self._trim()

    def take_due(self, now_s: float) -> list[Departure[P]]:
        """Returns the packets that leave now, in this order."""
        self._earn(now_s)
        departures: list[Departure[P]] = []
        while self._credit_bytes >= 0 and (self._retransmissions or self._groups):
            self._begin_probe()
            retransmission = bool(self._retransmissions)
            packet = self._take_retransmission() if retransmission else self._take()
            self._credit_bytes -= packet.size_bytes
            probe = self._probe.number if self._probe is not None and self._probe_left_bytes > 0 else None
            departures.append(Departure(packet, retransmission, probe))
            self.counters.packets_sent += 1
            self.counters.bytes_sent += packet.size_bytes
            self._probe_left_bytes -= packet.size_bytes
            if not self._retransmissions and not self._groups:
                self._probe_left_bytes = 0  # a pause would end the train anyway
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
        waiting = len(self._retransmissions) + sum(len(group.packets) for group in self._groups) - self._next
        if waiting >= probe.least_packets:
            self._probes_done = probe.number
            self._probe_left_bytes = probe.size_bytes
            self.counters.probes += 1

    def _take_retransmission(self) -> P:
        packet = self._retransmissions.popleft()
        self._retransmission_bytes -= packet.size_bytes
        self.counters.retransmissions_sent += 1
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
        """Drops the oldest frames that have not begun, and those that depend on them, if the queue is too
        long.

        A frame that has begun is finished. A frame that waits alone is kept even if it exceeds the bound,
        because it would never be shown otherwise. Rejected: dropping the newest frames would keep those that
        are late.
        """
        while len(self._retransmissions) > 1 and self._retransmission_bytes > self._bound_bytes:
            self._retransmission_bytes -= self._retransmissions.popleft().size_bytes
            self.counters.retransmissions_dropped += 1
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
