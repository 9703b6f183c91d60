"""Listening Unix sockets that only this user may open."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def listen(path: Path, kind: socket.SocketKind) -> socket.socket:
    """Creates a listening socket of mode 0600. Raises OSError.

    It gets its path only when it listens, so that a process that sees the path can connect.
    """
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, kind)
    before = os.umask(0o177)
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
