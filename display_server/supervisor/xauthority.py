"""The X authority file of a desktop: one random cookie that opens its X server, for its owner alone."""

from __future__ import annotations

import secrets
import struct
from pathlib import Path

from display_server.desktop.spec import write_private

_FAMILY_WILD = 0xFFFF
_NAME = b"MIT-MAGIC-COOKIE-1"
_COOKIE_BYTES = 16


def write_xauthority(path: Path) -> None:
    """Valid for any display number: the server picks its own only after it has read the file."""
    fields = (b"", b"", _NAME, secrets.token_bytes(_COOKIE_BYTES))  # address, display number, name, data
    counted = b"".join(struct.pack(">H", len(field)) + field for field in fields)
    write_private(path, struct.pack(">H", _FAMILY_WILD) + counted)
