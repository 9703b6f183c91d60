"""The relay between a viewer's WebSocket and the Unix socket of its agent.

uvicorn parses the request's head and then hands the connection over to `ViewerRelay` (`Config(ws=…)`). The
relay

1. checks the origin and the subprotocol, and asks the broker about the ticket and the web session,
2. gets a connection to the agent from the broker, and sends the agent a new request head,
3. passes the agent's response (status 101) on to the browser,
4. passes bytes on in both directions, without parsing them.

To reject a viewer, the relay opens the WebSocket and closes it with a close code. When an agent dies, the
relay closes the TCP connection without a close frame: such a frame could only be inserted between two frames,
which the relay does not parse, and the viewer reconnects in either case.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, cast

import structlog

from display_server.broker_link.api_error import ApiError
from display_server.broker_link.cookies import SESSION, hash_of
from display_server.broker_link.messages import Admitted, Rejected
from display_server.gateway import handshake as ws
from display_server.gateway.active_settings import ActiveSettings
from display_server.gateway.agent_connection import AgentConnection
from display_server.gateway.agent_sockets import AgentSockets
from display_server.gateway.broker_presence import BrokerAway
from display_server.gateway.connection_budget import ConnectionBudget, CountedConnection
from display_server.gateway.connection_refusals import limit_reached
from display_server.gateway.http_protocol import CONNECTION
from display_server.gateway.proxy_errors import outdated_tls
from display_server.gateway.viewer_host_channel import ViewerHostChannel
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SUBPROTOCOL

log = structlog.get_logger(__name__)

#: How long the relay tries to connect to the agent, s. The supervisor restarts a killed agent within a second
#: or two; giving up earlier would waste the ticket.
AGENT_CONNECT_TIMEOUT_S = 3.0
#: Interval between two attempts to connect to the agent, s.
AGENT_RETRY_INTERVAL_S = 0.03
#: The agent must answer the request within this time, s.
AGENT_RESPONSE_TIMEOUT_S = 5.0
#: A rejected or finished connection is aborted if the browser has not closed it after this time, s.
LINGER_S = 2.0
#: A browser that reads nothing for this time is disconnected, s. It may be asleep or out of range of the
#: network, and reconnects later.
STALL_TIMEOUT_S = 30.0
#: The agent is paused when more than this waits in this process for a slow browser, bytes. A typical update
#: is smaller; a longer queue would only hold stale frames.
WRITE_HIGH_BYTES = 256 * 1024
#: TCP keep-alive: the first probe after 20 s, then one every 10 s. The connection ends after 4 unanswered
#: probes, that is, about a minute after the network path failed.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 4))


class Admissions(Protocol):
    """The broker, as the relay uses it."""

    async def admit(self, viewer: str, ticket: str, web_session: str) -> Admitted | Rejected:
        """Called once for each viewer, with the hash of its browser's cookie. Raises BrokerAway."""

    def closed(self, viewer: str) -> None:
        """Called when a viewer leaves for which `admit` was called."""


class Relays:
    """All relays of this process, and the counts of their connections and bytes."""

    def __init__(
        self,
        settings: ActiveSettings,
        admissions: Admissions,
        agents: AgentSockets,
        connections: ConnectionBudget,
    ) -> None:
        self.settings = settings
        self.admissions = admissions
        self.agents = agents
        self.connections = connections
        self.open: set[ViewerRelay] = set()
        self.rejected: Counter[str] = Counter()  # by reason
        self.accepted = 0
        self._finished_bytes_to_viewers = 0
        self._finished_bytes_to_agents = 0

    def protocol(self) -> type[asyncio.Protocol]:
        """Returns the class that uvicorn instantiates for each WebSocket."""
        relays = self

        class BoundRelay(ViewerRelay):
            def __init__(self, *, server_state: Any, app_state: dict[str, Any], **_: Any) -> None:
                super().__init__(relays, app_state[CONNECTION], server_state.connections)

        return BoundRelay

    @property
    def bytes_to_viewers(self) -> int:
        return self._finished_bytes_to_viewers + sum(relay.bytes_to_viewer for relay in self.open)

    @property
    def bytes_to_agents(self) -> int:
        return self._finished_bytes_to_agents + sum(relay.bytes_to_agent for relay in self.open)

    def disconnect(self, viewers: list[str]) -> None:
        """Disconnects viewers that may no longer display their desktops."""
        names = set(viewers)
        for relay in list(self.open):
            if relay.viewer in names:
                relay.abort()

    def close(self) -> None:
        """Disconnects all viewers."""
        for relay in list(self.open):
            relay.abort()

    def on_closed(self, relay: ViewerRelay) -> None:
        if relay in self.open:
            self.open.discard(relay)
            self._finished_bytes_to_viewers += relay.bytes_to_viewer
            self._finished_bytes_to_agents += relay.bytes_to_agent


