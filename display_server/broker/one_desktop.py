"""Refuses a second desktop to people who may have only one at a time, by a policy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary

from display_server.broker.sessions import Sessions
from display_server.errors import PolicyError


class OneDesktopError(PolicyError):
    """The person has another desktop. `desktop` is its name."""

    def __init__(self, desktop: str) -> None:
        super().__init__(
            f"You may have one desktop at a time, and your desktop {desktop!r} runs.",
            next_step="End that one first, or go on working there.",
        )
        self.desktop = desktop


class OneDesktop:
    """Lets the openings of a person wait for each other, so that two at once do not miss each other."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def opening(self, username: str, desktop: str, *, several: bool) -> AsyncIterator[None]:
        """Enters if the person may open this desktop, which has to happen within the block.

        With `several` they may. Otherwise they may go on with one that runs, or have no other one that this
        process knows. Raises OneDesktopError.
        """
        if several or self._sessions.running(username, desktop) is not None:
            yield
            return
        lock = self._opening.setdefault(username, asyncio.Lock())
        async with lock:
            for session in self._sessions.live():
                other = session.username == username and session.spec.desktop != desktop
                if other and session.opened and not session.stopping:
                    raise OneDesktopError(session.spec.desktop)
            yield
