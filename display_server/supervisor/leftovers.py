"""What a desktop left behind when its keeper could not end in order, found by the mark that all inherit."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

#: In the environment of every process of a desktop: the session's id.
MARK = "LIGHTBOX_SESSION"
#: Killed processes leave the process table at once; a new child of one of them may need another round.
ROUNDS, ROUND_S = 20, 0.02


def remains(session: str) -> list[int]:
    """Pids of living processes of this user that carry the session's mark, this process excepted."""
    mark = f"{MARK}={session}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):  # gone, or somebody else's
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def end_remains(session: str) -> int:
    """Kills them. Returns how many there were. Blocks for a moment."""
    ended: set[int] = set()
    for _ in range(ROUNDS):
        left = remains(session)
        if not left:
            break
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        ended.update(left)
        time.sleep(ROUND_S)
    return len(ended)
