"""Asks regularly whether desktops can be started at all, so that nobody has to try in order to find out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from display_server.errors import DesktopError

log = structlog.get_logger(__name__)

#: Interval between two questions, s.
INTERVAL_S = 10.0


class LauncherWatch:
    """Keeps the last answer of what starts desktops. `ask` raises DesktopError when it cannot start any."""

    def __init__(self, ask: Callable[[], Awaitable[object]] | None = None) -> None:
        """Without `ask` desktops are started by this process itself, which cannot be away."""
        self._ask = ask
        #: Why no desktop can be started; None while some can.
        self.failure: DesktopError | None = None

    async def run(self) -> None:
        """Asks until it is cancelled."""
        while True:
            await self.run_once()
            await asyncio.sleep(INTERVAL_S)

    async def run_once(self) -> None:
        if self._ask is None:
            return
        try:
            await self._ask()
        except DesktopError as error:
            if self.failure is None:
                log.error("no desktop can be started", cause=error.cause, next_step=error.next_step)
            self.failure = error
        else:
            if self.failure is not None:
                log.info("desktops can be started again")
            self.failure = None
