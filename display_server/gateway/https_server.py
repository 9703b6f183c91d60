"""The HTTPS server: listening sockets, TLS and uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from display_server.errors import ConfigurationError
from display_server.gateway.connection_budget import CountedConnection
from display_server.gateway.http_protocol import GatewayHttpProtocol
from display_server.gateway.relay import Relays
from display_server.gateway.tls_exchange import TlsExchange
from display_server.gateway.tls_listener import TlsListener

#: Largest number of connections that wait to be accepted.
BACKLOG = 256
#: An idle HTTP connection is closed after this time, s.
KEEP_ALIVE_S = 30
#: Requests that are still being processed at shutdown get this time to finish, s.
GRACEFUL_SHUTDOWN_S = 2


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket; port 0 selects a free port. Raises ConfigurationError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        dual_stack = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack)
    except socket.gaierror as error:
        raise ConfigurationError(
            f"{host!r} is not an address of this host: {error.strerror}.",
            hint="Use --host 127.0.0.1 for this host only, or 0.0.0.0 for all of its addresses.",
        ) from error
    except OverflowError as error:
        raise ConfigurationError(
            f"{port} is not a port number.", hint="Choose a port from 1024 to 65535."
        ) from error
    except OSError as error:
        raise _listen_error(host, port, error) from error


def _listen_error(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} on {host} is in use by another program.",
            hint=f"Choose another port with --port, for example --port {port + 1 if port < 65535 else 9443}.",
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(
            f"This user may not listen on port {port}.",
            hint="Choose a port above 1023 with --port.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigurationError(
            f"{host} is not an address of this host.",
            hint="Use 127.0.0.1 for this host only, or 0.0.0.0 for all of its addresses.",
        )
    return ConfigurationError(
        f"Lightbox cannot listen on {host} port {port}: {error.strerror}.",
        hint="Choose another address with --host, or another port with --port.",
    )


class GatewayServer(uvicorn.Server):
    """uvicorn's server without its signal handlers: `stop` ends it. `ready` is set when it accepts
    connections. `tls` exchanges its certificate.
    """

    def __init__(self, app: ASGIApp, relays: Relays, context: ssl.SSLContext) -> None:
        self.tls = TlsExchange(context)
        self._connections = relays.connections
        config = uvicorn.Config(
            app,
            http=GatewayHttpProtocol,
            ws=relays.protocol(),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # otherwise any client could claim to be on loopback
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
            ssl_context_factory=lambda *_: self.tls.listening,
        )
        config.load()
        super().__init__(config)
        self.ready = asyncio.Event()
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Does the same as uvicorn's method, but counts connections before their TLS handshake."""
        await self.lifespan.startup()
        listeners = [
            TlsListener(listening, self.tls.listening, self._connections, self._protocol)
            for listening in sockets or []
        ]
        for listener in listeners:
            listener.start()
        self.servers = listeners  # type: ignore[assignment]  # uvicorn closes them and waits for their end
        self.started = True
        self.ready.set()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Does the same as uvicorn's method, but waits for `stop` instead of polling ten times a second."""
        ticks_per_s = 10
        tick = 0
        while not await self.on_tick(tick):
            tick += ticks_per_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopping.wait()

    def _protocol(self, counted: CountedConnection) -> asyncio.Protocol:
        return GatewayHttpProtocol(
            counted=counted,
            budget=self._connections,
            config=self.config,
            server_state=self.server_state,
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
