"""Measures CPU and memory by role and bytes on the wire, from outside and alike for all subjects."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.driver.datagrams import Datagrams
from benchmarks.driver.streams import Streams, Wire

#: Roles whose CPU does not count as the subject's server.
NOT_SERVER = frozenset({"browser", "content", "driver"})


def device_bytes(device: str) -> Wire:
    """Returns the bytes of a network device in this thread's namespace, headers included. Raises OSError."""
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == device:
            received, sent = (int(counters.split()[place]) for place in (0, 8))
            return Wire(down=sent, up=received)
    raise OSError(f"there is no network device {device}")


def driver_cpu_s() -> float:
    """Returns the CPU seconds of this process and of Playwright's Node process, without the browser."""
    own = psutil.Process()
    nodes = [child for child in own.children() if child.name().startswith("node")]
    return sum(sum(process.cpu_times()[:2]) for process in (own, *nodes))


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(pids: Mapping[str, list[int]]) -> dict[str, float]:
    """Returns CPU seconds by role. A role includes child processes, unless they have a role of their own."""
    named = {pid for roots in pids.values() for pid in roots}
    seconds: dict[str, float] = {}
    for role, roots in pids.items():
        seconds[role] = 0.0
        for root in roots:
            for process in _tree(root):
                try:
                    owner = next((p.pid for p in (process, *process.parents()) if p.pid in named), root)
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                if owner == root:
                    seconds[role] += times.user + times.system
    return seconds


def memory_mb(pids: Mapping[str, list[int]]) -> dict[str, float]:
    """Returns resident memory by role in MB (10⁶ bytes), without child processes."""
    sizes: dict[str, float] = {}
    for role, roots in pids.items():
        sizes[role] = 0.0
        for root in roots:
            try:
                sizes[role] += psutil.Process(root).memory_info().rss / 1e6
            except psutil.NoSuchProcess:
                continue
    return sizes


@dataclass(frozen=True, slots=True)
class Reading:
    """The cost of one span of time."""

    seconds: float
    down_bytes: int
    up_bytes: int
    cpu_s: dict[str, float]  # CPU seconds by role, including the roles of NOT_SERVER
    foreign_cpu_s: float  # CPU seconds of processes that belong to no role

    @property
    def server_cpu_s(self) -> float:
        """CPU seconds of the subject's processes and its X server, which are one process in Xvnc."""
        return sum(spent for role, spent in self.cpu_s.items() if role not in NOT_SERVER)


class Meter:
    """Reads all counters at the start and at the end of a measurement."""

    def __init__(
        self,
        pids: Mapping[str, list[int]],
        wire: int | Callable[[], Wire],
        browser_cpu_s: Callable[[], float],
        content_cpu_s: Callable[[], float],
    ) -> None:
        """`wire` is the port whose TCP is counted together with the UDP of `pids`, or a function that counts
        all bytes."""
        self._port = wire if isinstance(wire, int) else None
        self._streams = Streams(self._port or 0)
        self._datagrams = Datagrams()
        self._pids = pids
        self._wire = self._wire_of_port if isinstance(wire, int) else wire
        self._browser = browser_cpu_s
        self._content = content_cpu_s

    def start(self) -> None:
        if self._port is not None:
            self._streams.start()
            self._datagrams.start()
        self._began = self._read()

    def wire(self) -> Wire:
        """Returns the bytes since the start."""
        began, now = self._began[1], self._wire()
        return Wire(now.down - began.down, now.up - began.up)

    def stop(self) -> Reading:
        at0, wire0, cpu0, busy0 = self._began
        at, wire, cpu, busy = self._read()
        if self._port is not None:
            self._streams.stop()
            self._datagrams.stop()
            if self._datagrams.why_not:
                print(self._datagrams.why_not, file=sys.stderr)
        spent = {role: max(0.0, cpu[role] - cpu0[role]) for role in cpu}
        foreign = max(0.0, busy - busy0 - sum(spent.values()))
        return Reading(at - at0, wire.down - wire0.down, wire.up - wire0.up, spent, foreign)

    def _read(self) -> tuple[float, Wire, dict[str, float], float]:
        cpu = cpu_seconds(self._pids)
        cpu["browser"] = self._browser()
        cpu["content"] = self._content()
        cpu["driver"] = driver_cpu_s()
        total = psutil.cpu_times()
        busy = total.user + total.nice + total.system + total.irq + total.softirq
        return time.monotonic(), self._wire(), cpu, busy

    def _wire_of_port(self) -> Wire:
        sent, received = self._datagrams.of(pid for pids in self._pids.values() for pid in pids)
        return self._streams.total() + Wire(sent, received)


def machine() -> dict[str, object]:
    """Describes the machine of this run for the report."""
    model = ""
    with open("/proc/cpuinfo") as lines:  # noqa: PTH123 - a pseudo file, read line by line
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "kernel": os.uname().release,
        "load": [round(load, 2) for load in os.getloadavg()],
    }
