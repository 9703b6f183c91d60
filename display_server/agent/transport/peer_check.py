"""Decides who may talk to the agent over its Unix sockets: by user id, and by a secret."""

from __future__ import annotations

import hmac
import os
import socket
import struct
from collections.abc import Iterable

#: `struct ucred` of <sys/socket.h>: process id, user id, group id.
_CREDENTIALS = struct.Struct("3i")


class PeerCheck:
    """Both must be right, because each protects where the other cannot: the user id does not tell a program
    of the person from the supervisor on a host without isolation, and the secret might leak.
    """

    def __init__(self, secret: str, uids: Iterable[int] = ()) -> None:
        """`secret` is that of `spec.json`. `uids` may connect; without any, root and this process's user."""
        self._secret = secret.encode()
        self._uids = frozenset(uids) or frozenset({0, os.geteuid()})
        #: Whether other users than root and this process's one may connect, for whom sockets need mode 0666.
        self.admits_others = bool(self._uids - {0, os.geteuid()})

    def allows_user(self, uid: int) -> bool:
        return uid in self._uids

    def allows_secret(self, secret: str | None) -> bool:
        """Compares the secrets in a time that does not depend on them. An empty secret is never right."""
        given = (secret or "").encode(errors="replace")
        return bool(self._secret) and hmac.compare_digest(given, self._secret)


def peer_uid(connection: socket.socket) -> int:
    """Returns the user id of the process that connected, as the kernel knows it (SO_PEERCRED).

    In a user namespace a user from outside of it that is not mapped appears as
    /proc/sys/kernel/overflowuid.
    """
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(data)[1]
    return uid
