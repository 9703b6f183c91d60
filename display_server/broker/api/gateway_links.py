"""The broker's end of the links to gateways: admits viewers, and keeps gateways up to date.

A gateway that cannot be reached any more, or is silent, has lost its viewers, or reconnects and says which
are open. Those that may no longer display a desktop are then disconnected.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import msgspec
import structlog

from display_server.broker.admission import ViewerAdmission, ViewerRejected
from display_server.broker.api.agent_connections import AgentConnections
from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker.storage_failures import StorageError
from display_server.broker.viewers import Viewers
from display_server.broker_link.agent_address import AgentAddress
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
from display_server.protocol.close_codes import CloseCode

log = structlog.get_logger(__name__)

#: How long a reload waits for the gateways to use new settings, s. They need some milliseconds.
APPLY_TIMEOUT_S = 10.0


class GatewayLinks:
    """The links to all gateways that are connected."""

    def __init__(self, viewers: Viewers, admission: ViewerAdmission) -> None:
        self._viewers = viewers
        self._admission = admission
        self._links: set[_Link] = set()
        self._settings: GatewaySettings | None = None
        self._agents = AgentConnections(self._agent_of)

    @property
    def count(self) -> int:
        """How many gateways are connected."""
        return len(self._links)

    async def use_settings(self, settings: GatewaySettings) -> None:
        """Sends settings to all gateways, also to those that connect later.

        Returns when the connected ones use them.
        """
        self._settings = settings
        applied = [asyncio.ensure_future(link.use_settings(settings)) for link in self._links]
        if applied:
            _, late = await asyncio.wait(applied, timeout=APPLY_TIMEOUT_S)
            for one in late:
                one.cancel()
                log.warning("a gateway does not use the new settings yet")

    @contextlib.asynccontextmanager
    async def listening(self, sockets: GatewaySockets, *, patience: float = 1.0) -> AsyncIterator[None]:
        """Accepts links of gateways, and their requests for connections to agents, until the block ends.

        `patience` multiplies the time after which a gateway counts as silent.
        """

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            uid = sockets.refused_uid(writer.get_extra_info("socket"))
            if uid is not None:
                log.warning("gateway of another user refused", uid=uid)
                writer.close()
                return
            await self._serve(reader, writer)

        server = await asyncio.start_unix_server(
            serve, sock=sockets.listen(sockets.links), limit=LINE_MAX_BYTES
        )
        exchange = asyncio.create_task(self._exchange_signs_of_life(SILENT_AFTER_S * patience))
        try:
            with self._agents.listening(sockets):
                yield
        finally:
            exchange.cancel()
            server.close()
            for link in list(self._links):
                link.close()

    def _agent_of(self, viewer: str) -> AgentAddress | None:
        """Returns the agent of a viewer that was admitted over a link and is not gone."""
        return next((link.agents[viewer] for link in self._links if viewer in link.agents), None)

    async def _exchange_signs_of_life(self, silent_after_s: float) -> None:
        """Sends signs of life, and closes the links of gateways that send none."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            for link in list(self._links):
                link.send(Alive())
                silent_s = link.silence.look(_now_s())
                if silent_s >= silent_after_s:
                    log.warning("gateway silent; its link is closed", silent_s=round(silent_s, 1))
                    self._links.discard(link)
                    link.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(writer, self._viewers, self._admission)
        self._links.add(link)
        try:
            if self._settings is not None:
                link.send(self._settings)
            while line := await reader.readline():
                link.silence.heard(_now_s())
                link.receive(msgspec.json.decode(line, type=ToBroker))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.warning("link to a gateway broken", error=repr(error))
        finally:
            self._links.discard(link)
            link.close()