class ViewerRelay(asyncio.Protocol):
    """One viewer's relay, and the asyncio protocol of its browser's connection.

    `connections` is uvicorn's set of open connections, which it closes when it shuts down.
    """

    def __init__(self, relays: Relays, counted: CountedConnection, connections: set[Any]) -> None:
        self._relays = relays
        self._counted = counted
        counted.evict = self.abort
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._browser: asyncio.Transport | None = None
        self._agent: asyncio.Transport | None = None
        self._host_channel: ViewerHostChannel | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head_seen = False
        self._rejected = False
        self.viewer: str | None = None  # its name, once the broker was asked
        self.bytes_to_viewer = 0
        self.bytes_to_agent = 0

    # --- called by the event loop, for the browser's connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._browser = cast(asyncio.Transport, transport)
        self._browser.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._connections.add(self)
        self._relays.open.add(self)
        _enable_keepalive(self._browser)

    def data_received(self, data: bytes) -> None:
        if self._agent is not None:  # the hot path
            self.bytes_to_agent += len(data)
            self._agent.write(data)
        elif not self._head_seen:
            self._head_seen = True
            self._task = self._loop.create_task(self._admit(data))
        elif self._rejected and ws.is_close(data):
            # The browser has received the close code and expects the server to close the connection first.
            assert self._browser is not None
            self._browser.close()
        # Other data before the agent is connected is dropped.

    def pause_writing(self) -> None:
        """The browser reads too slowly: stops reading from the agent, which then stops sending."""
        if self._agent is not None and not self._agent.is_closing():
            self._agent.pause_reading()
        self._set_timer(STALL_TIMEOUT_S, self.abort)

    def resume_writing(self) -> None:
        self._set_timer(None)
        if self._agent is not None and not self._agent.is_closing():
            self._agent.resume_reading()

    def eof_received(self) -> bool:
        return False  # asyncio then closes the transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - every cause is handled alike
        self._set_timer(None)
        self._connections.discard(self)
        self._relays.connections.close(self._counted)
        self._relays.on_closed(self)
        if self.viewer is not None:
            self._relays.admissions.closed(self.viewer)
        if self._task is not None:
            self._task.cancel()
        if self._agent is not None:
            self._agent.abort()
        if self._host_channel is not None:
            self._host_channel.close()

    # --- called by uvicorn and by Relays

    def shutdown(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._browser is not None:
            self._browser.abort()

    # --- called by the agent's connection

    def send_to_browser(self, data: bytes) -> None:
        self.bytes_to_viewer += len(data)
        self._browser.write(data)  # type: ignore[union-attr]  # the agent is connected after the browser

    def pause_browser(self) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._browser.pause_reading()

    def resume_browser(self) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._browser.resume_reading()

    def on_agent_disconnected(self) -> None:
        """Closes the browser's connection once the agent's last bytes, perhaps a close frame, are sent."""
        self._agent = None
        if self._browser is not None and not self._browser.is_closing():
            self._browser.close()
            self._set_timer(LINGER_S, self.abort)

    # --- admission

    async def _admit(self, head: bytes) -> None:
        assert self._browser is not None
        access = self._relays.settings.access
        peer = self._peer()
        tls = self._browser.get_extra_info("ssl_object")
        if tls is not None and not access.tls_allowed(peer, tls.version()):
            refused = outdated_tls(peer, tls.version())
            self._browser.write(ws.http_response(refused.status, refused.body()))
            self._browser.close()
            return
        try:
            request = ws.parse(head, prefix=access.prefix)
        except ws.HandshakeError as error:
            refusal = ApiError(
                error.status,
                "no-websocket" if error.status == 404 else "bad-request",
                error.message,
                next_step="Open the desktop in a current browser; PROTOCOL.md describes the connection.",
            )
            self._browser.write(ws.http_response(refusal.status, refusal.body()))
            self._browser.close()
            return
        try:
            await self._connect(request)
        except _ViewerRejected as rejection:
            self._relays.rejected[rejection.label] += 1
            log.info("viewer rejected", code=rejection.code, reason=rejection.label)
            self._reject(request, rejection.code, rejection.message)
        except BrokerAway:
            self._relays.rejected["broker away"] += 1
            self._reject(
                request, CloseCode.GOING_AWAY, "The server is restarting. Try again in a few seconds."
            )
        except Exception:
            log.exception("viewer could not be connected")
            self._reject(request, CloseCode.GOING_AWAY, "An unexpected error occurred in the server.")

    async def _connect(self, request: ws.Handshake) -> None:
        access = self._relays.settings.access
        host = access.host_of(self._peer(), request.host, request.forwarded_host)
        if request.origin is None or not access.origin_allowed(request.origin, host):
            log.warning("viewer of another origin", origin=request.origin, host=host)
            raise _ViewerRejected(CloseCode.FORBIDDEN, "origin", "The page does not belong to this server.")
        if SUBPROTOCOL not in request.subprotocols:
            raise _ViewerRejected(
                CloseCode.VERSION_MISMATCH, "version", f"This server supports only {SUBPROTOCOL}."
            )
        cookies = access.cookie_scope(self._peer(), request.path, request.forwarded_prefix)
        web_session = hash_of(cookies.read(request.cookie, SESSION)).hex()
        self.viewer = viewer = secrets.token_hex(6)
        admitted = await self._relays.admissions.admit(viewer, request.ticket or "", web_session)
        if isinstance(admitted, Rejected):
            raise _ViewerRejected(admitted.code, admitted.label, admitted.reason)
        exceeded = self._relays.connections.sign_in(
            self._counted, admitted.viewer.username, bytes.fromhex(web_session)
        )
        if exceeded is not None:
            raise _ViewerRejected(
                CloseCode.LIMIT_REACHED, f"connections of {exceeded.value}", limit_reached(exceeded).message
            )
        stream, channel = await self._reach_agent(viewer)
        try:
            transport, response = await self._connect_to_agent(request, admitted, stream)
        except BaseException:
            if channel is not None:
                channel.close()
            raise
        assert self._browser is not None
        if self._browser.is_closing():
            transport.abort()
            if channel is not None:
                channel.close()
            return
        if channel is not None:
            self._host_channel = ViewerHostChannel(
                channel, admitted.secret, viewer, lambda: self._relays.settings.video
            )
        self._relays.accepted += 1
        log.info(
            "viewer connected",
            username=admitted.viewer.username,
            session=admitted.viewer.session,
            viewer=viewer,
        )
        self._browser.write(response)
        self._agent = transport
        transport.resume_reading()

    async def _reach_agent(self, viewer: str) -> tuple[socket.socket, socket.socket | None]:
        """Returns connections for viewer and host channel, which the caller closes.

        Raises _ViewerRejected.
        """
        deadline = self._loop.time() + AGENT_CONNECT_TIMEOUT_S
        while True:
            try:
                return await self._relays.agents.connect(viewer)
            except OSError as error:
                if self._loop.time() > deadline:
                    raise _ViewerRejected(
                        CloseCode.GOING_AWAY,
                        "no agent",
                        "The desktop is restarting. Try again in a few seconds.",
                    ) from error
                await asyncio.sleep(AGENT_RETRY_INTERVAL_S)

    async def _connect_to_agent(
        self, request: ws.Handshake, admitted: Admitted, stream: socket.socket
    ) -> tuple[asyncio.Transport, bytes]:
        """Sends the agent the request over this connection, which it closes if it fails.

        Returns the agent's connection, with reading paused, and all that the agent has sent so far, beginning
        with the status line 101. Raises _ViewerRejected.
        """
        viewer = admitted.viewer
        try:
            transport, connection = await self._loop.create_unix_connection(
                lambda: AgentConnection(self), sock=stream
            )
        except BaseException:
            stream.close()
            raise
        try:
            # Half of the hash is enough to identify the browser, and is of no use for signing in.
            device = viewer.web_session[:32]
            transport.write(
                ws.request_to_agent(
                    request.key,
                    secret=admitted.secret,
                    username=viewer.username,
                    viewer=viewer.viewer,
                    device=device,
                    policy=admitted.policy,
                )
            )
            async with asyncio.timeout(AGENT_RESPONSE_TIMEOUT_S):
                response = await connection.response
        except (TimeoutError, ConnectionError) as error:
            transport.abort()
            raise _ViewerRejected(
                CloseCode.GOING_AWAY, "no agent", "The desktop is restarting. Try again in a few seconds."
            ) from error
        except asyncio.CancelledError:
            transport.abort()
            raise
        if not response.startswith(b"HTTP/1.1 101"):
            transport.abort()
            log.error(
                "agent rejected a viewer",
                session=viewer.session,
                response=response[:60].decode("latin-1"),
            )
            raise _ViewerRejected(
                CloseCode.GOING_AWAY, "agent refused", "The desktop cannot be viewed at the moment."
            )
        return transport, response

    def _peer(self) -> str:
        """Returns the address that the connection comes from, which may be a reverse proxy's."""
        assert self._browser is not None
        address = self._browser.get_extra_info("peername")
        return str(address[0]) if isinstance(address, tuple) else ""

    def _reject(self, request: ws.Handshake, code: int, reason: str) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._rejected = True
            self._counted.busy = False
            self._browser.write(ws.accept_and_close(request, code, reason))
            # Closing at once could reset the connection before the browser has received the code.
            self._set_timer(LINGER_S, self.abort)

    def _set_timer(self, after_s: float | None, call: Callable[[], None] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if after_s is not None and call is not None:
            self._timer = self._loop.call_later(after_s, call)


class _ViewerRejected(Exception):  # noqa: N818 - an outcome of the admission, not an error
    """The viewer may not connect. `label` is the reason in metrics and logs, `message` the one for the
    person.
    """

    def __init__(self, code: int, label: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.label = label
        self.message = message


def _enable_keepalive(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
