"""The parts of a gateway, put together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

import structlog

from display_server.broker_link.messages import GatewaySettings
from display_server.errors import LightboxError
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.agent_sockets import AgentSockets
from display_server.gateway.app import GatewayApp
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_link import BrokerLink
from display_server.gateway.connection_budget import ConnectionBudget
from display_server.gateway.connection_metrics import ConnectionCollector
from display_server.gateway.https_server import GatewayServer
from display_server.gateway.metrics import GatewayMetrics
from display_server.gateway.relay import Relays
from display_server.gateway.request_guard import RequestGuard
from display_server.gateway.static_client import StaticClient
from display_server.gateway.tls_exchange import tls_context

log = structlog.get_logger(__name__)


class Gateway:
    """A gateway. `link` is its link to the broker, which somebody runs."""

    def __init__(
        self,
        settings: ActiveSettings,
        client: StaticClient,
        link: BrokerLink,
        broker: BrokerHttp,
        agents: AgentSockets,
        context: ssl.SSLContext,
    ) -> None:
        self.settings = settings
        self.connections = ConnectionBudget(
            settings.limits, lambda address: settings.access.is_shared(address)
        )
        self.relays = Relays(settings, link, agents, self.connections)
        self.metrics = GatewayMetrics(self.relays)
        self.metrics.add(ConnectionCollector(self.connections))
        self.app = RequestGuard(
            GatewayApp(settings, client, broker, self.metrics),
            access=lambda: settings.access,
            strict_transport=lambda: settings.root_pem is None,
            connections=self.connections,
            identify=link.identify,
        )
        self.server = GatewayServer(self.app, self.relays, context)
        self._certificate: tuple[str, str] | None = None

    def use(self, message: GatewaySettings) -> None:
        """Puts settings into force, from the next request and the next connection on."""
        try:
            certificate = message.certificate, message.key
            if certificate != self._certificate:
                self.server.tls.exchange(tls_context(*(pem.encode() for pem in certificate)))
                self._certificate = certificate
            self.settings.use(message)
            self.connections.limits = self.settings.limits
        except LightboxError as error:
            log.error(
                "settings not used; the previous ones stay in force",
                cause=error.cause,
                next_step=error.next_step,
            )

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
        """Accepts connections until the block ends. Yields the task that does it."""
        task = asyncio.create_task(self.server.serve([listening]), name="server")
        try:
            await self.server.ready.wait()
            yield task
        finally:
            self.relays.close()
            self.server.stop()
            await asyncio.gather(task, return_exceptions=True)
