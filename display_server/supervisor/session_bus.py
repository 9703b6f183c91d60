"""The D-Bus session bus of a desktop's programs. Lightbox itself does not use it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from display_server.desktop.spec import DesktopSpec
from display_server.errors import DesktopError
from display_server.supervisor.children import Children
from display_server.supervisor.environment import service_environment
from display_server.supervisor.supervisor_log import LogEvent

#: How long the bus may take to start, s; then the programs start without it.
START_TIMEOUT_S = 3.0
_POLL_S = 0.005


async def start_session_bus(children: Children, spec: DesktopSpec, output: int, log: LogEvent) -> Path | None:
    """Starts the bus and returns its socket, or None if it does not start.

    Programs work without a bus, some of them more slowly.
    """
    socket = Path(spec.folder) / "bus"
    environment = service_environment(spec) | {"HOME": spec.home}
    command = ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address=unix:path={socket}"]
    try:
        child = children.start("session bus", command, environment, output=output)
    except DesktopError as error:
        log("program missing", program="session bus", error=str(error), hint="apt-get install dbus")
        return None
    for _ in range(int(START_TIMEOUT_S / _POLL_S)):
        if socket.exists() or not child.alive:
            break
        await asyncio.sleep(_POLL_S)
    return socket if socket.exists() else None
