"""Receives the clicks on the indicator of the input mode in the desktop's panel (tint2), by a named pipe.

`settings/tint2rc` lets each click write a line into the pipe. While nobody reads it, a click has no effect.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

#: The named pipe in the desktop's runtime folder.
PIPE_NAME = "lightbox-input-mode-switch"
#: How much of the pipe is read at once, bytes: more clicks than a person makes before they are read.
_READ_BYTES = 4096


class ModeSwitch:
    """The reading end of the pipe. It stays open, so that no click ends it."""

    def __init__(self, runtime_folder: Path) -> None:
        """Creates the pipe anew: that of a process which was killed may hold old clicks. Raises OSError."""
        path = runtime_folder / PIPE_NAME
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        # Open for writing too: otherwise the pipe would be at its end after each click, and always readable.
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        return self._descriptor

    def clicks(self) -> int:
        """Returns how often the indicator was clicked since the last call. Raises OSError."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._descriptor, _READ_BYTES).count(b"\n")
        return 0

    def close(self) -> None:
        os.close(self._descriptor)
