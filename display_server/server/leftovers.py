"""Removes what a dead broker has left of desktops that ended with it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import structlog

from display_server.desktop.session_processes import kill_session_processes
from display_server.desktop.spec import read_status
from display_server.errors import DesktopError
from display_server.process_stat import is_running

log = structlog.get_logger(__name__)

#: How long a supervisor may take to end the programs of its desktop, s.
END_TIMEOUT_S = 10.0
_POLL_S = 0.05


def remove_leftovers(desktops: Path) -> None:
    """Waits until the desktops of this folder have ended, ends what remains, and removes their folders.

    Their supervisors end by themselves when the process that started them dies.
    """
    deadline_s = time.monotonic() + END_TIMEOUT_S
    for folder in sorted(desktops.glob("*")):
        while _supervisor_runs(folder) and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
        kill_session_processes(folder.name)
        shutil.rmtree(folder, ignore_errors=True)
        log.info("remains of a desktop removed", session=folder.name)


def _supervisor_runs(folder: Path) -> bool:
    try:
        status = read_status(folder)
    except DesktopError:
        return False
    return status is not None and is_running(status.pids.supervisor)
