"""The contract between a transport and the handler of a viewer's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from display_server.desktop.session_policy import SessionPolicy


@dataclass(frozen=True, slots=True)
class ViewerIdentity:
    """Who uses a connection, as the gateway has authenticated it."""

    user: str
    viewer: str
    #: Identifies the browser that is signed in.
    device: str = ""
    #: What the broker allows this viewer; None: what the desktop allows all of them.
    policy: SessionPolicy | None = None


class ViewerSocket(Protocol):
    """The agent's end of one connection. Calls never block, and do nothing after it has closed."""

    @property
    def buffered_bytes(self) -> int:
        """Bytes that were sent, but not yet accepted by the operating system."""

    def send(self, frame: str | bytes) -> None:
        """Sends a text or binary frame after all earlier ones."""

    def close(self, code: int, reason: str) -> None:
        """Closes the connection after what was sent, with a close code of PROTOCOL.md."""


class ViewerHandler(Protocol):
    """Serves one viewer. The transport calls it on the event loop."""

    def on_message(self, frame: str | bytes) -> None:
        """Handles a frame from the viewer.

        Raises ProtocolError; the transport then closes the connection with its close code.
        """

    def on_disconnected(self) -> None:
        """Handles the end of the connection, for whatever reason. This is the last call."""
