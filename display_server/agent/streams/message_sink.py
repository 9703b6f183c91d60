"""The capability to send to one viewer."""

from __future__ import annotations

from typing import Protocol

from display_server.protocol.messages import AgentMessage


class MessageSink(Protocol):
    """One viewer's connection, as its streams see it. Calls never block, and do nothing once it is closed."""

    def send_message(self, message: AgentMessage) -> None:
        """Sends a control message, after everything that was sent before."""

    def send_update(self, data: bytes) -> None:
        """Sends an update frame. Called only between `welcome` and the end of the connection."""
