"""Proves several times per second that the desktop is alive, and tells every viewer (PROTOCOL.md §12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from display_server.errors import CaptureError
from display_server.protocol import messages as m

#: Interval between two questions to the X server, s. A viewer on a link with a round trip of 800 ms sees a
#: proof that is 400 to 600 ms old, and trusts a proof for 850 ms.
INTERVAL_S = 0.2
#: An X server that did not answer for this time, s, is silent: no picture is called exact until it answers.
SILENT_AFTER_S = 0.6


class ConfirmedScreen(Protocol):
    """The screen whose damage must be known."""

    answering: bool

    async def confirm(self) -> None:
        """Returns when all damage that was done before the call is known. Raises CaptureError."""


class HeartbeatReceiver(Protocol):
    """A viewer, as far as it needs heartbeats."""

    def notify_heartbeat(self, heartbeat: m.Heartbeat) -> None:
        """Sends the heartbeat, and the state if it changed."""


class Heartbeat:
    """Asks the X server for damage at an interval, over the connection that delivers damage.

    Only one question is on its way at a time. A heartbeat is sent when the answer comes, and at each interval
    without an answer. `viewers` returns the viewers that are connected, and `silent_parts` the parts of the
    desktop besides the X server that do not answer. `clock` returns the monotonic time in s.
    """

    def __init__(
        self,
        screen: ConfirmedScreen,
        viewers: Callable[[], Iterable[HeartbeatReceiver]],
        silent_parts: Callable[[float], list[m.SilentPart]],
        clock: Callable[[], float],
        *,
        patience: float = 1.0,
    ) -> None:
        self._screen = screen
        self._viewers = viewers
        self._silent_parts = silent_parts
        self._clock = clock
        self._silent_after_s = SILENT_AFTER_S * patience
        self._sequence = 0
        self._proven_s: float | None = None  # when the question was asked that was answered last
        self._asked_s: float | None = None  # when the question was asked that is not answered yet
        self._question: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Runs until it is cancelled."""
        try:
            while True:
                self.beat()
                await asyncio.sleep(INTERVAL_S)
        finally:
            if self._question is not None:
                self._question.cancel()

    def beat(self) -> None:
        """Asks the X server, or tells the viewers that it has not answered yet. Idle without viewers."""
        if self._asked_s is not None:
            self._send()
        elif any(True for _ in self._viewers()):
            self._asked_s = self._clock()
            self._question = asyncio.create_task(self._ask(self._asked_s), name="heartbeat")

    async def _ask(self, asked_s: float) -> None:
        try:
            await self._screen.confirm()
        except CaptureError:
            return  # `Screen.run` raises the same error and ends the agent; nothing is proven meanwhile
        self._proven_s, self._asked_s = asked_s, None
        self._send()

    def _send(self) -> None:
        now_s = self._clock()
        self._screen.answering = self._asked_s is None or now_s - self._asked_s < self._silent_after_s
        silent = self._silent_parts(now_s)
        if not self._screen.answering:
            silent = ["x-server", *silent]
        self._sequence += 1
        age_ms = None if self._proven_s is None else round((now_s - self._proven_s) * 1000, 1)
        message = m.Heartbeat(self._sequence, round(now_s * 1000, 1), age_ms, silent)
        for viewer in self._viewers():
            viewer.notify_heartbeat(message)
