"""The listening side: sockets, TLS, uvicorn."""

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
from display_server.gateway.http_protocol import GatewayHttp
from display_server.gateway.relay import Relays

BACKLOG = 256
KEEP_ALIVE_S = 30
#: From the connection until TLS stands; and for the other side's farewell at the end.
TLS_HANDSHAKE_S, TLS_FAREWELL_S = 10.0, 1.0
#: Requests under way when the door closes get this long.
GRACE_S = 2


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 picks a free one. Raises ConfigurationError, which says what to do."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except socket.gaierror as error:
        raise ConfigurationError(
            f"{host!r} is not an address of this host: {error.strerror}.", hint="Try --host 127.0.0.1."
        ) from error
    except OverflowError as error:
        raise ConfigurationError(f"{port} is not a port.", hint="Choose one of 1024…65535.") from error
    except OSError as error:
        raise _explained(host, port, error) from error


def _explained(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"Port {port} on {host} is in use by another program.",
            hint=f"Choose another with --port, for example --port {port + 1 if port < 65535 else 9443}.",
        )
    if error.errno == errno.EACCES:
        return ConfigurationError(
            f"Port {port} needs more rights than this user has.", hint="Choose one above 1023 with --port."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigurationError(
            f"{host} is not an address of this host.", hint="Use 127.0.0.1, or 0.0.0.0 for all of them."
        )
    return ConfigurationError(f"{host} port {port} cannot be listened on: {error.strerror}.")


class GatewayServer(uvicorn.Server):
    """uvicorn without its signal handlers: `serve.py` decides when it ends. `ready` is set when it accepts
    connections.
    """

    def __init__(self, app: ASGIApp, relays: Relays, context: ssl.SSLContext) -> None:
        config = uvicorn.Config(
            app,
            http=GatewayHttp,
            ws=relays.protocol(),
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # nobody stands in front; a header must not decide who is on loopback
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        config.load()
        config.ssl = context
        super().__init__(config)
        self.ready = asyncio.Event()
        self._ending = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, with bounds on TLS: who only opens connections does not keep them for a minute."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                self._protocol,
                sock=listening,
                ssl=self.config.ssl,
                backlog=BACKLOG,
                ssl_handshake_timeout=TLS_HANDSHAKE_S,
                ssl_shutdown_timeout=TLS_FAREWELL_S,
            )
            for listening in sockets or []
        ]
        self.started = True
        self.ready.set()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """As uvicorn's, which wakes up ten times a second to look whether it should end."""
        ticks_per_s = 10
        tick = 0
        while not await self.on_tick(tick):
            tick += ticks_per_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ending.wait()

    def _protocol(self) -> asyncio.Protocol:
        return GatewayHttp(self.config, self.server_state, self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
