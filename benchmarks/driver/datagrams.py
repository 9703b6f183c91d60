"""Counts UDP payload between programs of this host, so that the traffic of a subject with UDP counts like
TCP.

The kernel has no byte counters for UDP sockets, so a packet socket reads the header of each packet on the
loopback device. Needs root.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable

import psutil

#: ETH_P_ALL, ETH_P_IP and IPPROTO_UDP.
_ALL, _IP, _UDP = 0x0003, 0x0800, 17
#: PACKET_HOST. A packet socket reads each packet on loopback twice, when it leaves and when it arrives.
_ARRIVED = 0
#: Bytes read of each packet: the IP and UDP headers.
_HEADER_BYTES = 64


class Datagrams:
    """Counts from `start` to `stop`. Without root it counts nothing, and `why_not` says so."""

    def __init__(self) -> None:
        self._bytes: Counter[tuple[int, int]] = Counter()  # by source port and destination port
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
            opened, self._socket = self._socket, None
            self._thread.join()
            opened.close()

    def of(self, pids: Iterable[int]) -> tuple[int, int]:
        """Returns the bytes that these processes have sent and received so far."""
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
        opened = self._socket
        assert opened is not None
        header = bytearray(_HEADER_BYTES)
        while self._socket is not None:
            try:
                _, (_, protocol, direction, *_) = opened.recvfrom_into(header)
            except TimeoutError:
                continue
            if direction != _ARRIVED or protocol != _IP or header[9] != _UDP:
                continue
            udp_at = 4 * (header[0] & 0x0F)
            source, target, length = struct.unpack_from("!HHH", header, udp_at)
            self._bytes[source, target] += length - 8
