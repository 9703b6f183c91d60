"""Asks an X server for the present size of its screen, with a time limit and without a library.

libxcb would wait for ever for an X server that hangs, and takes the authority file from the environment of
the whole process. The answer to the connection setup, which every X client gets, has the size.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

#: How long an X server may take to answer, s.
TIMEOUT_S = 2.0
#: The folder of the X servers' sockets; `X7` belongs to display :7.
SOCKETS = Path("/tmp/.X11-unix")  # noqa: S108 - fixed by X
COOKIE = b"MIT-MAGIC-COOKIE-1"

_SUCCESS = 1
#: The head of the answer: success, version and the number of 32-bit words that follow.
_ANSWER_HEAD = struct.Struct("<BxHHH")
#: The part before the vendor's name, of which the length of that name and the number of formats matter.
_SETUP = struct.Struct("<16xHxxBB10x")
_FORMAT_BYTES = 8
#: A screen begins with root, colour map, two pixels and the input mask; width and height follow.
_SCREEN = struct.Struct("<20xHH")


def screen_size(display: str, xauthority: Path | None) -> tuple[int, int] | None:
    """Returns the width and height of the first screen, px; None when the X server does not answer."""
    number = display.rpartition(":")[2].partition(".")[0]
    cookie = _cookie(xauthority, number.encode()) if xauthority is not None else b""
    request = struct.pack("<BxHHHH2x", ord("l"), 11, 0, len(COOKIE) if cookie else 0, len(cookie))
    if cookie:
        request += _padded(COOKIE) + _padded(cookie)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(str(SOCKETS / f"X{number}"))
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                success, _, _, words = _ANSWER_HEAD.unpack(answer.read(_ANSWER_HEAD.size))
                return parse_setup(answer.read(4 * words)) if success == _SUCCESS else None
    except (OSError, struct.error):  # a refused or ended connection, or an answer that is cut off
        return None


def parse_setup(setup: bytes) -> tuple[int, int]:
    """Returns the size of the first screen in an answer without its head. Raises struct.error."""
    vendor_bytes, _screens, formats = _SETUP.unpack_from(setup)
    start = _SETUP.size + len(_padded(bytes(vendor_bytes))) + formats * _FORMAT_BYTES
    width_px, height_px = _SCREEN.unpack_from(setup, start)
    return width_px, height_px


def _cookie(xauthority: Path, number: bytes) -> bytes:
    """Returns the cookie of an authority file for this display; an empty one when there is none."""
    try:
        content = xauthority.read_bytes()
    except OSError:
        return b""
    position = 0
    while position < len(content):
        position += 2  # the family of the address
        fields = []
        for _ in range(4):  # address, number, name and data, each with its length before it
            (length,) = struct.unpack_from(">H", content, position)
            fields.append(content[position + 2 : position + 2 + length])
            position += 2 + length
        if fields[2] == COOKIE and fields[1] in (b"", number):
            return fields[3]
    return b""


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
