"""What the desktops of all launchers have in common: a supervisor, whose status they follow."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

import structlog

from display_server.broker.launchers.launcher import ENDED_EARLY
from display_server.broker.launchers.supervisor_connection import request_of_supervisor
from display_server.desktop.spec import ControlRequest, DesktopSpec, DesktopState, DesktopStatus
from display_server.errors import DesktopError

log = structlog.get_logger(__name__)


class SupervisedDesktop(ABC):
    """The part of a RunningDesktop that does not depend on how the supervisor was started.

    Monitoring starts at once, so subclasses set their own attributes before they call `__init__`.
    """

    isolated = False

    def __init__(self, spec: DesktopSpec) -> None:
        self._spec = spec
        self._status: DesktopStatus | None = None
        self._started = asyncio.Event()  # set once the desktop is ready or over
        self._stopping = False
        self._monitoring = asyncio.create_task(self._monitor(), name=f"supervisor of {spec.session}")

    async def wait_until_ready(self) -> None:
        """Raises DesktopError when the desktop is over before it is ready."""
        await self._started.wait()
        if self._status is None or self._status.state is not DesktopState.READY:
            raise DesktopError(await self.wait() or ENDED_EARLY)

    async def wait(self) -> str | None:
        return await asyncio.shield(self._monitoring)

    def status(self) -> DesktopStatus | None:
        return self._status

    async def restart_display(self) -> None:
        try:
            await request_of_supervisor(self._spec.control_socket, ControlRequest.RESTART_DISPLAY)
        except (OSError, TimeoutError) as error:  # the supervisor hangs or is being replaced
            log.warning("display not restarted", session=self._spec.session, error=repr(error))

    @abstractmethod
    async def _monitor(self) -> str | None:
        """Follows the supervisors until the desktop is over. Returns why it failed, or None."""
