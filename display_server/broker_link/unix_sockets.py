"""Unix sockets that only processes of one Unix user reach."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

#: `struct ucred` of SO_PEERCRED (unix(7)): pid, uid, gid.
_CREDENTIALS = struct.Struct("3i")
#: Largest number of connections that wait to be accepted.
BACKLOG = 256


def peer_uid(connection: socket.socket) -> int:
    """Returns the user id of the process that opened the connection."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return int(uid)


def listen_privately(path: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Returns a socket that listens at `path`, in place of one that a dead process has left."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, kind)
    try:
        listening.bind(str(path))
        path.chmod(0o600)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
