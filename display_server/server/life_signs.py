"""What a child shows to its parent while it runs: beats, and on request where its threads are.

Both are in memory that the two share. A pipe could be full, and a child must never wait for its parent.
"""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal

#: The signal on which a child writes down where its threads are.
TRACE_SIGNAL = signal.SIGUSR1
#: Longest text about the threads, bytes.
TRACE_MAX_BYTES = 32 * 1024


class LifeSigns:
    """The parent creates them before it forks."""

    def __init__(self) -> None:
        self._beats = mmap.mmap(-1, 1)
        self._traces = os.memfd_create("traces", os.MFD_CLOEXEC)

    def beat(self) -> None:
        """Counts. The child calls it from its event loop."""
        self._beats[0] = (self._beats[0] + 1) % 256

    def close(self) -> None:
        """Gives up this process's part of the memory, in a child that they are not about."""
        self._beats.close()
        os.close(self._traces)

    @property
    def beats(self) -> int:
        """The number of beats, which begins again after 255."""
        return self._beats[0]

    def enable_traces(self) -> None:
        """From now on the child writes down where its threads are when it gets TRACE_SIGNAL.

        The handler is native code, which runs also while Python code does not.
        """
        faulthandler.register(TRACE_SIGNAL, file=self._traces, all_threads=True)

    def take_traces(self) -> str:
        """Returns what the child has written, and forgets it: names of functions, and never values."""
        text = os.pread(self._traces, TRACE_MAX_BYTES, 0).decode(errors="replace")
        os.ftruncate(self._traces, 0)
        os.lseek(self._traces, 0, os.SEEK_SET)  # both processes have one offset
        return text.strip()
