"""uvicorn's HTTP protocol with the bounds it lacks: size and time of a request's head, stalled readers,
number of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from display_server.gateway.handshake import HEAD_MAX_BYTES, plain_answer
from display_server.gateway.api_error import Refusal

#: From the first byte of a connection or request until its head is complete.
HEAD_TIMEOUT_S = 10.0
#: A browser that takes nothing of an answer for this long is gone.
STALL_S = 30.0
#: TLS asks for a farewell from the other side; no longer than this when the door closes.
CLOSE_S = 0.2
#: Connections of this process, relays included; each costs file descriptors and about 100 KB.
CONNECTIONS_MAX = 1024


class GatewayHttp(HttpToolsProtocol):
    _head_bytes = 0
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        self._set_timer(HEAD_TIMEOUT_S, self._too_slow)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_MAX_BYTES:
                self._refuse(
                    Refusal(431, "too-large", f"The head is larger than {HEAD_MAX_BYTES // 1024} KiB.")
                )
                return
            if self._timer is None:  # the next request of a kept-alive connection
                self._set_timer(HEAD_TIMEOUT_S, self._too_slow)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._set_timer(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._set_timer(STALL_S, self.transport.abort)

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
        """A browser that keeps an idle connection does not keep the door from closing."""
        super().shutdown()
        if self.transport.is_closing():
            self._set_timer(CLOSE_S, self.transport.abort)

    def _too_slow(self) -> None:
        self._refuse(Refusal(408, "too-slow", "The request did not arrive in time."))

    def _refuse(self, refusal: Refusal) -> None:
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(plain_answer(refusal.status, refusal.body()))
            self.transport.close()

    def _set_timer(self, after_s: float | None, call: Callable[[], object] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if after_s is not None and call is not None:
            self._timer = self.loop.call_later(after_s, call)
