"""The clipboard policy of a desktop. By default nothing may be copied in or out."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from display_server.protocol.limits import CLIPBOARD_MAX_BYTES

#: Default limit of one copy, bytes: enough for a screenshot of a 5-megapixel monitor as PNG, or a long
#: report.
DEFAULT_MAX_BYTES = 8 * 1024 * 1024

Bytes = Annotated[int, msgspec.Meta(ge=1, le=CLIPBOARD_MAX_BYTES)]
#: What may be copied in one direction.
Copying = Literal["nothing", "text", "text-and-images"]


class ClipboardPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policy as configuration and profiles give it: one limit, and images in both directions or none."""

    to_desktop: bool = False
    from_desktop: bool = False
    images: bool = False
    max_bytes: Bytes = DEFAULT_MAX_BYTES

    def copying(self, *, allowed: bool) -> Copying:
        """Returns what may be copied in a direction that is allowed or not."""
        if not allowed:
            return "nothing"
        return "text-and-images" if self.images else "text"


class ClipboardRights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one viewer may copy. The agent enforces it. Viewers receive it so that they offer only that."""

    to_desktop: Copying = "nothing"
    from_desktop: Copying = "nothing"
    text_to_desktop_bytes: Bytes = DEFAULT_MAX_BYTES
    images_to_desktop_bytes: Bytes = DEFAULT_MAX_BYTES
    text_from_desktop_bytes: Bytes = DEFAULT_MAX_BYTES
    images_from_desktop_bytes: Bytes = DEFAULT_MAX_BYTES

    @classmethod
    def of(cls, policy: ClipboardPolicy) -> ClipboardRights:
        """Returns the rights that a configured policy gives to every viewer."""
        return cls(
            policy.copying(allowed=policy.to_desktop),
            policy.copying(allowed=policy.from_desktop),
            policy.max_bytes,
            policy.max_bytes,
            policy.max_bytes,
            policy.max_bytes,
        )

    @property
    def to_desktop_max_bytes(self) -> int:
        """The largest content that may be copied to the desktop, of text and images, bytes."""
        if self.to_desktop == "text-and-images":
            return max(self.text_to_desktop_bytes, self.images_to_desktop_bytes)
        return self.text_to_desktop_bytes

    @property
    def from_desktop_max_bytes(self) -> int:
        """The largest content that may be copied from the desktop, of text and images, bytes."""
        if self.from_desktop == "text-and-images":
            return max(self.text_from_desktop_bytes, self.images_from_desktop_bytes)
        return self.text_from_desktop_bytes
