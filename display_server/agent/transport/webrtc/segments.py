"""Many datagrams in one system call: Linux cuts a long one into equal parts (UDP_SEGMENT, since 4.18).

A frame of video is a dozen packets of one size and a shorter one. Sent one by one, they cost as much CPU as
the encoder.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from collections.abc import Iterator, Sequence

#: <linux/udp.h>; Python does not name it.
UDP_SEGMENT = 103
#: The kernel's limits of one call.
SEGMENTS_MAX = 64
BYTES_MAX = 65_000


def runs(datagrams: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """In order, what one call takes: datagrams of one size, of which the last may be shorter."""
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
    """Beside the asyncio transport of a bound UDP socket, which this does not own."""

    def __init__(self, descriptor: int, family: socket.AddressFamily) -> None:
        self._socket = socket.fromfd(descriptor, family, socket.SOCK_DGRAM)  # a copy of the descriptor
        self._able = True

    def send(self, datagrams: Sequence[bytes], address: tuple[str, int]) -> None:
        """What cannot be sent now is lost, as on any network: the receiver tells what it misses."""
        for run in runs(datagrams):
            if len(run) == 1 or not self._together(run, address):
                for datagram in run:
                    with contextlib.suppress(OSError):
                        self._socket.sendto(datagram, address)

    def close(self) -> None:
        self._socket.close()

    def _together(self, run: Sequence[bytes], address: tuple[str, int]) -> bool:
        """False: one by one, please."""
        if not self._able:
            return False
        size = struct.pack("=H", len(run[0]))
        try:
            self._socket.sendmsg(run, [(socket.IPPROTO_UDP, UDP_SEGMENT, size)], 0, address)
        except BlockingIOError:
            pass  # the buffer is full: lost
        except OSError as error:
            # An old kernel, or a device without checksums. Else the network, which may come back.
            self._able = error.errno not in (errno.EIO, errno.EINVAL, errno.ENOPROTOOPT)
            return False
        return True
