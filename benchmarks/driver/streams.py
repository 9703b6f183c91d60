"""Reads the TCP payload at a server's port from the kernel, including connections that were closed meanwhile.

A page may close its connection during a measurement, and the socket's counters disappear with it. The kernel
reports each socket that ends to whoever subscribed (`NETLINK_SOCK_DIAG`), so no bytes are lost.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

#: From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
_NETLINK_SOCK_DIAG, _BY_FAMILY, _REQUEST_DUMP, _DONE, _ERROR = 4, 20, 0x301, 3, 2
_TCP_DESTROYED, _TCP6_DESTROYED = 1, 3
_INFO = 2
_ADD_MEMBERSHIP, _SOL_NETLINK = 1, 270
#: Bit mask of all TCP states except TIME_WAIT (6) and LISTEN (10).
_STATES = 0xFFF & ~(1 << 6) & ~(1 << 10)
#: struct nlmsghdr, struct rtattr and struct inet_diag_req_v2.
_HEAD, _ATTRIBUTE, _REQUEST = struct.Struct("=IHHII"), struct.Struct("=HH"), struct.Struct("=BBBBI48x")
#: Source and destination port in struct inet_diag_msg, in network byte order, and their offset in bytes.
_PORTS, _PORTS_AT = struct.Struct("!HH"), 4
#: Size of struct inet_diag_msg; its attributes follow.
_MESSAGE_BYTES = 72
#: tcpi_bytes_acked and tcpi_bytes_received in struct tcp_info, and their offset in bytes.
_BYTES, _BYTES_AT = struct.Struct("=QQ"), 120
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes from the subject to the browser (down) and back (up) since an arbitrary start."""

    down: int
    up: int

    def __add__(self, other: Wire) -> Wire:
        return Wire(self.down + other.down, self.up + other.up)


class Streams:
    """Counts the connections of one port. TLS counts encrypted."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._closed = Wire(0, 0)
        self._destroyed: socket.socket | None = None

    def start(self) -> None:
        """Subscribes to sockets that end, so that their bytes are kept."""
        self._destroyed = _netlink()
        self._destroyed.bind((0, 0))  # must precede the memberships: an unbound socket receives no reports
        self._destroyed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        for group in (_TCP_DESTROYED, _TCP6_DESTROYED):
            self._destroyed.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        self._destroyed.setblocking(False)

    def stop(self) -> None:
        if self._destroyed is not None:
            self._destroyed.close()
            self._destroyed = None

    def total(self) -> Wire:
        """Returns the bytes so far. Only differences between two calls are meaningful."""
        live = self._live()
        # Read after the live sockets: a connection that ends in between is counted twice for a moment, but is
        # never missing.
        while self._destroyed is not None:
            try:
                data = self._destroyed.recv(_BUFFER_BYTES)
            except BlockingIOError:
                break
            for port, carried in connections(data):
                if port == self._port:
                    self._closed += carried
        return live + self._closed

    def _live(self) -> Wire:
        found = Wire(0, 0)
        with _netlink() as netlink:
            for family in (socket.AF_INET, socket.AF_INET6):
                request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _STATES)
                size = _HEAD.size + len(request)
                netlink.send(_HEAD.pack(size, _BY_FAMILY, _REQUEST_DUMP, 0, 0) + request)
                done = False
                while not done:
                    data = netlink.recv(_BUFFER_BYTES)
                    for port, carried in connections(data):
                        if port == self._port:
                            found += carried
                    done = any(kind == _DONE for kind, _ in _messages(data))
        return found


def connections(data: bytes) -> Iterator[tuple[int, Wire]]:
    """Parses a netlink answer and yields the local port and the bytes of each connection.

    Raises OSError if the kernel refused the request.
    """
    for kind, body in _messages(data):
        if kind == _ERROR:
            number = -struct.unpack_from("=i", body)[0]
            raise OSError(number, f"sock_diag: {errno.errorcode.get(number, number)}")
        if kind != _BY_FAMILY:
            continue
        port, _ = _PORTS.unpack_from(body, _PORTS_AT)
        at = _MESSAGE_BYTES
        while at + _ATTRIBUTE.size <= len(body):
            size, name = _ATTRIBUTE.unpack_from(body, at)
            if name == _INFO and size >= _ATTRIBUTE.size + _BYTES_AT + _BYTES.size:
                yield port, Wire(*_BYTES.unpack_from(body, at + _ATTRIBUTE.size + _BYTES_AT))
            at += max(4, (size + 3) & ~3)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEAD.size <= len(data):
        size, kind, *_ = _HEAD.unpack_from(data, at)
        yield kind, data[at + _HEAD.size : at + size]
        at += max(_HEAD.size, (size + 3) & ~3)


def _netlink() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
