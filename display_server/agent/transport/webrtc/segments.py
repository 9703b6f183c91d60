"""Sends many datagrams in one system call: Linux (since 4.18) cuts a long one into equal parts (UDP_SEGMENT).

A frame of video is a dozen packets of one size and a shorter one. Sent one by one they cost as much CPU time
as the encoder.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterator, Sequence

#: Socket option from <linux/udp.h>, which Python does not define.
UDP_SEGMENT = 103
#: The kernel's limit of segments in one call.
SEGMENTS_MAX = 64
#: Limit of bytes in one call, below the 65,507 of a UDP datagram.
BYTES_MAX = 65_000


def runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Splits the datagrams, in order, into runs that one call can send: all of one size, the last one may be
    shorter.
    """
    start = 0
    while start < len(datagrams):
        size = len(datagrams[start])
        limit = min(len(datagrams), start + min(SEGMENTS_MAX, max(1, BYTES_MAX // max(1, size))))
        end = start + 1
        while end < limit and len(datagrams[end]) == size:
            end += 1
        if end < limit and len(datagrams[end]) < size:
            end += 1
        yield datagrams[start:end]
        start = end


class SegmentedSender:
    """Sends on the bound UDP socket of an asyncio transport, which stays the owner of the socket."""

    def __init__(self, descriptor: int, family: socket.AddressFamily) -> None:
        self._socket = socket.fromfd(descriptor, family, socket.SOCK_DGRAM)  # duplicates the descriptor
        self._supported = True

    def send(self, datagrams: Sequence[bytes], address: tuple[str, int]) -> None:
        """Sends the datagrams. What cannot be sent now is lost, and the receiver reports it."""
        for run in runs(datagrams):
            if len(run) == 1 or not self._send_run(run, address):
                for datagram in run:
                    with contextlib.suppress(OSError):
                        self._socket.sendto(datagram, address)

    def close(self) -> None:
        self._socket.close()

    def _send_run(self, run: Sequence[bytes], address: tuple[str, int]) -> bool:
        """Sends a run in one call. Returns False if it has to be sent one by one."""
        if not self._supported:
            return False
        size = struct.pack("=H", len(run[0]))
        try:
            self._socket.sendmsg(run, [(socket.IPPROTO_UDP, UDP_SEGMENT, size)], 0, address)
        except BlockingIOError:
            pass  # the socket buffer is full, so the run is lost
        except OSError as error:
            # These mean an old kernel, or a device without checksums. Other errors are of the network and
            # pass.
            self._supported = error.errno not in (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT)
            return False
        return True
