"""The relay's connection to an agent."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from display_server.gateway.handshake import HEAD_MAX_BYTES


class BrowserConnection(Protocol):
    """The other side of the relay, as the connection to the agent uses it."""

    def send_to_browser(self, data: bytes) -> None:
        """Called for all data after the head of the agent's response."""

    def pause_browser(self) -> None:
        """Called when the agent reads too slowly."""

    def resume_browser(self) -> None:
        """Called when the agent has caught up."""

    def on_agent_disconnected(self) -> None:
        """Called when the agent has closed the connection after its response."""


class AgentConnection(asyncio.Protocol):
    """The asyncio protocol of the connection to the agent.

    It first collects the head of the agent's response; after that it passes bytes on to the browser.
    """

    def __init__(self, browser: BrowserConnection) -> None:
        self._browser = browser
        self._transport: asyncio.Transport | None = None
        self._head: bytearray | None = bytearray()
        self.response: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.response.add_done_callback(_mark_retrieved)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._head is None:  # the hot path
            self._browser.send_to_browser(data)
            return
        self._head += data
        if b"\r\n\r\n" in self._head:
            assert self._transport is not None
            self._transport.pause_reading()  # until the relay has written the response to the browser
            if not self.response.done():
                self.response.set_result(bytes(self._head))
            self._head = None
        elif len(self._head) > HEAD_MAX_BYTES and not self.response.done():
            self.response.set_exception(ConnectionError("the head of the agent's response is too large"))

    def pause_writing(self) -> None:
        self._browser.pause_browser()

    def resume_writing(self) -> None:
        self._browser.resume_browser()

    def eof_received(self) -> bool:
        return False  # asyncio then closes the transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - every cause is handled alike
        if not self.response.done():
            self.response.set_exception(ConnectionError("the agent closed the connection"))
            return
        if self._head is None:
            self._browser.on_agent_disconnected()


def _mark_retrieved(future: asyncio.Future[bytes]) -> None:
    """Keeps asyncio from logging an exception that nobody awaits because the viewer has left."""
    if not future.cancelled():
        future.exception()
