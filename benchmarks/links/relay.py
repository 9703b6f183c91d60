"""A way for IP packets that takes time and loses some: between two TUN devices, each in its own namespace.

The kernel here has no netem. Whole packets are delayed and dropped, so TCP and UDP meet the loss that they
know; nothing is modelled. Order is kept. What arrives faster than it may leave is dropped at the tail.
"""

from __future__ import annotations

import ctypes
import math
import os
import random
import select
import signal
import time
from collections import deque
from dataclasses import dataclass, field

from benchmarks.links.link import Link

#: A packet and its head room; the devices' MTU is far below.
PACKET_MAX_BYTES = 65536
#: On the way in one direction at most; the rate is shaped before, so that only a mistake fills it.
PACKETS_MAX = 20000
#: The delay is drawn anew so often, and not for each packet: in a burst, whose packets stay in order, the
#: longest delay of all would soon be everybody's.
JITTER_EVERY_S = 0.02
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Direction:
    """A delay line. Pure: time comes in, packets go out when they are due."""

    delay_s: float
    loss_share: float
    random: random.Random
    jitter_s: float = 0.0
    sent: int = 0
    lost: int = 0
    _drawn_s: float = -math.inf
    _extra_s: float = 0.0
    _line: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, packet: bytes, now_s: float) -> None:
        if self.random.random() < self.loss_share or len(self._line) >= PACKETS_MAX:
            self.lost += 1
            return
        if now_s >= self._drawn_s + JITTER_EVERY_S:
            self._drawn_s, self._extra_s = now_s, self.jitter_s * self.random.uniform(-1, 1)
        due_s = now_s + self.delay_s + self._extra_s
        if self._line:
            due_s = max(due_s, self._line[-1][0])  # in order, as a way with one queue
        self._line.append((due_s, packet))

    def due(self, now_s: float) -> list[bytes]:
        """Takes out what has arrived by now, in order."""
        packets = []
        while self._line and self._line[0][0] <= now_s:
            packets.append(self._line.popleft()[1])
        self.sent += len(packets)
        return packets

    @property
    def next_s(self) -> float | None:
        return self._line[0][0] if self._line else None


def relay(one: int, other: int, link: Link, parent: int, seed: int = 1) -> None:
    """A process between two non-blocking TUN descriptors whose devices are up, until one of them or process
    `parent` is gone."""
    _end_with(parent)
    delay_s, jitter_s = link.delay_ms / 1000, link.jitter_ms / 1000
    ways = {
        one: (Direction(delay_s, link.loss_share, random.Random(seed), jitter_s), other),
        other: (Direction(delay_s, link.loss_share, random.Random(seed + 1), jitter_s), one),
    }
    while True:
        times = [way.next_s for way, _ in ways.values() if way.next_s is not None]
        wait_s = max(0.0, min(times) - time.monotonic()) if times else None
        readable, _, _ = select.select([one, other], [], [], wait_s)
        try:
            for descriptor in readable:
                _drain(descriptor, ways[descriptor][0])
            for way, target in ways.values():
                for packet in way.due(time.monotonic()):
                    _write(target, packet, way)
        except OSError:  # a device went with its namespace: the link is over
            return


def _end_with(parent: int) -> None:
    """Even when that is killed; and by SIGTERM at once, whatever the parent does then."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it went before we could ask
        os._exit(1)


def _write(target: int, packet: bytes, way: Direction) -> None:
    try:
        os.write(target, packet)
    except BlockingIOError:
        way.lost += 1


def _drain(descriptor: int, way: Direction) -> None:
    while True:
        try:
            packet = os.read(descriptor, PACKET_MAX_BYTES)
        except BlockingIOError:
            return
        way.put(packet, time.monotonic())
