"""The clipboard policy of a desktop. By default nothing may be copied in or out."""

from __future__ import annotations

from typing import Annotated

import msgspec

from display_server.protocol.limits import CLIPBOARD_MAX_BYTES

#: Default limit of one copy, bytes: enough for a screenshot of a 5-megapixel monitor as PNG, or a long
#: report.
DEFAULT_MAX_BYTES = 8 * 1024 * 1024


class ClipboardPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agent enforces the policy. Viewers receive it so that they offer only what is allowed."""

    to_desktop: bool = False
    from_desktop: bool = False
    images: bool = False
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=CLIPBOARD_MAX_BYTES)] = DEFAULT_MAX_BYTES
