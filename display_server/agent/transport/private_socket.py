"""Listening Unix sockets of an agent."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def listen(path: Path, kind: socket.SocketKind, *, shared: bool = False) -> socket.socket:
    """Creates a listening socket of mode 0600, or 0666 if it is `shared` with other users. Raises OSError.

    It gets its path only when it listens, so that a process that sees the path can connect.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    before = os.umask(0o111 if shared else 0o177)
    try:
        listener.bind(str(temporary))
        listener.listen()
        temporary.rename(path)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener
