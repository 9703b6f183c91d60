"""How a gateway gets connections to an agent. The broker makes them and passes their descriptors.

Only the broker can reach the sockets of agents. A gateway opens a connection of its own for each request
(SOCK_SEQPACKET) and sends one packet with the name of a viewer that was admitted. The broker answers with one
packet: one byte that is the number of descriptors in it, and the descriptors (SCM_RIGHTS). The first is a
connection to the agent's socket. The second, if there is one, is the agent's end of a host channel. If the
agent cannot be reached, or the broker knows no such viewer, it closes the connection without an answer.
"""

from __future__ import annotations

import contextlib
import os
import socket
from array import array
from collections.abc import Sequence

#: Longest name of a viewer, bytes.
NAME_MAX_BYTES = 64
#: Most descriptors in an answer.
DESCRIPTORS_MAX = 2
#: A descriptor in a packet is a C int.
_INT = array("i")


def send_answer(connection: socket.socket, sockets: Sequence[socket.socket]) -> None:
    """Passes duplicates of the sockets. Raises OSError."""
    socket.send_fds(connection, [bytes([len(sockets)])], [one.fileno() for one in sockets])


def receive_answer(connection: socket.socket) -> list[socket.socket]:
    """Returns the sockets of an answer, which the caller closes. Raises OSError when there are none."""
    room = socket.CMSG_LEN(DESCRIPTORS_MAX * _INT.itemsize)
    data, messages, flags, _ = connection.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)
    descriptors = array("i")
    for level, kind, content in messages:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors.frombytes(content[: len(content) - len(content) % _INT.itemsize])
    if not data or flags & socket.MSG_CTRUNC or data[0] != len(descriptors) or not descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        raise ConnectionError("the broker has no connection to this agent")
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]
