"""The host channel: over it, an agent asks the gateway for what only the host can give to one viewer's video.

    agent                                    gateway
      │ ◄─ introduction(secret, viewer) ────── │   connects to FOLDER/host.sock when the viewer connects
      │ ── relays-wanted(1) ─────────────────► │
      │ ◄─ relays(1, servers) ──────────────── │   or refused(1, reason)
      │ ── sockets-wanted(2) ────────────────► │
      │ ◄─ sockets(2) + descriptors ────────── │   or refused(2, reason)
      │                                        │   closes the channel when the viewer disconnects

An agent of an isolated desktop has no network. A socket belongs to the network namespace in which it was
made, whoever uses it, so the gateway makes the UDP sockets and passes their descriptors (SCM_RIGHTS).
Credentials for TURN servers are made for one viewer when it needs them. No file of a desktop contains them or
the secret from which they are made.

Each message is one packet (SOCK_SEQPACKET) of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from array import array
from collections.abc import Callable, Sequence

import msgspec

from display_server.protocol.messages import IceServer

#: Largest packet, bytes.
PACKET_MAX_BYTES = 32 * 1024
#: Most sockets in one packet: one for each address of the host (`VideoSettings.addresses`).
SOCKETS_MAX = 8
#: A descriptor in a packet is a C int.
_INT = array("i")


class Introduction(msgspec.Struct, frozen=True, tag="introduction", tag_field="type"):
    """The first packet: proves that the gateway connected, and names the viewer that the channel is for."""

    secret: str
    viewer: str


class RelaysWanted(msgspec.Struct, frozen=True, tag="relays-wanted", tag_field="type"):
    """Requests TURN servers with credentials for the viewer."""

    request: int


class SocketsWanted(msgspec.Struct, frozen=True, tag="sockets-wanted", tag_field="type"):
    """Requests bound UDP sockets for one connection to the viewer."""

    request: int


class Relays(msgspec.Struct, frozen=True, tag="relays", tag_field="type"):
    """Answers `RelaysWanted`. The list is empty if there is no TURN server."""

    request: int
    servers: list[IceServer]


class Sockets(msgspec.Struct, frozen=True, tag="sockets", tag_field="type"):
    """Answers `SocketsWanted`, together with one descriptor for each address that the agent may offer."""

    request: int


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="type"):
    """Answers any request that the gateway does not fulfil. `reason` is for the log."""

    request: int
    reason: str


ToAgent = Introduction | Relays | Sockets | Refused
ToGateway = RelaysWanted | SocketsWanted


class HostChannel:
    """One end of a channel, in the event loop that runs when it is created. It owns the connection.

    `on_packet` gets each packet and the sockets that came with it, which belong to the receiver from then on.
    `on_closed` is called once, when the channel ends for whatever reason but `close`. Only the agent
    `accepts_sockets`; the kernel drops what is passed to others.
    """

    def __init__(
        self,
        connection: socket.socket,
        on_packet: Callable[[bytes, list[socket.socket]], None],
        on_closed: Callable[[], None],
        *,
        accepts_sockets: bool = False,
    ) -> None:
        self._connection = connection
        self._on_packet = on_packet
        self._on_closed = on_closed
        self._sockets_max = SOCKETS_MAX if accepts_sockets else 0
        self._loop = asyncio.get_running_loop()
        self.closed = False
        connection.setblocking(False)
        self._loop.add_reader(connection, self._on_readable)

    def send(self, message: ToAgent | ToGateway, sockets: Sequence[socket.socket] = ()) -> None:
        """Sends a packet, with duplicates of `sockets`. Ends the channel if the other side reads nothing."""
        if self.closed:
            return
        data = msgspec.json.encode(message)
        try:
            if sockets:
                socket.send_fds(self._connection, [data], [one.fileno() for one in sockets])
            else:
                self._connection.send(data)
        except OSError:
            self._end()

    def close(self) -> None:
        """Closes the connection. Safe to call twice."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._connection)
            self._connection.close()

    def _end(self) -> None:
        if not self.closed:
            self.close()
            self._on_closed()

    def _on_readable(self) -> None:
        """Receives one packet: the event loop calls again while there are more."""
        try:
            data, descriptors, flags = self._receive()
        except BlockingIOError:
            return
        except OSError:
            self._end()
            return
        sockets = _as_sockets(descriptors)
        cut = flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        if not data or cut or sockets is None:
            for one in sockets or ():
                one.close()
            self._end()
            return
        self._on_packet(data, sockets)

    def _receive(self) -> tuple[bytes, list[int], int]:
        """Returns data, descriptors and flags. `socket.recv_fds` ignores the flag that keeps programs which
        this process starts from inheriting the descriptors.
        """
        room = socket.CMSG_LEN(self._sockets_max * _INT.itemsize) if self._sockets_max else 0
        data, messages, flags, _ = self._connection.recvmsg(PACKET_MAX_BYTES, room, socket.MSG_CMSG_CLOEXEC)
        descriptors = array("i")
        for level, kind, content in messages:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(content[: len(content) - len(content) % _INT.itemsize])
        return data, descriptors.tolist(), flags


def _as_sockets(descriptors: Sequence[int]) -> list[socket.socket] | None:
    """Returns the descriptors as UDP sockets. Closes all of them and returns None if one is anything else."""
    sockets: list[socket.socket] = []
    for index, descriptor in enumerate(descriptors):
        try:
            one = socket.socket(fileno=descriptor)
        except OSError:
            one = None
        if one is not None and _is_udp(one):
            sockets.append(one)
            continue
        for other in [*sockets, *([one] if one is not None else [])]:
            other.close()
        for left in descriptors[index + (one is not None) :]:
            with contextlib.suppress(OSError):
                os.close(left)
        return None
    return sockets


def _is_udp(one: socket.socket) -> bool:
    return one.family in (socket.AF_INET, socket.AF_INET6) and one.type == socket.SOCK_DGRAM
