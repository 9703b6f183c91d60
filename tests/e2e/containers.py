"""Finds the processes of an isolated desktop on this host."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil


def processes_in(pid: int) -> list[psutil.Process]:
    """Returns the processes in the PID namespace of a process, that process included."""
    namespace = Path(f"/proc/{pid}/ns/pid").readlink()
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):  # it has ended
            if Path(f"/proc/{process.pid}/ns/pid").readlink() == namespace:
                found.append(process)
    return [process for process in found if process.is_running()]


def module_process(pid: int, module: str) -> psutil.Process:
    """Returns the process in the same PID namespace that runs a Python module."""
    for process in processes_in(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            if module in process.cmdline():
                return process
    raise AssertionError(f"no process runs {module}")
