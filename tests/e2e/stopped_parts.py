"""Finds the processes of a demo, and stops one for a while."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import psutil

from tests.e2e.lightbox import Lightbox
from tests.fakes.server_processes import server_processes


@contextlib.contextmanager
def stopped(pid: int, *, may_end: bool = False) -> Iterator[None]:
    """Stops a process as a debugger or a host without memory does, and lets it go on.

    With `may_end` the test may end the process meanwhile.
    """
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(*([ProcessLookupError] if may_end else [])):
            os.kill(pid, signal.SIGCONT)


def gateway_pid(lightbox: Lightbox) -> int:
    return server_processes(lightbox.program.pid)["gateway"].pid


def broker_pid(lightbox: Lightbox) -> int:
    return server_processes(lightbox.program.pid)["broker"].pid


def supervisor_pid(lightbox: Lightbox) -> int:
    return psutil.Process(lightbox.session().agent_pid).ppid()


def window_manager_pid(lightbox: Lightbox) -> int:
    supervisor = psutil.Process(lightbox.session().agent_pid).parent()
    assert supervisor is not None
    return next(child.pid for child in supervisor.children(recursive=True) if child.name() == "openbox")
