"""Forwards IP packets between two TUN devices with delay, jitter and loss. Each device has its own namespace.

The kernel of the benchmark hosts has no netem. The relay delays and drops whole packets, so TCP and UDP react
with their own congestion control and retransmission. Packets keep their order. A full queue drops at its
tail.
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

#: Read size, bytes: the largest IP packet. The MTU of the devices is far below.
PACKET_MAX_BYTES = 65536
#: Most packets in flight per direction. The rate is shaped before the relay, so only an error reaches this.
PACKETS_MAX = 20000
#: Interval at which the random part of the delay is drawn, s. It is not drawn for each packet: packets keep
#: their order, so within a burst the longest delay drawn would soon apply to all of them.
JITTER_INTERVAL_S = 0.02
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Direction:
    """A delay line for one direction. It does no I/O and reads no clock: the caller passes the time."""

    delay_s: float
    loss_fraction: float
    random: random.Random
    jitter_s: float = 0.0
    sent: int = 0
    lost: int = 0
    _drawn_s: float = -math.inf
    _extra_s: float = 0.0
    _line: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, packet: bytes, now_s: float) -> None:
        if self.random.random() < self.loss_fraction or len(self._line) >= PACKETS_MAX:
            self.lost += 1
            return
        if now_s >= self._drawn_s + JITTER_INTERVAL_S:
            self._drawn_s, self._extra_s = now_s, self.jitter_s * self.random.uniform(-1, 1)
        due_s = now_s + self.delay_s + self._extra_s
        if self._line:
            due_s = max(due_s, self._line[-1][0])  # keeps the order, like a link with one queue
        self._line.append((due_s, packet))

    def due(self, now_s: float) -> list[bytes]:
        """Removes and returns the packets that are due by now, in order."""
        packets = []
        while self._line and self._line[0][0] <= now_s:
            packets.append(self._line.popleft()[1])
        self.sent += len(packets)
        return packets

    @property
    def next_s(self) -> float | None:
        """The time at which the next packet is due, or None if there is none."""
        return self._line[0][0] if self._line else None


def relay(one: int, other: int, link: Link, parent: int, seed: int = 1) -> None:
    """Runs the relay between two non-blocking TUN descriptors whose devices are up.

    Returns when a device disappears. The process ends together with process `parent`.
    """
    _end_with(parent)
    delay_s, jitter_s = link.delay_ms / 1000, link.jitter_ms / 1000
    directions = {
        one: (Direction(delay_s, link.loss_fraction, random.Random(seed), jitter_s), other),
        other: (Direction(delay_s, link.loss_fraction, random.Random(seed + 1), jitter_s), one),
    }
    while True:
        times = [direction.next_s for direction, _ in directions.values() if direction.next_s is not None]
        wait_s = max(0.0, min(times) - time.monotonic()) if times else None
        readable, _, _ = select.select([one, other], [], [], wait_s)
        try:
            for descriptor in readable:
                _drain(descriptor, directions[descriptor][0])
            for direction, target in directions.values():
                for packet in direction.due(time.monotonic()):
                    _write(target, packet, direction)
        except OSError:  # the device was removed with its namespace
            return


def _end_with(parent: int) -> None:
    """Makes the kernel kill this process when `parent` ends, also by SIGKILL. SIGTERM ends it at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before prctl took effect
        os._exit(1)


def _write(target: int, packet: bytes, direction: Direction) -> None:
    try:
        os.write(target, packet)
    except BlockingIOError:
        direction.lost += 1


def _drain(descriptor: int, direction: Direction) -> None:
    while True:
        try:
            packet = os.read(descriptor, PACKET_MAX_BYTES)
        except BlockingIOError:
            return
        direction.put(packet, time.monotonic())
