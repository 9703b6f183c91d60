"""The part of a session's policy that its agent enforces, for one viewer."""

from __future__ import annotations

from typing import Annotated

import msgspec

from display_server.desktop.clipboard_policy import ClipboardPolicy, ClipboardRights
from display_server.desktop.video_settings import VideoPolicy
from display_server.protocol.limits import MONITORS_MAX


class SessionPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker resolves it, and sends it again when it changes while the viewer is connected.

    `picture` replaces the video policy of the desktop; None leaves that and those of single monitors as the
    configuration has them. `monitors` is the largest number of monitors, and `share` says whether other
    devices of the person may display the desktop at the same time.
    """

    clipboard: ClipboardRights = ClipboardRights()
    picture: VideoPolicy | None = None
    monitors: Annotated[int, msgspec.Meta(ge=1, le=MONITORS_MAX)] = MONITORS_MAX
    share: bool = False

    @classmethod
    def configured(cls, clipboard: ClipboardPolicy, *, share: bool) -> SessionPolicy:
        """Returns what applies to every viewer of a desktop for which no policy says more."""
        return cls(clipboard=ClipboardRights.of(clipboard), share=share)
