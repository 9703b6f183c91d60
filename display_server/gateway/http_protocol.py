"""uvicorn's HTTP protocol with additional limits.

The limits are the sizes of a request's first line and head, the time that the head may take, and the time for
which a client may stop reading a response. `request_guard.py` limits the body. The protocol also tells the
ConnectionBudget what its connection does, and closes it when the budget gives its place to another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from display_server.broker_link.api_error import ApiError
from display_server.gateway.connection_budget import ConnectionBudget, CountedConnection
from display_server.gateway.connection_refusals import evicted
from display_server.gateway.handshake import http_response
from display_server.gateway.request_head import RequestHead

#: A request's head must be complete this long after the connection was opened, or after the head's first byte
#: on a kept-alive connection, s.
HEAD_TIMEOUT_S = 10.0
#: A client that reads nothing of a response for this time is disconnected, s.
STALL_TIMEOUT_S = 30.0
#: How long the gateway waits for the client's TLS close_notify when it shuts down, s.
CLOSE_TIMEOUT_S = 0.2
#: A client that does not read why its connection ends is disconnected after this time, s.
LINGER_S = 2.0
#: Where the state of a request's scope has its CountedConnection.
CONNECTION = "lightbox.connection"


class GatewayHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. uvicorn and the event loop call its methods."""

    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def __init__(self, *, counted: CountedConnection, budget: ConnectionBudget, **uvicorn: Any) -> None:
        # uvicorn passes its `app_state` on to the scopes of requests and to the protocol of a WebSocket.
        super().__init__(**uvicorn, app_state={CONNECTION: counted})
        self._counted = counted
        self._budget = budget

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._head = RequestHead()
        super().connection_made(transport)
        self._counted.evict = self.evict  # until then the handshake was cancelled instead
        self._set_timer(HEAD_TIMEOUT_S, self._on_head_timeout)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            try:
                self._head.add(data)
            except ApiError as error:
                self._reject(error)
                return
            if self._timer is None:  # a further request on a kept-alive connection
                self._set_timer(HEAD_TIMEOUT_S, self._on_head_timeout)
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        tls = self.transport.get_extra_info("ssl_object")
        # The only part of ASGI's TLS extension that the gateway uses.
        self.scope["extensions"] = {"tls": {"tls_version": tls.version() if tls else None}}

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head = RequestHead()
        self._set_timer(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        self._counted.busy = False
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._counted.busy = False  # a client that does not read makes room before others
        super().pause_writing()
        self._set_timer(STALL_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._set_timer(None)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._set_timer(None)
        self._budget.close(self._counted)

    def evict(self) -> None:
        """Closes the connection in favour of another one. The ConnectionBudget calls it."""
        if self._head.begun or (self.cycle is not None and not self.cycle.response_complete):
            self._reject(evicted(), instead=True)
        else:  # nobody waits for an answer
            self.transport.close()
        self._set_timer(LINGER_S, self.transport.abort)

    def handle_websocket_upgrade(self) -> None:
        self._set_timer(None)
        self._counted.busy = True
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """Closes the connection. Aborts it soon after if the client does not close its side."""
        super().shutdown()
        if self.transport.is_closing():
            self._set_timer(CLOSE_TIMEOUT_S, self.transport.abort)

    def _on_head_timeout(self) -> None:
        self._reject(
            ApiError(
                408,
                "too-slow",
                f"The request did not arrive within {HEAD_TIMEOUT_S:g} s.",
                next_step="Check the network connection and try again.",
            )
        )

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's text is not for people
        """Answers what the parser cannot read. uvicorn calls it."""
        self._reject(
            ApiError(
                400,
                "bad-request",
                "The request is not valid HTTP.",
                next_step="Open the address of this server in a browser, beginning with https://.",
            )
        )

    def _reject(self, error: ApiError, *, instead: bool = False) -> None:
        """Answers with an error and closes. `instead` of the response to a request that is incomplete."""
        if not self.transport.is_closing():
            cycle = self.cycle
            if cycle is None or cycle.response_complete or (instead and not cycle.response_started):
                self.transport.write(http_response(error.status, error.body()))
            self.transport.close()

    def _set_timer(self, after_s: float | None, call: Callable[[], object] | None = None) -> None:
        """Replaces the timer of this connection; None cancels it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if after_s is not None and call is not None:
            self._timer = self.loop.call_later(after_s, call)
