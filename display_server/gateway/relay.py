"""The relay: a viewer's WebSocket to its agent's Unix socket. After the ticket, bytes pass unparsed in both
directions.

uvicorn parses the request's head and hands the connection over (`Config(ws=…)`); from then on this is a plain
asyncio protocol:

    head ─► origin, ticket ─► connect to the agent ─► own head ─► agent's 101, passed on ─► bytes both ways

A refusal opens the WebSocket and closes it with a code of PROTOCOL.md. An agent that dies in mid-stream takes
the TCP connection with it: a close frame would have to fall on a frame boundary, and the viewer reconnects on
either.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, cast

import structlog

from display_server.broker.web_sessions import SignedIn, hash_of
from display_server.gateway import handshake as ws
from display_server.gateway.hosts import origin_allowed
from display_server.gateway.api_error import Refusal
from display_server.protocol.close_codes import CloseCode
from display_server.protocol.subprotocol import SUBPROTOCOL
from display_server.gateway.tickets import Ticket, TicketError, Tickets

log = structlog.get_logger(__name__)

COOKIE = "__Host-lightbox"
#: An agent that was killed is back within a second or two: worth waiting for, so that the ticket is not spent
#: in vain.
AGENT_CONNECT_S = 3.0
AGENT_RETRY_S = 0.03
AGENT_ANSWER_S = 5.0
#: How long a refused or finished connection may take to close by itself.
LINGER_S = 2.0
#: A browser that takes nothing for this long is gone (asleep, out of range); it will reconnect.
STALL_S = 30.0
#: What may wait in this process for a slow browser before the agent is paused. Above a typical update, below
#: what would be stale.
WRITE_HIGH_BYTES = 256 * 1024
#: Keep-alive probes find a dead network path within about a minute.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 4))


@dataclass(frozen=True, slots=True)
class Admission:
    """What the relay needs of the rest of the door."""

    names: frozenset[str]
    tickets: Tickets
    signed_in: Callable[[bytes], Awaitable[SignedIn | None]]  # by the web session's hash
    socket_of: Callable[[str], Path | None]  # of a live session's agent


class Relays:
    """All relays of this process, and their counts."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.open: set[ViewerRelay] = set()
        self.refused: Counter[str] = Counter()
        self.accepted = 0
        self._past_to_viewer = 0
        self._past_to_agent = 0

    def protocol(self) -> type[asyncio.Protocol]:
        """The class that uvicorn makes one of for each WebSocket."""
        relays = self

        class BoundRelay(ViewerRelay):
            def __init__(self, *, server_state: Any, **_: Any) -> None:
                super().__init__(relays, server_state.connections)

        return BoundRelay

    @property
    def bytes_to_viewers(self) -> int:
        return self._past_to_viewer + sum(relay.bytes_to_viewer for relay in self.open)

    @property
    def bytes_to_agents(self) -> int:
        return self._past_to_agent + sum(relay.bytes_to_agent for relay in self.open)

    def drop(self, web_session: bytes) -> None:
        """Ends the viewers of a browser that signed out."""
        for relay in list(self.open):
            if relay.ticket is not None and relay.ticket.web_session == web_session.hex():
                relay.abort()

    def close(self) -> None:
        for relay in list(self.open):
            relay.abort()

    def gone(self, relay: ViewerRelay) -> None:
        if relay in self.open:
            self.open.discard(relay)
            self._past_to_viewer += relay.bytes_to_viewer
            self._past_to_agent += relay.bytes_to_agent


