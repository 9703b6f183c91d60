"""Finds the two processes of a running server."""

from __future__ import annotations

import psutil

#: The processes have these names, which begin with the same letters.
PREFIX = "lb-"


def server_processes(pid: int) -> dict[str, psutil.Process]:
    """Returns the children of the process that was started, by role: `broker` and `gateway`."""
    return {
        child.name().removeprefix(PREFIX): child
        for child in psutil.Process(pid).children()
        if child.name().startswith(PREFIX)
    }
