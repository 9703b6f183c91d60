"""The gateway's end of its link to the broker: asks whether viewers may connect, and takes the settings.

When the link is lost, relays go on, and new viewers are refused until the broker can be reached again. The
gateway then says which viewers are open, and the broker disconnects those that may no longer be there. A
broker that is silent counts as away as well, but the link stays open: its next message shows that it is back.
If the broker stays away, nobody could lock or sign out a device any more, so the gateway disconnects all
viewers.
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
    Alive,
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
from display_server.broker_link.silence import INTERVAL_S, SILENT_AFTER_S, Silence
from display_server.gateway.broker_presence import BrokerPresence, broker_away

log = structlog.get_logger(__name__)

#: Interval between two attempts to reach the broker, s.
RETRY_INTERVAL_S = 0.05
#: Viewers go on without a sign of life of a broker for this time, s. A restart takes a few seconds.
WITHOUT_BROKER_S = 120.0


class RelayControl(Protocol):
    """What the link does with the relays."""

    def disconnect(self, viewers: list[str]) -> None:
        """Called with the names of viewers that may no longer display their desktops."""

    def close(self) -> None:
        """Called when the broker was away for too long: disconnects all viewers."""


class BrokerLink:
    """The link. `run` keeps it open.

    `patience` multiplies the time after which a broker counts as silent.
    """

    def __init__(self, path: Path, *, patience: float = 1.0) -> None:
        self.presence = BrokerPresence()
        self._path = path
        self._silent_after_s = SILENT_AFTER_S * patience
        self._silence = Silence(0.0)  # of any broker
        self._silence_on_link = Silence(0.0)  # of this link's, since it was opened
        self._given_up = True  # there are no viewers before the first sign of life
        self._writer: asyncio.StreamWriter | None = None
        self._requests = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Admitted | Rejected]] = {}
        self._identifying: dict[int, asyncio.Future[str | None]] = {}
        self._admitted: dict[str, OpenViewer] = {}  # by the viewer's name

    async def run(self, relays: RelayControl, use_settings: Callable[[GatewaySettings], None]) -> None:
        """Keeps the link open until the task is cancelled. `use_settings` may not raise."""
        self._silence = Silence(_now_s())
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_open(relays, use_settings))
                group.create_task(self._exchange_signs_of_life(relays))
        finally:
            self._disconnected()

    async def admit(self, viewer: str, ticket: str, web_session: str) -> Admitted | Rejected:
        """Asks whether a viewer may connect, and to which agent. `closed` must follow when it leaves.

        Raises BrokerAway.
        """
        if self._writer is None or self.presence.silent:
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
        if self._writer is None or self.presence.silent:
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

    async def _keep_open(self, relays: RelayControl, use_settings: Callable[[GatewaySettings], None]) -> None:
        while True:
            try:
                reader, self._writer = await asyncio.open_unix_connection(
                    str(self._path), limit=LINE_MAX_BYTES
                )
            except OSError:
                await asyncio.sleep(RETRY_INTERVAL_S)
                continue
            self._silence_on_link = Silence(_now_s())
            log.info("broker reached", viewers=len(self._admitted))
            await self._receive(reader, relays, use_settings)
            log.warning("link to the broker lost", viewers=len(self._admitted))

    async def _exchange_signs_of_life(self, relays: RelayControl) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            self._send(Alive())
            silent_s = self._silence_on_link.look(_now_s())
            if self._writer is not None and not self.presence.silent and silent_s >= self._silent_after_s:
                log.warning("broker silent", silent_s=round(silent_s, 1), viewers=len(self._admitted))
                self.presence.fall_silent()
                self._give_up_waiting()
            if self._silence.look(_now_s()) >= WITHOUT_BROKER_S and not self._given_up:
                log.error("broker away for too long; all viewers are disconnected", after_s=WITHOUT_BROKER_S)
                self._given_up = True
                relays.close()

    def _heard(self) -> None:
        """Takes a sign of life of the broker."""
        self._silence.heard(_now_s())
        self._silence_on_link.heard(_now_s())
        self._given_up = False
        if self.presence.silent:
            log.info("broker answers again", viewers=len(self._admitted))
            self.presence.silent = False

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
                self._heard()
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
                    case Alive():
                        pass
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("link to the broker broken", error=repr(error))
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
        self.presence.silent = False  # the kernel knows whether there is a broker
        self._give_up_waiting()

    def _give_up_waiting(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(broker_away())
        for request in list(self._identifying):
            self._on_identified(request, None)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
