"""Whether the broker answers at the moment. Those who wait for it learn at once when it falls silent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from display_server.errors import Malfunction


class BrokerAway(Malfunction):
    """The broker cannot be reached at the moment."""


def broker_away() -> BrokerAway:
    return BrokerAway(
        "The broker, which knows accounts and desktops, cannot be reached at the moment. Desktops that are "
        "open keep running.",
        next_step="Try again in a few seconds. If it happens again, tell your administrator.",
    )


class BrokerPresence:
    """What the gateway's parts know of the broker. Its link to the broker finds out.

    A broker that has died is no matter of this class: the kernel refuses the connection. The kernel accepts
    connections for a broker that hangs, though, and nobody answers.
    """

    def __init__(self) -> None:
        self.silent = False
        self._waiting: set[asyncio.Timeout] = set()

    @contextlib.asynccontextmanager
    async def answer_within(self, limit_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError if the block takes longer, or as soon as the broker is silent."""
        if self.silent:
            raise TimeoutError("the broker gives no sign of life")
        async with asyncio.timeout(limit_s) as limit:
            self._waiting.add(limit)
            try:
                yield
            finally:
                self._waiting.discard(limit)

    def fall_silent(self) -> None:
        """Ends all waiting. `silent` stays set until somebody clears it."""
        self.silent = True
        now_s = asyncio.get_running_loop().time()
        for limit in list(self._waiting):
            limit.reschedule(now_s)
