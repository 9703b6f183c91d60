"""Sends messages and updates to one viewer."""

from __future__ import annotations

from display_server.agent.transport.viewer_socket import ViewerSocket
from display_server.protocol import messages as m
from display_server.protocol.connection import ViewerConnection

#: A viewer with more unsent data than this is sent no messages that the next one of their kind replaces.
BUSY_BYTES = 256 * 1024


class ViewerOutput:
    """The MessageSink of one viewer."""

    def __init__(self, socket: ViewerSocket, connection: ViewerConnection) -> None:
        self._socket = socket
        self._connection = connection

    @property
    def busy(self) -> bool:
        """Whether so much is unsent that messages which can wait should wait."""
        return self._socket.buffered_bytes > BUSY_BYTES

    def send_message(self, message: m.AgentMessage) -> None:
        self._socket.send(m.encode_agent_message(message))

    def send_update(self, data: bytes) -> None:
        self._connection.update_sent()
        self._socket.send(data)

    def send_notice(self, code: str, message: str) -> None:
        """Sends the person a notice: its NoticeCode, and English text for a viewer that lacks the code."""
        self.send_message(m.Notice(code, message))
