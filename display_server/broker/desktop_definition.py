"""A desktop as the operator configured it. Apart from the catalogue, so that no database is loaded for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from display_server.broker.people.removal_state import RemovalPolicy
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.pool_settings import PoolSettings
from display_server.desktop.video_settings import VideoPolicy

#: The username that stands for everybody who has an account, in an entitlement.
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class DesktopDefinition:
    """A desktop as the operator configured it."""

    name: str
    title: str  # empty: the name of the profile, in the language of the person
    profile: str
    width_px: int
    height_px: int
    usernames: tuple[str, ...]  # people who may open it; EVERYBODY stands for all accounts
    groups: tuple[str, ...] = ()  # groups whose members may open it
    attach: str | None = None  # X display to serve; None starts an X server
    share: bool = False  # several devices of a person may show the desktop at the same time
    fixed: bool = False  # the size is the one above; otherwise it follows the viewer's window
    clipboard: ClipboardPolicy = field(default_factory=ClipboardPolicy)
    video: VideoPolicy = "adaptive"
    video_monitors: Mapping[int, VideoPolicy] = field(default_factory=dict)  # exceptions, by monitor number
    pool: PoolSettings | None = None  # None: each person has a desktop of their own
    network: tuple[str, ...] = ()  # what programs of isolated desktops may reach
    removal: RemovalPolicy = field(default_factory=RemovalPolicy)
