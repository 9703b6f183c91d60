"""A way for IP packets that takes time and loses some: between two TUN devices, each in its own namespace.

The kernel here has no netem. Whole packets are delayed and dropped, so TCP and UDP meet the loss that they
know; nothing is modelled. Order is kept. What arrives faster than it may leave is dropped at the tail.
"""

from __future__ import annotations

import os
import random
import select
import time
from collections import deque
from dataclasses import dataclass, field

#: A packet and its head room; the devices' MTU is far below.
PACKET_MAX_BYTES = 65536
#: On the way in one direction at most; the rate is shaped before, so that only a mistake fills it.
PACKETS_MAX = 20000


@dataclass(slots=True)
class Direction:
    """A delay line. Pure: time comes in, packets go out when they are due."""

    delay_s: float
    loss_share: float
    random: random.Random
    sent: int = 0
    lost: int = 0
    _line: deque[tuple[float, bytes]] = field(default_factory=deque)

    def put(self, packet: bytes, now_s: float) -> None:
        if self.random.random() < self.loss_share or len(self._line) >= PACKETS_MAX:
            self.lost += 1
            return
        self._line.append((now_s + self.delay_s, packet))

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


def relay(one: int, other: int, delay_s: float, loss_share: float, seed: int = 1) -> None:
    """Between two non-blocking TUN descriptors, until one of them is closed or gone."""
    ways = {
        one: (Direction(delay_s, loss_share, random.Random(seed)), other),
        other: (Direction(delay_s, loss_share, random.Random(seed + 1)), one),
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
                    os.write(target, packet)
        except OSError:  # a device went with its namespace: the link is over
            return


def _drain(descriptor: int, way: Direction) -> None:
    while True:
        try:
            packet = os.read(descriptor, PACKET_MAX_BYTES)
        except BlockingIOError:
            return
        way.put(packet, time.monotonic())
