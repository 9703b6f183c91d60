"""Ends a command that was started as the leader of its own process group."""

from __future__ import annotations

import os
import signal
import subprocess


def end_group(process: subprocess.Popen[str] | subprocess.Popen[bytes], timeout_s: float) -> None:
    """Ends the command, if it still runs, together with its children.

    The group gets SIGTERM, and SIGKILL if the command has not ended after `timeout_s`.
    """
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
