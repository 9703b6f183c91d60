"""Measures the one-way delay of packets to the browser with small UDP datagrams, sent at a steady pace.

Server and browser run on the same host and share one clock, so the one-way delay can be measured directly.
The kernel timestamps each arrival, so a busy driver does not add to the delay.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.links.network import LinkNetwork
from benchmarks.report.results import quantile

#: Interval between two probes, s.
PROBE_INTERVAL_S = 0.05
#: How long to wait for outstanding probes after the last one was sent, s.
DRAIN_TIMEOUT_S = 2.0
#: Payload of a probe: the time at which it was sent, ns.
_STAMP = struct.Struct("=q")
#: Kernel timestamp of an arrival (struct timespec): seconds and nanoseconds.
_ARRIVED = struct.Struct("=qq")
#: SO_TIMESTAMPNS of asm-generic/socket.h, which Python's `socket` does not define.
_TIMESTAMP = 35


@dataclass(frozen=True, slots=True)
class Probe:
    """One datagram. `sent_s` is wall-clock time; `delay_ms` is None if the datagram was lost."""

    sent_s: float
    delay_ms: float | None


class DelayProbe:
    """Context manager that sends probes from the server's end of the link while its block runs.

    `client_host` is the browser's address, also on loopback.
    """

    def __init__(self, network: LinkNetwork, client_host: str) -> None:
        with network.client():
            self._receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._receiver.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
            self._receiver.bind((client_host, 0))
            self._receiver.settimeout(0.2)
        with network.server():
            self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._sender.connect(self._receiver.getsockname())
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
        for end in (self._receiver, self._sender):
            end.close()

    def probes(self) -> list[Probe]:
        """Returns all probes in the order in which they were sent."""
        found = []
        for sent_ns in list(self._sent_ns):
            arrived_ns = self._arrived_ns.get(sent_ns)
            delay_ms = None if arrived_ns is None else (arrived_ns - sent_ns) / 1e6
            found.append(Probe(sent_ns / 1e9, delay_ms))
        return found

    def _send(self) -> None:
        while not self._ending.wait(PROBE_INTERVAL_S):
            now_ns = time.time_ns()
            self._sent_ns.append(now_ns)
            self._sender.send(_STAMP.pack(now_ns))

    def _receive(self) -> None:
        until = None
        while until is None or time.monotonic() < until:
            if self._ending.is_set():
                done = len(self._arrived_ns) == len(self._sent_ns)
                until = time.monotonic() if done else until or time.monotonic() + DRAIN_TIMEOUT_S
            try:
                payload, control, _, _ = self._receiver.recvmsg(64, 64)
            except TimeoutError:
                continue
            for level, kind, data in control:
                if level == socket.SOL_SOCKET and kind == _TIMESTAMP:
                    seconds, nanoseconds = _ARRIVED.unpack(data)
                    self._arrived_ns[_STAMP.unpack(payload)[0]] = seconds * 10**9 + nanoseconds


def queueing(probes: Sequence[Probe], began_s: float, ended_s: float, idle_ms: float) -> list[float]:
    """Returns the queueing delay in ms of each probe sent in [began_s, ended_s): its delay minus `idle_ms`.

    A lost probe met a full queue and counts as much as the longest delay of the others.
    """
    sent = [probe for probe in probes if began_s <= probe.sent_s < ended_s]
    arrived = [probe.delay_ms - idle_ms for probe in sent if probe.delay_ms is not None]
    lost = [max(arrived, default=0.0)] * (len(sent) - len(arrived))
    return arrived + lost


def idle_delay_ms(probes: Sequence[Probe], ended_s: float) -> float:
    """Returns the median delay of the probes sent before `ended_s`. Raises ValueError if none arrived."""
    before = [p.delay_ms for p in probes if p.sent_s < ended_s and p.delay_ms is not None]
    if not before:
        raise ValueError("no probe arrived on the idle link")
    return quantile(before, 0.5)
