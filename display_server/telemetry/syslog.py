"""Sends messages to a syslog server, in the form of RFC 5424.

Over TCP each message is preceded by its length (RFC 6587, octet counting). UDP and the Unix socket need no
frames.
"""

from __future__ import annotations

import datetime
import os
import re
import socket
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

#: The facility `authpriv`: messages about security that not everybody may read.
FACILITY = 10
#: Severities: normal but significant, and warning.
NOTICE, WARNING = 5, 4
#: The name of the program in messages.
PROGRAM = "lightbox"
#: A server has to accept a message within this time, s.
TIMEOUT_S = 5.0
_ADDRESS = re.compile(r"(udp|tcp):(\[[0-9a-fA-F:.]+\]|[^\[\]:/]+):(\d{1,5})")
_NOT_PRINTABLE = re.compile(r"[^!-~]")


class Transport(Enum):
    UNIX = "unix"
    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class SyslogAddress:
    """Where messages go: a Unix socket, or host and port."""

    transport: Transport
    host: str  # of a Unix socket, its path
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> SyslogAddress:
        """Parses `unix:/dev/log`, `udp:HOST:PORT` or `tcp:HOST:PORT`. Raises ValueError."""
        if text.startswith("unix:/"):
            return cls(Transport.UNIX, text.removeprefix("unix:"))
        found = _ADDRESS.fullmatch(text)
        if found is None or not 1 <= int(found[3]) <= 65_535:
            raise ValueError("write unix:/dev/log, udp:HOST:PORT or tcp:HOST:PORT")
        return cls(Transport(found[1]), found[2].strip("[]"), int(found[3]))


def message(text: str, *, message_id: str, at_us: int, severity: int = NOTICE) -> bytes:
    """Returns a message. `at_us` is the time of the event, in microseconds since the epoch."""
    at = datetime.datetime.fromtimestamp(at_us / 1e6, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    host = _NOT_PRINTABLE.sub("", socket.gethostname())[:255] or "-"
    name = _NOT_PRINTABLE.sub("", message_id)[:32] or "-"
    head = f"<{FACILITY * 8 + severity}>1 {at} {host} {PROGRAM} {os.getpid()} {name} - "
    return head.encode() + text.encode()


def send(address: SyslogAddress, content: bytes) -> None:
    """Sends a message. Blocks for at most TIMEOUT_S. Raises OSError."""
    match address.transport:
        case Transport.UNIX:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unix:
                unix.settimeout(TIMEOUT_S)
                unix.connect(str(Path(address.host)))
                unix.send(content)
        case Transport.UDP:
            family, _, _, _, target = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[
                0
            ]
            with socket.socket(family, socket.SOCK_DGRAM) as udp:
                udp.sendto(content, target)
        case Transport.TCP:
            with socket.create_connection((address.host, address.port), TIMEOUT_S) as tcp:
                tcp.sendall(b"%d %s" % (len(content), content))
