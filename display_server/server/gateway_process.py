"""The gateway's process. It opens no file of the state folder but its certificate, and no database."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

import structlog

from display_server.broker_link.messages import GatewaySettings
from display_server.errors import Malfunction
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink, RelayControl
from display_server.gateway.gateway import Gateway
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tls_exchange import tls_context
from display_server.server.child_process import Parent, Started, run_until_ended

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayTask:
    """What the gateway needs from the process that starts it. Everything else comes from the broker."""

    listening: socket.socket
    web_client: Path
    requests: Path  # the broker's socket for requests
    links: Path  # the broker's socket for links of gateways
    patience: float = 1.0  # multiplies the time after which the broker counts as silent


def run_gateway(task: GatewayTask, parent: Parent) -> None:
    """The work of the gateway's process."""
    run_until_ended(parent, _run(task, parent))


async def _run(task: GatewayTask, parent: Parent) -> None:
    client = StaticClient(task.web_client)
    link = BrokerLink(task.links, patience=task.patience)
    start = _Start()
    async with contextlib.AsyncExitStack() as stack:
        linking = asyncio.create_task(link.run(start, start.use), name="link to the broker")
        stack.callback(linking.cancel)
        first = await start.first
        gateway = Gateway(
            ActiveSettings.of(first),
            client,
            link,
            BrokerHttp(task.requests, link.presence),
            tls_context(Path(first.certificate), Path(first.key)),
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
