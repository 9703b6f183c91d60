"""Processes of one desktop: finds and kills them by an environment variable that all of them inherit.

This is the fallback for a supervisor that was killed and could not terminate its own children.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

#: The environment variable that holds the session's id in every process of a desktop.
SESSION_VARIABLE = "LIGHTBOX_SESSION"
#: How often `kill_session_processes` searches: a process may start a child just before it is killed.
KILL_ROUNDS = 20
#: Pause between two of these rounds, s. The kernel removes killed processes well within it.
KILL_ROUND_S = 0.02


def session_processes(session: str) -> list[int]:
    """Returns the pids of this user's living processes that belong to the session, except this process."""
    entry = f"{SESSION_VARIABLE}={session}".encode()
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):  # the process has ended, or belongs to another user
                if entry in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
    return found


def kill_session_processes(session: str) -> int:
    """Kills the processes of the session and returns how many there were. Blocks for up to 0.4 s."""
    killed: set[int] = set()
    for _ in range(KILL_ROUNDS):
        remaining = session_processes(session)
        if not remaining:
            break
        for pid in remaining:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(remaining)
        time.sleep(KILL_ROUND_S)
    return len(killed)


def describe_exit(code: int | None) -> str:
    """Describes a process's exit code for people: `exit code 1`; `SIGSEGV` for -11, a death by signal.

    None stands for an exit code that nobody knows, because the parent of the process ended before it did.
    """
    if code is None:
        return "unknown exit code"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def explain_exit(code: int | None) -> str:
    """Says in plain words how a process ended, as the end of a sentence about it."""
    if code is None:
        return "ended"
    if code >= 0:
        return f"ended by itself ({describe_exit(code)})"
    name = describe_exit(code)
    if code == -signal.SIGKILL:
        return f"was killed ({name}), perhaps because the host ran out of memory"
    if code in {-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}:
        return f"was stopped by somebody ({name})"
    return f"crashed ({name})"
