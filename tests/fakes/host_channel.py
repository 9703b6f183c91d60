"""The gateway's end of a host channel, which a test opens itself: no broker passes the connection."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from display_server.gateway.video_network import VideoNetwork
from display_server.gateway.viewer_host_channel import ViewerHostChannel


def open_host_channel(
    path: Path, secret: str, viewer: str, network: Callable[[], VideoNetwork]
) -> ViewerHostChannel:
    """Connects to an agent's socket. Raises OSError."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(str(path))
    return ViewerHostChannel(connection, secret, viewer, network)