class _Link:
    """The link to one gateway, and the viewers that it has."""

    def __init__(self, writer: asyncio.StreamWriter, viewers: Viewers, admission: ViewerAdmission) -> None:
        self._writer = writer
        self._viewers = viewers
        self._admission = admission
        self._known: set[str] = set()  # viewers that are open or being admitted
        self.agents: dict[str, AgentAddress] = {}  # of those that were admitted, by the viewer's name
        self._tasks: set[asyncio.Task[None]] = set()
        self._applied: dict[int, asyncio.Event] = {}  # by the serial number of settings
        self.silence = Silence(_now_s())

    def send(self, message: ToGateway) -> None:
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    def close(self) -> None:
        """Forgets the viewers of this gateway."""
        for task in self._tasks:
            task.cancel()
        for viewer in self._known:
            self._viewers.remove(viewer)
        self._known.clear()
        self.agents.clear()
        for applied in self._applied.values():
            applied.set()
        self._writer.close()

    def abort(self) -> None:
        """Does the same without waiting until the gateway has read what was sent."""
        self.close()
        self._writer.transport.abort()

    async def use_settings(self, settings: GatewaySettings) -> None:
        """Sends settings, and returns when the gateway uses them or is gone."""
        applied = self._applied[settings.serial] = asyncio.Event()
        self.send(settings)
        await applied.wait()

    def receive(self, message: ToBroker) -> None:
        """Handles a message. What takes longer runs beside the messages that follow."""
        match message:
            case Hello(viewers):
                for viewer in viewers:
                    self._known.add(viewer.viewer)
                    self._viewers.add(viewer, self._disconnect)
                self._start(self._examine(viewers))
            case Identify():
                self._start(self._identify(message))
            case Admit():
                self._known.add(message.viewer)
                self._start(self._admit(message))
            case ViewerClosed(viewer):
                self._known.discard(viewer)
                self.agents.pop(viewer, None)
                self._viewers.remove(viewer)
            case SettingsApplied(serial):
                if (applied := self._applied.pop(serial, None)) is not None:
                    applied.set()
            case Alive():
                pass

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _disconnect(self, viewers: list[str]) -> None:
        self._known.difference_update(viewers)
        for viewer in viewers:
            self.agents.pop(viewer, None)
        self.send(Disconnect(viewers))

    async def _examine(self, viewers: list[OpenViewer]) -> None:
        """Disconnects those viewers, admitted over an earlier link, that may no longer be there."""
        for viewer in viewers:
            try:
                may_stay = await self._admission.may_stay(viewer)
            except StorageError:  # people go on working while the database cannot be used
                continue
            except Exception:
                log.exception("viewer not examined; it is disconnected")
                may_stay = False
            if not may_stay:
                log.info("viewer disconnected", viewer=viewer.viewer, session=viewer.session)
                self._viewers.remove(viewer.viewer)
                self._disconnect([viewer.viewer])

    async def _identify(self, message: Identify) -> None:
        try:
            user = await self._admission.find_user(bytes.fromhex(message.web_session))
        except StorageError:  # nobody is known while the database cannot be used
            user = None
        except Exception:
            log.exception("person not identified")
            user = None
        self.send(Identified(message.request, user.username if user is not None else None))

    async def _admit(self, message: Admit) -> None:
        try:
            viewer, agent = await self._admission.admit(message.viewer, message.ticket, message.web_session)
            policy = await self._admission.policy_for(viewer)
        except ViewerRejected as rejection:
            self._reject(message, rejection.code, rejection.label, rejection.reason)
        except StorageError:  # the store has logged why
            self._reject(
                message, CloseCode.GOING_AWAY, "store", "The server cannot use its account database."
            )
        except Exception:
            log.exception("viewer could not be admitted")
            self._reject(
                message, CloseCode.GOING_AWAY, "internal", "An unexpected error occurred in the server."
            )
        else:
            if message.viewer not in self._known:  # it left meanwhile
                return
            self._viewers.add(viewer, self._disconnect)
            self.agents[message.viewer] = agent
            self.send(Admitted(message.request, viewer, agent.secret, policy))

    def _reject(self, message: Admit, code: CloseCode, label: str, reason: str) -> None:
        self._known.discard(message.viewer)
        self.send(Rejected(message.request, code.value, label, reason))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
