"""UDP payload between programs of this host: a subject that uses UDP pays for it as for TCP.

The kernel keeps no such counters for UDP sockets, so each packet on the loopback device is looked at, its
head alone. Needs root, as links do.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable

import psutil

_ALL, _IP, _UDP = 0x0003, 0x0800, 17
#: Each packet on loopback is seen twice, as it leaves and as it arrives.
_ARRIVED = 0
_HEAD_BYTES = 64


class Datagrams:
    """Counts from `start` to `stop`. Without the right to it nothing is counted, and `why_not` says so."""

    def __init__(self) -> None:
        self._bytes: Counter[tuple[int, int]] = Counter()  # by port it came from and port it went to
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.why_not = ""

    def start(self) -> None:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL))
        except PermissionError as error:
            self.why_not = f"UDP is not counted: {error}"
            return
        self._socket.bind(("lo", _ALL))
        self._socket.settimeout(0.2)
        self._thread = threading.Thread(target=self._run, name="datagrams", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._socket is not None and self._thread is not None:
            watched, self._socket = self._socket, None
            self._thread.join()
            watched.close()

    def of(self, pids: Iterable[int]) -> tuple[int, int]:
        """Bytes that these programs sent and received so far."""
        ports = set()
        for pid in pids:
            try:
                found = psutil.Process(pid).net_connections(kind="udp")
            except psutil.NoSuchProcess:
                continue
            ports |= {connection.laddr.port for connection in found if connection.laddr}
        pairs = list(self._bytes.items())
        sent = sum(size for (source, _), size in pairs if source in ports)
        return sent, sum(size for (_, target), size in pairs if target in ports)

    def _run(self) -> None:
        watched = self._socket
        assert watched is not None
        head = bytearray(_HEAD_BYTES)
        while self._socket is not None:
            try:
                _, (_, protocol, direction, *_) = watched.recvfrom_into(head)
            except TimeoutError:
                continue
            if direction != _ARRIVED or protocol != _IP or head[9] != _UDP:
                continue
            at = 4 * (head[0] & 0x0F)
            source, target, length = struct.unpack_from("!HHH", head, at)
            self._bytes[source, target] += length - 8