class ViewerRelay(asyncio.Protocol):
    """The browser's side. `connections` is uvicorn's set, by which it knows whom to wait for when it ends."""

    def __init__(self, relays: Relays, connections: set[Any]) -> None:
        self._relays = relays
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._browser: asyncio.Transport | None = None
        self._agent: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._head_seen = False
        self._refused = False
        self.ticket: Ticket | None = None
        self.bytes_to_viewer = 0
        self.bytes_to_agent = 0

    # --- called by the event loop, for the browser's connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._browser = cast(asyncio.Transport, transport)
        self._browser.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._connections.add(self)
        self._relays.open.add(self)
        _keep_alive(self._browser)

    def data_received(self, data: bytes) -> None:
        if self._agent is not None:  # the hot path
            self.bytes_to_agent += len(data)
            self._agent.write(data)
        elif not self._head_seen:
            self._head_seen = True
            self._task = self._loop.create_task(self._admit(data))
        elif self._refused and ws.is_close(
            data
        ):  # it has read the code, and expects the server to hang up first
            assert self._browser is not None
            self._browser.close()
        # else: what it sends has nowhere to go

    def pause_writing(self) -> None:
        """The browser is slow: stop taking from the agent, whose window then stays shut."""
        if self._agent is not None and not self._agent.is_closing():
            self._agent.pause_reading()
        self._set_timer(STALL_S, self.abort)

    def resume_writing(self) -> None:
        self._set_timer(None)
        if self._agent is not None and not self._agent.is_closing():
            self._agent.resume_reading()

    def eof_received(self) -> bool:
        return False  # close

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        self._set_timer(None)
        self._connections.discard(self)
        self._relays.gone(self)
        if self._task is not None:
            self._task.cancel()
        if self._agent is not None:
            self._agent.abort()

    # --- called by uvicorn and by Relays

    def shutdown(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self._browser is not None:
            self._browser.abort()

    # --- called by the agent's side

    def agent_pause(self) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._browser.pause_reading()

    def agent_resume(self) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._browser.resume_reading()

    def agent_gone(self) -> None:
        """What the agent sent last (a close frame, if it had the time) still goes out."""
        self._agent = None
        if self._browser is not None and not self._browser.is_closing():
            self._browser.close()
            self._set_timer(LINGER_S, self.abort)

    # --- admission

    async def _admit(self, head: bytes) -> None:
        assert self._browser is not None
        try:
            request = ws.parse(head)
        except ws.NotAWebSocket as verdict:
            code = "no-websocket" if verdict.status == 404 else "bad-request"
            self._browser.write(
                ws.plain_answer(verdict.status, Refusal(verdict.status, code, verdict.message).body())
            )
            self._browser.close()
            return
        try:
            await self._connect(request)
        except _Refused as refused:
            self._relays.refused[refused.counted_as] += 1
            log.info("viewer refused", code=refused.code, reason=refused.counted_as)
            self._refuse(request, refused.code, refused.reason)
        except Exception:
            log.exception("viewer could not be admitted")
            self._refuse(request, CloseCode.GOING_AWAY, "Something went wrong here.")

    async def _connect(self, request: ws.Handshake) -> None:
        admission = self._relays.admission
        if request.origin is None or not origin_allowed(request.origin, request.host, admission.names):
            raise _Refused(CloseCode.FORBIDDEN, "origin", "The page is not one of this server.")
        if SUBPROTOCOL not in request.offered:
            raise _Refused(CloseCode.VERSION_MISMATCH, "version", f"This server speaks {SUBPROTOCOL}.")
        try:
            ticket = admission.tickets.redeem(request.ticket or "", now_s=time.time())
        except TicketError as error:
            raise _Refused(CloseCode.TICKET_REJECTED, f"ticket {error.reason}", str(error)) from error
        # A ticket alone is not enough: it works only in the browser that it was issued to, while that is
        # signed in.
        held = hash_of(_cookie(request.cookie))
        if held.hex() != ticket.web_session or await admission.signed_in(held) is None:
            raise _Refused(CloseCode.TICKET_REJECTED, "signed out", "Sign in first.")
        socket_path = admission.socket_of(ticket.session)
        if socket_path is None:
            raise _Refused(CloseCode.DESKTOP_ENDED, "no desktop", "The desktop has ended.")
        self.ticket = ticket
        viewer = secrets.token_hex(6)
        transport, answer = await self._agent_answer(request, ticket, socket_path, viewer)
        assert self._browser is not None
        if self._browser.is_closing():
            transport.abort()
            return
        self._relays.accepted += 1
        log.info("viewer connected", username=ticket.username, session=ticket.session, viewer=viewer)
        self._browser.write(answer)
        self._agent = transport
        transport.resume_reading()

    async def _agent_answer(
        self, request: ws.Handshake, ticket: Ticket, socket_path: Path, viewer: str
    ) -> tuple[asyncio.Transport, bytes]:
        """The agent's connection, paused, and all that it said so far, beginning with its 101."""
        deadline = self._loop.time() + AGENT_CONNECT_S
        while True:
            try:
                transport, side = await self._loop.create_unix_connection(
                    lambda: _AgentSide(self), str(socket_path)
                )
                break
            except OSError as error:
                if self._loop.time() > deadline or self._relays.admission.socket_of(ticket.session) is None:
                    raise _Refused(CloseCode.GOING_AWAY, "no agent", "The desktop is restarting.") from error
                await asyncio.sleep(AGENT_RETRY_S)
        try:
            # Half of the hash names the browser well enough, and is good for nothing else.
            device = ticket.web_session[:32]
            transport.write(
                ws.request_to_agent(request.key, username=ticket.username, viewer=viewer, device=device)
            )
            async with asyncio.timeout(AGENT_ANSWER_S):
                answer = await side.answer
        except (TimeoutError, ConnectionError) as error:
            transport.abort()
            raise _Refused(CloseCode.GOING_AWAY, "no agent", "The desktop is restarting.") from error
        except asyncio.CancelledError:
            transport.abort()
            raise
        if not answer.startswith(b"HTTP/1.1 101"):
            transport.abort()
            log.error("agent refused a viewer", session=ticket.session, answer=answer[:60].decode("latin-1"))
            raise _Refused(CloseCode.GOING_AWAY, "agent refused", "The desktop cannot be viewed at this moment.")
        return transport, answer

    def _refuse(self, request: ws.Handshake, code: CloseCode, reason: str) -> None:
        if self._browser is not None and not self._browser.is_closing():
            self._refused = True
            self._browser.write(ws.accept_and_close(request, code, reason))
            # Closing at once could reset the connection before the browser has read the code.
            self._set_timer(LINGER_S, self.abort)

    def _set_timer(self, after_s: float | None, call: Callable[[], None] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if after_s is not None and call is not None:
            self._timer = self._loop.call_later(after_s, call)


class _AgentSide(asyncio.Protocol):
    """The agent's side. Before the relay runs, collects the answer's head; then passes bytes on."""

    def __init__(self, relay: ViewerRelay) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._head: bytearray | None = bytearray()
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.answer.add_done_callback(_look_at)  # nobody may be waiting for it any more

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._head is None:  # the hot path
            relay = self._relay
            relay.bytes_to_viewer += len(data)
            relay._browser.write(data)  # type: ignore[union-attr]
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            assert self._transport is not None
            self._transport.pause_reading()  # until the relay has taken the answer
            if not self.answer.done():
                self.answer.set_result(bytes(self._head))
            self._head = None
        elif len(self._head) > ws.HEAD_MAX_BYTES and not self.answer.done():
            self.answer.set_exception(ConnectionError("the agent's head is too large"))

    def pause_writing(self) -> None:
        self._relay.agent_pause()

    def resume_writing(self) -> None:
        self._relay.agent_resume()

    def eof_received(self) -> bool:
        return False  # close

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how does not matter
        if not self.answer.done():
            self.answer.set_exception(ConnectionError("the agent hung up"))
            return
        if self._head is None:
            self._relay.agent_gone()


def _look_at(future: asyncio.Future[bytes]) -> None:
    if not future.cancelled():
        future.exception()


class _Refused(Exception):  # noqa: N818 - a verdict; leaves this module as a close code
    def __init__(self, code: CloseCode, counted_as: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.counted_as = counted_as
        self.reason = reason


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _keep_alive(transport: asyncio.Transport) -> None:
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEPALIVE:
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
