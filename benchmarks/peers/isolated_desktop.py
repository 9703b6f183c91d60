"""How programs of this host reach a desktop that runs in a container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psutil

from benchmarks.peers.subject import SubjectFailedError
from display_server.desktop.session_processes import session_processes

#: Clients find the X server of a container at the name of a display whose number no X server chooses.
DISPLAY_BASE = 1_000_000
X_SOCKETS = Path("/tmp/.X11-unix")


class IsolatedDesktop:
    """The container of a session that runs. Needs root. Raises SubjectFailedError."""

    def __init__(self, session: str) -> None:
        some = session_processes(session)
        if not some:
            raise SubjectFailedError(f"no process belongs to the session {session}")
        self._namespace = _namespace(some[0])
        (self._x_server,) = self.roles()["x_server"]
        self._link = X_SOCKETS / f"X{DISPLAY_BASE + self._x_server}"
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(f"/proc/{self._x_server}/root/tmp/.X11-unix/X0")

    @property
    def display(self) -> str:
        """The name of the display for clients of this host."""
        return f":{DISPLAY_BASE + self._x_server}"

    def roles(self) -> Mapping[str, list[int]]:
        """Returns the pids on the host: of the X server, of the agent, and of everything else."""
        roles: dict[str, list[int]] = {"x_server": [], "agent": [], "supervisor": []}
        for process in psutil.process_iter():
            if _namespace(process.pid) == self._namespace:
                roles[_role(process)].append(process.pid)
        return roles

    def close(self) -> None:
        """Removes the name of the display."""
        self._link.unlink(missing_ok=True)


def _role(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
    except psutil.Error:  # it has ended
        return "supervisor"
    if "display_server.agent" in words:
        return "agent"
    return "x_server" if words and Path(words[0]).name == "Xvfb" else "supervisor"


def _namespace(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink()
    except OSError:
        return None  # it has ended
