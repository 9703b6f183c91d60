"""The X authority file of a desktop: one random cookie, readable by the desktop's owner alone."""

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


def write_xauthority(path: Path) -> None:
    """Writes the file with a new cookie.

    The entry is valid for any display number, because the X server chooses its number only after it has read
    the file.
    """
    # Address, display number, protocol name, cookie: each with its length before it (libXau, AuRead.c).
    fields = (b"", b"", _PROTOCOL_NAME, secrets.token_bytes(_COOKIE_BYTES))
    counted = b"".join(struct.pack(">H", len(field)) + field for field in fields)
    write_private(path, struct.pack(">H", _FAMILY_WILD) + counted)
