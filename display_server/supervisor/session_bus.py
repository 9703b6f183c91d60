"""The D-Bus session bus of a desktop's programs. Lightbox itself does not use it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from display_server.desktop.spec import DesktopSpec
from display_server.errors import DesktopError
from display_server.supervisor.children import Children
from display_server.supervisor.descriptors import read_line
from display_server.supervisor.environment import service_environment
from display_server.supervisor.places import Places
from display_server.supervisor.supervisor_log import LogEvent

#: The name of the bus in the record of processes.
PROCESS_NAME = "session bus"
#: How long the bus may take to start, s; then the programs start without it.
START_TIMEOUT_S = 3.0


async def start_session_bus(
    children: Children, spec: DesktopSpec, places: Places, output: int, log: LogEvent
) -> Path | None:
    """Starts the bus and returns its socket, or None if it does not start.

    A bus that an earlier supervisor started goes on. Programs work without a bus, some of them more slowly.
    """
    if children.adopt(PROCESS_NAME) is not None:
        return places.bus
    environment = service_environment(spec) | {"HOME": spec.home}
    reader, writer = os.pipe()
    command = [
        *("dbus-daemon", "--session", "--nofork", "--nopidfile"),
        f"--address=unix:path={places.bus}",
        f"--print-address={writer}",  # which the bus writes once it accepts connections
    ]
    try:
        children.start(
            PROCESS_NAME, command, environment, output=output, pass_fds=[writer], identity=places.person
        )
    except DesktopError as error:
        os.close(reader)
        log("program missing", program="session bus", error=str(error), hint="apt-get install dbus")
        return None
    finally:
        os.close(writer)
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            return places.bus if await read_line(reader) else None
    except TimeoutError:
        return None
    finally:
        os.close(reader)
