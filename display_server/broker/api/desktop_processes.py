"""The processes of one desktop, with their load and memory. Programs are named without their arguments."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from display_server.broker.busy_processes import ProcessSample
from display_server.broker.container_processes import container_processes
from display_server.broker.live_session import LiveSession
from display_server.broker.process_table import below, read_process_table

#: Desktops whose last samples are remembered.
REMEMBERED_MAX = 100
#: Processes that are listed, those with the most memory first.
LISTED_MAX = 50
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class DesktopProcess:
    """A process. `cpu_percent` is of one processor since the last look; None at the first one."""

    name: str
    cpu_percent: float | None
    memory: int  # resident, bytes


@dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    cpu_s: dict[tuple[int, int], float]  # processor time by pid and start


class DesktopProcesses:
    """Looks at the processes of desktops when it is asked. `now_s` is a clock that never goes back."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._looks: OrderedDict[str, _Look] = OrderedDict()  # by session

    async def of(self, session: LiveSession) -> list[DesktopProcess]:
        """Returns the processes of a desktop; none unless it runs on this host."""
        if session.running is None:
            return []
        status = None if session.running.isolated else session.running.status()
        supervisor = status.pids.supervisor if status is not None else None
        found = await asyncio.to_thread(_read, session.id, supervisor)
        before, now_s = self._looks.get(session.id), self._now_s()
        self._looks[session.id] = _Look(now_s, {(one.pid, one.started): one.cpu_s for one, _ in found})
        self._looks.move_to_end(session.id)
        while len(self._looks) > REMEMBERED_MAX:
            self._looks.popitem(last=False)
        listed = [DesktopProcess(one.program, _load(one, before, now_s), memory) for one, memory in found]
        return sorted(listed, key=lambda one: -one.memory)[:LISTED_MAX]


def _load(sample: ProcessSample, before: _Look | None, now_s: float) -> float | None:
    earlier = before.cpu_s.get((sample.pid, sample.started)) if before is not None else None
    if before is None or earlier is None or now_s <= before.at_s:
        return None
    return round(100 * (sample.cpu_s - earlier) / (now_s - before.at_s), 1)


def _read(session: str, supervisor: int | None) -> list[tuple[ProcessSample, int]]:
    """Returns the processes of a desktop with their memory in bytes. Blocks."""
    table = read_process_table()
    if supervisor is not None:
        samples = below(table, supervisor)
    else:
        pids = container_processes().get(session, {}).values()
        samples = [table[pid].sample for pid in pids if pid in table]
    return [(sample, _memory(sample.pid)) for sample in samples]


def _memory(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0
