"""The contract between a transport and whoever serves a viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ViewerIdentity:
    """Who the gateway says is behind a connection."""

    user: str
    viewer: str
    device: str = ""  # the signed-in browser


class ViewerSocket(Protocol):
    """The agent's end of one connection. Calls never block, and do nothing once it is closed."""

    @property
    def buffered_bytes(self) -> int:
        """Sent by us, but not yet taken by the operating system."""

    def send(self, frame: str | bytes) -> None:
        """One text or binary frame, whole, after those before it."""

    def close(self, code: int, reason: str) -> None:
        """With a close code of PROTOCOL.md, after what was sent."""


class ViewerHandler(Protocol):
    """One viewer, as the transport sees it. All calls on the event loop."""

    def on_message(self, frame: str | bytes) -> None:
        """A frame came. Raises ProtocolError; the transport then closes the connection accordingly."""

    def on_disconnected(self) -> None:
        """The connection is closed, for whatever reason. The last call."""
