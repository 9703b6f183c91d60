"""What the kernel says about a process in `/proc/PID/stat`.

A pid may be given to another process once its own has ended. The time at which a process started tells the
two apart. It is counted in the kernel's ticks since the host started, so that it stays the same when somebody
sets the clock of the host.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

#: Where the file has the state, the parent and the start time, counted behind the name of the program.
_STATE, _PARENT, _FLAGS, _START_TICKS = 0, 1, 6, 19
#: The kernel's flag PF_EXITING, which it sets before it closes the files of a process that ends.
_EXITING = 0x4
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """A process that exists. A zombie has ended and was not collected by its parent yet."""

    parent: int
    start_ticks: int  # since the host's start
    is_zombie: bool
    is_ending: bool  # its end has begun, and whoever was connected to it may know already; also of a zombie


def read_stat(pid: int) -> ProcessStat | None:
    """Returns None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # "pid (name) state ppid …"; the name may contain anything, also blanks and brackets
    fields = text.rpartition(") ")[2].split()
    if len(fields) <= _START_TICKS:
        return None
    return ProcessStat(
        parent=int(fields[_PARENT]),
        start_ticks=int(fields[_START_TICKS]),
        is_zombie=fields[_STATE] in "ZX",
        is_ending=bool(int(fields[_FLAGS]) & _EXITING),
    )


def boot_id() -> str:
    """Returns what tells this start of the host apart from every other one."""
    return _BOOT_ID.read_text().strip()


def is_running(pid: int) -> bool:
    """Returns whether a process with this pid exists and has not ended."""
    stat = read_stat(pid)
    return stat is not None and not stat.is_zombie


def is_same_process(pid: int, start_ticks: int) -> bool:
    """Returns whether the process that had this pid and start time still runs."""
    stat = read_stat(pid)
    return stat is not None and stat.start_ticks == start_ticks and not stat.is_zombie
