"""The gateway's process. It opens no file of the state folder, no database and no socket of a desktop."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.abc
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from display_server.broker.gateway_sockets import GatewaySockets
from display_server.broker_link.messages import GatewaySettings
from display_server.errors import Malfunction
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.agent_sockets import PassedAgentSockets
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink, RelayControl
from display_server.gateway.gateway import Gateway
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tls_exchange import tls_context
from display_server.server.child_process import Parent, Started, run_until_ended
from display_server.server.gateway_user import GatewayUser, become

log = structlog.get_logger(__name__)

#: What libraries load only when they need it.
LOADED_LATE = (
    "anyio._backends._asyncio",
    "anyio._core._tasks",
    "concurrent.futures.thread",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "encodings.punycode",
    "uvicorn.lifespan.off",
)


@dataclass(frozen=True, slots=True)
class GatewayTask:
    """What the gateway needs from the process that starts it. Everything else comes from the broker."""

    listening: socket.socket
    web_client: Path
    broker: GatewaySockets
    user: GatewayUser | None = None  # whom the process becomes; None: it stays who it is
    patience: float = 1.0  # multiplies the time after which the broker counts as silent


def run_gateway(task: GatewayTask, parent: Parent) -> None:
    """The work of the gateway's process. Raises LightboxError when it cannot start.

    Code and web client are loaded before the process becomes another user, who may not be able to read where
    they are installed.
    """
    client = StaticClient(task.web_client)
    if task.user is not None:
        for name in LOADED_LATE:
            importlib.import_module(name)
        become(task.user)
        sys.meta_path.insert(0, _LateModules())
    run_until_ended(parent, _run(task, client, parent))


class _LateModules(importlib.abc.MetaPathFinder):
    """Reports what is loaded too late: it is there in some installations, and not in those of root alone."""

    def find_spec(self, fullname: str, _path: Sequence[str] | None, _target: object = None) -> None:
        log.warning("module loaded after the start", module=fullname)


async def _run(task: GatewayTask, client: StaticClient, parent: Parent) -> None:
    link = BrokerLink(task.broker.links, patience=task.patience)
    start = _Start()
    async with contextlib.AsyncExitStack() as stack:
        linking = asyncio.create_task(link.run(start, start.use), name="link to the broker")
        stack.callback(linking.cancel)
        first = await start.first
        gateway = Gateway(
            ActiveSettings.of(first),
            client,
            link,
            BrokerHttp(task.broker.requests, link.presence),
            PassedAgentSockets(task.broker.agents),
            tls_context(first.certificate.encode(), first.key.encode()),
        )
        start.gateway = gateway
        serving = await stack.enter_async_context(gateway.serving(task.listening))
        parent.report(Started({}))
        done, _ = await asyncio.wait({serving, linking}, return_when=asyncio.FIRST_COMPLETED)
        for ended in done:
            ended.result()
        raise Malfunction("The HTTPS server ended unexpectedly.", next_step="The log above says why.")


class _Start(RelayControl):
    """Waits for the first settings, without which nothing can be served, and passes on what comes later."""

    def __init__(self) -> None:
        self.first: asyncio.Future[GatewaySettings] = asyncio.get_running_loop().create_future()
        self.gateway: Gateway | None = None

    def use(self, settings: GatewaySettings) -> None:
        if self.gateway is not None:
            self.gateway.use(settings)
        elif not self.first.done():
            self.first.set_result(settings)

    def disconnect(self, viewers: list[str]) -> None:
        if self.gateway is not None:
            self.gateway.relays.disconnect(viewers)

    def close(self) -> None:
        if self.gateway is not None:
            self.gateway.relays.close()
