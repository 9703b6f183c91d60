"""Reads the processes of this host from /proc, in one pass for all desktops. Blocks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from display_server.broker.busy_processes import ProcessSample

#: Clock ticks per second, the unit of the times in /proc.
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class TableEntry:
    """A process and its parent."""

    parent: int
    sample: ProcessSample


def read_process_table() -> dict[int, TableEntry]:
    """Returns all processes by pid. Those that end meanwhile are left out."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                table_entry = parse_stat((entry / "stat").read_text(errors="replace"))
                found[table_entry.sample.pid] = table_entry
    return found


def parse_stat(line: str) -> TableEntry:
    """Parses `/proc/PID/stat` (proc_pid_stat(5)): "pid (name) state ppid …".

    The name may contain anything, also blanks and brackets.
    """
    head, _, tail = line.rpartition(") ")
    pid, _, program = head.partition(" (")
    fields = tail.split()
    user_ticks, system_ticks = int(fields[11]), int(fields[12])
    sample = ProcessSample(int(pid), int(fields[19]), program, (user_ticks + system_ticks) / TICKS)
    return TableEntry(int(fields[1]), sample)


def below(table: Mapping[int, TableEntry], ancestor: int) -> list[ProcessSample]:
    """Returns the processes that descend from `ancestor`, without itself."""
    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
    found: list[ProcessSample] = []
    waiting = [ancestor]
    seen = {ancestor}
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            if pid not in seen:  # a pid that is used again during the pass could close a circle
                seen.add(pid)
                waiting.append(pid)
                found.append(table[pid].sample)
    return found
