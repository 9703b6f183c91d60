"""The X authority files of a desktop: random cookies, readable by those alone who may use the X server."""

from __future__ import annotations

import secrets
import struct
from pathlib import Path

from display_server.desktop.spec import write_private

#: FamilyWild (X11/Xauth.h): the entry is valid for any host and address.
_FAMILY_WILD = 0xFFFF
_PROTOCOL_NAME = b"MIT-MAGIC-COOKIE-1"
#: 128 bits, the length that the protocol prescribes.
_COOKIE_BYTES = 16


def new_cookie() -> bytes:
    """Returns a cookie that nobody can guess."""
    return secrets.token_bytes(_COOKIE_BYTES)


def write_xauthority(path: Path, *cookies: bytes, mode: int = 0o600) -> None:
    """Writes the file with these cookies. A server accepts all of them, a client offers the first.

    The entries are valid for any display number, because the X server chooses its number only after it has
    read the file.
    """
    entries = b""
    for cookie in cookies:
        # Address, display number, protocol name, cookie: each with its length before it (libXau, AuRead.c).
        fields = (b"", b"", _PROTOCOL_NAME, cookie)
        counted = b"".join(struct.pack(">H", len(field)) + field for field in fields)
        entries += struct.pack(">H", _FAMILY_WILD) + counted
    write_private(path, entries, mode)
