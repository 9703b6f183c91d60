"""The launcher's side of a supervisor's control socket (`supervisor/control.py`)."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec

from display_server.desktop.spec import ControlRequest

#: How long the supervisor's kernel buffer may take to accept a request, s. It is empty, so this is immediate.
SEND_TIMEOUT_S = 1.0


def request_of_supervisor(path: Path, request: ControlRequest) -> None:
    """Sends one request. Raises OSError when no supervisor listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(SEND_TIMEOUT_S)
        connection.connect(str(path))
        connection.sendall(msgspec.json.encode(request) + b"\n")
