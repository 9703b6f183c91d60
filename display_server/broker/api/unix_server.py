"""The HTTP server of the broker. It listens on a Unix socket, which only gateways can reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from display_server.broker.gateway_sockets import GatewaySockets

log = structlog.get_logger(__name__)

#: Requests that are still being processed at shutdown get this time to finish, s.
GRACEFUL_SHUTDOWN_S = 2


class LocalHttpProtocol(HttpToolsProtocol):
    """One connection of a gateway. Those of other Unix users are closed at once."""

    def __init__(self, config: uvicorn.Config, state: ServerState, sockets: GatewaySockets) -> None:
        super().__init__(config, state, {})
        self._sockets = sockets

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        uid = self._sockets.refused_uid(transport.get_extra_info("socket"))
        if uid is not None:
            log.warning("request of another user refused", uid=uid)
            transport.abort()


def http_config(app: ASGIApp) -> uvicorn.Config:
    """Returns what the connections of gateways need of uvicorn."""
    config = uvicorn.Config(
        app,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    config.load()
    return config


@asynccontextmanager
async def http_server(app: ASGIApp, sockets: GatewaySockets) -> AsyncIterator[None]:
    """Answers the requests of gateways until the block ends."""
    config, state = http_config(app), ServerState()
    loop = asyncio.get_running_loop()
    # uvicorn's own server polls ten times a second, also while it shuts down.
    server = await loop.create_unix_server(
        lambda: LocalHttpProtocol(config, state, sockets), sock=sockets.listen(sockets.requests)
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            _, late = await asyncio.wait(list(state.tasks), timeout=GRACEFUL_SHUTDOWN_S)
            for task in late:
                task.cancel()
