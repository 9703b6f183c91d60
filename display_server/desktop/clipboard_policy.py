"""What may cross the clipboard, per desktop. Nothing, unless somebody says so."""

from __future__ import annotations

from typing import Annotated

import msgspec

#: What one copy may hold, bytes: a screenshot of a 5 MP monitor as PNG, a long report as text.
DEFAULT_MAX_BYTES = 8 * 1024 * 1024
#: The wire counts in 32 bits, and a copy is held in memory: more is a file, not a clipboard.
LIMIT_BYTES = 64 * 1024 * 1024


class ClipboardPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Enforced by the agent; viewers are told so that they offer nothing in vain."""

    to_desktop: bool = False
    from_desktop: bool = False
    images: bool = False
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=LIMIT_BYTES)] = DEFAULT_MAX_BYTES
