"""Finds the processes of isolated desktops on this host, by the cgroup of their container. Blocks.

A supervisor names processes as its container does. Only the host knows them by the pids that operators use.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

#: The cgroup of a desktop in `/proc/PID/cgroup` (spawner/bundle.py). Programs cannot leave it.
_CGROUP = re.compile(r"/lightbox/([a-z0-9][a-z0-9-]*)(?:/.*)?$", re.MULTILINE)
#: The pids of a process in `/proc/PID/status`: that on this host, and that in its container.
_PIDS = re.compile(r"^NSpid:\s+(\d+)(?:\s+(\d+))?", re.MULTILINE)

#: Pids on this host by the pids in the container.
ContainerPids = dict[int, int]


def container_processes(proc: Path = Path("/proc")) -> dict[str, ContainerPids]:
    """Returns the processes of all isolated desktops, by the id of their session."""
    found: dict[str, ContainerPids] = {}
    for folder in proc.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended
                cgroup = _CGROUP.search((folder / "cgroup").read_text())
                if cgroup is None:
                    continue
                pids = _PIDS.search((folder / "status").read_text(errors="replace"))
                if pids is not None and pids[2] is not None:
                    found.setdefault(cgroup[1], {})[int(pids[2])] = int(pids[1])
    return found
