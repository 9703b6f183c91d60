"""The gateway's end of its link to the broker: asks whether viewers may connect, and takes the settings.

When the link is lost, relays go on, and new viewers are refused until the broker can be reached again. The
gateway then says which viewers are open, and the broker disconnects those that may no longer be there. If the
broker stays away, nobody could lock or sign out a device any more, so the gateway disconnects all viewers.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from display_server.broker_link.messages import (
    LINE_MAX_BYTES,
    Admit,
    Admitted,
    Disconnect,
    GatewaySettings,
    Hello,
    Identified,
    Identify,
    OpenViewer,
    Rejected,
    SettingsApplied,
    ToBroker,
    ToGateway,
    ViewerClosed,
)
from display_server.errors import Malfunction

log = structlog.get_logger(__name__)

#: Interval between two attempts to reach the broker, s.
RETRY_INTERVAL_S = 0.05
#: Viewers go on without a broker for this time, s. A restart takes a few seconds.
WITHOUT_BROKER_S = 120.0


class BrokerAway(Malfunction):
    """The broker cannot be reached at the moment."""


class RelayControl(Protocol):
    """What the link does with the relays."""

    def disconnect(self, viewers: list[str]) -> None:
        """Called with the names of viewers that may no longer display their desktops."""

    def close(self) -> None:
        """Called when the broker was away for too long: disconnects all viewers."""


def broker_away() -> BrokerAway:
    return BrokerAway(
        "The broker, which knows accounts and desktops, cannot be reached at the moment. Desktops that are "
        "open keep running.",
        next_step="Try again in a few seconds. If it happens again, tell your administrator.",
    )


class BrokerLink:
    """The link. `run` keeps it open."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: asyncio.StreamWriter | None = None
        self._requests = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Admitted | Rejected]] = {}
        self._identifying: dict[int, asyncio.Future[str | None]] = {}
        self._admitted: dict[str, OpenViewer] = {}  # by the viewer's name

    async def run(self, relays: RelayControl, use_settings: Callable[[GatewaySettings], None]) -> None:
        """Keeps the link open until the task is cancelled. `use_settings` may not raise."""
        give_up: asyncio.TimerHandle | None = None
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    reader, self._writer = await asyncio.open_unix_connection(
                        str(self._path), limit=LINE_MAX_BYTES
                    )
                except OSError:
                    await asyncio.sleep(RETRY_INTERVAL_S)
                    continue
                if give_up is not None:
                    give_up.cancel()
                    log.info("broker reached again", viewers=len(self._admitted))
                await self._receive(reader, relays, use_settings)
                log.warning("link to the broker lost", viewers=len(self._admitted))
                give_up = loop.call_later(WITHOUT_BROKER_S, _give_up, relays)
        finally:
            if give_up is not None:
                give_up.cancel()
            self._disconnected()

    async def admit(self, viewer: str, ticket: str, web_session: str) -> Admitted | Rejected:
        """Asks whether a viewer may connect, and to which agent. `closed` must follow when it leaves.

        Raises BrokerAway.
        """
        if self._writer is None:
            raise broker_away()
        request = next(self._requests)
        answer: asyncio.Future[Admitted | Rejected] = asyncio.get_running_loop().create_future()
        self._waiting[request] = answer
        self._send(Admit(request, viewer, ticket, web_session))
        try:
            return await answer
        finally:
            self._waiting.pop(request, None)

    async def identify(self, web_session: bytes) -> str | None:
        """Returns who is signed in in the browser whose cookie has this hash.

        Nobody is known while the broker is away.
        """
        if self._writer is None:
            return None
        request = next(self._requests)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._identifying[request] = answer
        self._send(Identify(request, web_session.hex()))
        try:
            return await answer
        finally:
            self._identifying.pop(request, None)

    def closed(self, viewer: str) -> None:
        """Says that a viewer is no longer connected."""
        self._admitted.pop(viewer, None)
        self._send(ViewerClosed(viewer))

    async def _receive(
        self,
        reader: asyncio.StreamReader,
        relays: RelayControl,
        use_settings: Callable[[GatewaySettings], None],
    ) -> None:
        """Handles messages until the link is lost."""
        self._send(Hello(list(self._admitted.values())))
        try:
            while line := await reader.readline():
                match msgspec.json.decode(line, type=ToGateway):
                    case GatewaySettings() as settings:
                        use_settings(settings)
                        self._send(SettingsApplied(settings.serial))
                    case Admitted() | Rejected() as answer:
                        self._on_answer(answer)
                    case Identified(request, username):
                        self._on_identified(request, username)
                    case Disconnect(viewers):
                        relays.disconnect(viewers)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.error("link to the broker broken", error=repr(error))
        finally:
            self._disconnected()

    def _on_answer(self, answer: Admitted | Rejected) -> None:
        waiting = self._waiting.get(answer.request)
        if waiting is None or waiting.done():
            return  # the viewer has left, and the broker knows
        if isinstance(answer, Admitted):
            self._admitted[answer.viewer.viewer] = answer.viewer
        waiting.set_result(answer)

    def _on_identified(self, request: int, username: str | None) -> None:
        waiting = self._identifying.get(request)
        if waiting is not None and not waiting.done():
            waiting.set_result(username)

    def _send(self, message: ToBroker) -> None:
        if self._writer is not None:
            self._writer.write(msgspec.json.encode(message) + b"\n")

    def _disconnected(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(broker_away())
        for request in list(self._identifying):
            self._on_identified(request, None)


def _give_up(relays: RelayControl) -> None:
    log.error("broker away for too long; all viewers are disconnected", after_s=WITHOUT_BROKER_S)
    relays.close()
