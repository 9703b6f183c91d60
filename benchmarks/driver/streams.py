"""TCP payload at a server's port, from the kernel: what its sockets carry, and what those carried that are
closed by now.

A page may close its connection in the middle of a measurement, and the counters go with the socket. The
kernel tells of each that ends when it is asked to (`NETLINK_SOCK_DIAG`), so none is lost and nothing is
polled.
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
#: All states of a connection but waiting for its end to be forgotten, and listening.
_STATES = 0xFFF & ~(1 << 6) & ~(1 << 10)
_HEAD, _ATTRIBUTE, _REQUEST = struct.Struct("=IHHII"), struct.Struct("=HH"), struct.Struct("=BBBBI48x")
#: Where the message's own part has the ports, in network order, and where it ends.
_PORTS, _PORTS_AT, _MESSAGE_BYTES = struct.Struct("!HH"), 4, 72
#: In struct tcp_info: bytes that were acknowledged, and bytes received.
_BYTES, _BYTES_AT = struct.Struct("=QQ"), 120
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Wire:
    """Bytes from the subject to the browser (down) and back since some time in the past."""

    down: int
    up: int

    def __add__(self, other: Wire) -> Wire:
        return Wire(self.down + other.down, self.up + other.up)


class Streams:
    """Of one port. TLS counts as it travels."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._closed = Wire(0, 0)
        self._ends: socket.socket | None = None

    def start(self) -> None:
        """From here on sockets that end are counted on."""
        self._ends = _netlink()
        self._ends.bind((0, 0))  # before it joins: an unbound one hears nothing
        self._ends.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        for group in (_TCP_DESTROYED, _TCP6_DESTROYED):
            self._ends.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
        self._ends.setblocking(False)

    def stop(self) -> None:
        if self._ends is not None:
            self._ends.close()
            self._ends = None

    def total(self) -> Wire:
        """Grows only; differences are what counts."""
        live = self._live()
        # After the others were counted: one that ends between the two is in both for a moment, never in none.
        while self._ends is not None:
            try:
                told = self._ends.recv(_BUFFER_BYTES)
            except BlockingIOError:
                break
            for port, carried in connections(told):
                if port == self._port:
                    self._closed += carried
        return live + self._closed

    def _live(self) -> Wire:
        found = Wire(0, 0)
        with _netlink() as asked:
            for family in (socket.AF_INET, socket.AF_INET6):
                request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << (_INFO - 1), 0, _STATES)
                size = _HEAD.size + len(request)
                asked.send(_HEAD.pack(size, _BY_FAMILY, _REQUEST_DUMP, 0, 0) + request)
                done = False
                while not done:
                    told = asked.recv(_BUFFER_BYTES)
                    for port, carried in connections(told):
                        if port == self._port:
                            found += carried
                    done = any(kind == _DONE for kind, _ in _messages(told))
        return found


def connections(told: bytes) -> Iterator[tuple[int, Wire]]:
    """Port at this end and bytes of each connection in what the kernel said. Raises OSError where it
    refused."""
    for kind, body in _messages(told):
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


def _messages(told: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEAD.size <= len(told):
        size, kind, *_ = _HEAD.unpack_from(told, at)
        yield kind, told[at + _HEAD.size : at + size]
        at += max(_HEAD.size, (size + 3) & ~3)


def _netlink() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
