"""uvicorn's HTTP protocol with additional limits.

The limits are the sizes of a request's first line and head, the time that the head may take, the time for
which a client may stop reading a response, and the number of connections. `request_guard.py` limits the body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from display_server.broker_link.api_error import ApiError
from display_server.gateway.handshake import http_response
from display_server.gateway.request_head import RequestHead

#: A request's head must be complete this long after the connection was opened, or after the head's first byte
#: on a kept-alive connection, s.
HEAD_TIMEOUT_S = 10.0
#: A client that reads nothing of a response for this time is disconnected, s.
STALL_TIMEOUT_S = 30.0
#: How long the gateway waits for the client's TLS close_notify when it shuts down, s.
CLOSE_TIMEOUT_S = 0.2
#: Largest number of connections of this process, relays included. Each one takes up to two file descriptors
#: and about 100 KB.
CONNECTIONS_MAX = 1024


class GatewayHttpProtocol(HttpToolsProtocol):
    """One HTTP connection. uvicorn and the event loop call its methods."""

    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        self._head = RequestHead()
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._set_timer(STALL_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        self._set_timer(None)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._set_timer(None)

    def handle_websocket_upgrade(self) -> None:
        self._set_timer(None)
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

    def _reject(self, error: ApiError) -> None:
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(http_response(error.status, error.body()))
            self.transport.close()

    def _set_timer(self, after_s: float | None, call: Callable[[], object] | None = None) -> None:
        """Replaces the timer of this connection; None cancels it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if after_s is not None and call is not None:
            self._timer = self.loop.call_later(after_s, call)
