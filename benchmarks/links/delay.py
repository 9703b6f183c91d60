"""How long packets wait on their way to the browser: small datagrams at a steady pace beside all else.

Both ends are on this host and have one clock, so that the time of one way is told, not of a round trip; the
kernel notes when it arrived, so that a busy driver makes nothing later.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.links.network import LinkEstimate
from benchmarks.report.results import quantile

EVERY_S = 0.05
#: How long the last ones may be under way, s.
LATE_S = 2.0
_STAMP, _ARRIVED, _TIMESTAMP = struct.Struct("=q"), struct.Struct("=qq"), 35  # SO_TIMESTAMPNS


@dataclass(frozen=True, slots=True)
class Probe:
    """`sent_s` by the wall clock; `delay_ms` None: it did not arrive."""

    sent_s: float
    delay_ms: float | None


class DelayProbe:
    """Context manager: probes go out for as long as the block lasts. `client_host` is the browser's address,
    on loopback too."""

    def __init__(self, way: LinkEstimate, client_host: str) -> None:
        with way.client():
            self._here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._here.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
            self._here.bind((client_host, 0))
            self._here.settimeout(0.2)
        with way.server():
            self._there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._there.connect(self._here.getsockname())
        self._sent_ns: list[int] = []
        self._arrived_ns: dict[int, int] = {}
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._send, self._receive)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for end in (self._here, self._there):
            end.close()

    def probes(self) -> list[Probe]:
        """In the order in which they were sent."""
        found = []
        for sent_ns in list(self._sent_ns):
            arrived_ns = self._arrived_ns.get(sent_ns)
            delay_ms = None if arrived_ns is None else (arrived_ns - sent_ns) / 1e6
            found.append(Probe(sent_ns / 1e9, delay_ms))
        return found

    def _send(self) -> None:
        while not self._ending.wait(EVERY_S):
            now_ns = time.time_ns()
            self._sent_ns.append(now_ns)
            self._there.send(_STAMP.pack(now_ns))

    def _receive(self) -> None:
        until = None
        while until is None or time.monotonic() < until:
            if self._ending.is_set():
                done = len(self._arrived_ns) == len(self._sent_ns)
                until = time.monotonic() if done else until or time.monotonic() + LATE_S
            try:
                told, notes, _, _ = self._here.recvmsg(64, 64)
            except TimeoutError:
                continue
            for level, kind, note in notes:
                if level == socket.SOL_SOCKET and kind == _TIMESTAMP:
                    seconds, nanoseconds = _ARRIVED.unpack(note)
                    self._arrived_ns[_STAMP.unpack(told)[0]] = seconds * 10**9 + nanoseconds


def queueing(probes: Sequence[Probe], began_s: float, ended_s: float, idle_ms: float) -> list[float]:
    """What those sent between the two times waited more than on an idle way, ms. One that was lost met a full
    queue: it waited as long as the longest."""
    between = [probe for probe in probes if began_s <= probe.sent_s < ended_s]
    arrived = [probe.delay_ms - idle_ms for probe in between if probe.delay_ms is not None]
    lost = [max(arrived, default=0.0)] * (len(between) - len(arrived))
    return arrived + lost


def idle_delay_ms(probes: Sequence[Probe], ended_s: float) -> float:
    """The median before anything else was under way. Raises ValueError where none arrived."""
    before = [p.delay_ms for p in probes if p.sent_s < ended_s and p.delay_ms is not None]
    if not before:
        raise ValueError("no probe arrived on the idle link")
    return quantile(before, 0.5)
