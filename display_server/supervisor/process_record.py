"""The file that names the processes of a desktop, so that the next supervisor finds them again.

A supervisor may be killed at any time, and its desktop goes on without it. The supervisor that follows knows
from `processes.json` what runs. A pid may meanwhile belong to another process; the time at which the process
started tells the two apart.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from display_server.desktop.spec import write_private
from display_server.process_stat import is_same_process

FILE_NAME = "processes.json"


class RecordedProcess(msgspec.Struct, frozen=True):
    """A process that a supervisor started; `running` is false once a supervisor has seen it end."""

    name: str
    pid: int
    start_ticks: int  # since the host's start, as in /proc/PID/stat
    running: bool = True


class ProcessRecord:
    """The processes of one desktop by name, in memory and in the file. A second start replaces the first."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._processes: dict[str, RecordedProcess] = {}
        with contextlib.suppress(FileNotFoundError):
            found = msgspec.json.decode(self._file.read_bytes(), type=list[RecordedProcess])
            self._processes = {process.name: process for process in found}

    def find(self, name: str) -> RecordedProcess | None:
        return self._processes.get(name)

    def running(self) -> list[RecordedProcess]:
        """Returns the recorded processes that have not ended."""
        return [
            process
            for process in self._processes.values()
            if process.running and is_same_process(process.pid, process.start_ticks)
        ]

    def add(self, name: str, pid: int, start_ticks: int) -> None:
        """Raises OSError when the file cannot be written."""
        self._processes[name] = RecordedProcess(name, pid, start_ticks)
        self._write()

    def mark_ended(self, name: str, pid: int) -> None:
        """Never raises OSError: an entry that still says `running` is checked again by the next reader."""
        process = self._processes.get(name)
        if process is not None and process.pid == pid and process.running:
            self._processes[name] = msgspec.structs.replace(process, running=False)
            with contextlib.suppress(OSError):
                self._write()

    def forget(self) -> None:
        """Removes the file and all entries."""
        self._processes.clear()
        self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        write_private(self._file, msgspec.json.encode(list(self._processes.values())))
