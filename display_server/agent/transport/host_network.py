"""The contract between a viewer's video connection and whatever gives it access to the network."""

from __future__ import annotations

import socket
from typing import Protocol

from display_server.errors import Malfunction
from display_server.protocol.messages import IceServer


class HostNetworkError(Malfunction):
    """The host gives this viewer no access to its network, for a reason that is meant for the log."""


class HostNetwork(Protocol):
    """What the host gives to one viewer's video connection."""

    async def open_sockets(self) -> list[socket.socket]:
        """Returns bound UDP sockets, one for each address that may be offered to the viewer. They belong to
        the caller. Raises HostNetworkError.
        """

    async def relays(self) -> list[IceServer]:
        """Returns the TURN servers for the viewer, with credentials that expire soon. Raises
        HostNetworkError.
        """


class HostNetworks(Protocol):
    """Gives each viewer its HostNetwork."""

    def of(self, viewer: str) -> HostNetwork:
        """Returns the network of the viewer with this name. Never fails."""
