"""The catalogue of desktops: which desktops exist, and who may open them. Nobody may open one by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec
from sqlalchemy import Select, delete, or_, select

from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Entitlement
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.profiles.profile import Kind, Profile, load
from display_server.desktop.video_settings import VideoPolicy
from display_server.errors import PolicyError

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
    attach: str | None = None  # X display to serve; None starts an X server
    share: bool = False  # several devices of a person may show the desktop at the same time
    fixed: bool = False  # the size is the one above; otherwise it follows the viewer's window
    clipboard: ClipboardPolicy = field(default_factory=ClipboardPolicy)
    video: VideoPolicy = "adaptive"
    video_monitors: Mapping[int, VideoPolicy] = field(default_factory=dict)  # exceptions, by monitor number
    network: tuple[str, ...] = ()  # what programs of isolated desktops may reach


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list of desktops says about one of them."""

    titles: Mapping[str, str]  # the name that people see, by language
    kind: Kind


def listings(desktops: Sequence[Desktop]) -> list[Listing]:
    """Returns how desktops are listed, in their order.

    A title in the configuration is the name in every language; otherwise the names of the profile apply.
    Where several desktops would have the same name, the name in their address follows. A desktop that shows
    a display which runs already is always listed, because its profile starts nothing.
    """
    known = [_profile(desktop.profile) for desktop in desktops]
    titles = [
        {language: desktop.title or title for language, title in profile.title.items()}
        for desktop, profile in zip(desktops, known, strict=True)
    ]
    used = Counter(title for of_one in titles for title in set(of_one.values()))
    return [
        Listing(
            {
                language: f"{title} ({desktop.name})" if used[title] > 1 else title
                for language, title in of_one.items()
            },
            "desktop" if desktop.attach is not None else profile.kind,
        )
        for desktop, profile, of_one in zip(desktops, known, titles, strict=True)
    ]


@cache
def _profile(name: str) -> Profile:
    """Reads a profile once: its file changes only with the installation."""
    return load(name)


class Catalogue:
    """The desktops and entitlements in the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def replace(self, definitions: Sequence[DesktopDefinition]) -> None:
        """Makes the store match the configuration.

        Desktops that are not in `definitions` are deleted together with their entitlements.
        """
        async with self._store.begin() as db:
            known = {desktop.name: desktop for desktop in (await db.scalars(select(Desktop))).all()}
            await db.execute(delete(Entitlement))
            for name in known.keys() - {definition.name for definition in definitions}:
                await db.delete(known[name])
            for position, definition in enumerate(definitions):
                desktop = known.get(definition.name) or Desktop(name=definition.name)
                desktop.title, desktop.profile = definition.title, definition.profile
                desktop.attach = definition.attach
                desktop.width_px, desktop.height_px = definition.width_px, definition.height_px
                desktop.fixed = definition.fixed
                desktop.share, desktop.position = definition.share, position
                desktop.clipboard = msgspec.json.encode(definition.clipboard).decode()
                desktop.network = msgspec.json.encode(definition.network).decode()
                desktop.video = definition.video
                desktop.video_monitors = msgspec.json.encode(definition.video_monitors).decode()
                db.add(desktop)
                await db.flush()
                db.add_all(
                    Entitlement(desktop_id=desktop.id, username=username)
                    for username in dict.fromkeys(definition.usernames)
                )

    async def list_allowed(self, username: str) -> Sequence[Desktop]:
        """Returns the desktops that this person may open, in the order of the configuration."""
        async with self._store.begin() as db:
            return (await db.scalars(_allowed(username).order_by(Desktop.position))).all()

    async def find(self, username: str, name: str) -> Desktop:
        """Returns a desktop that this person may open.

        Raises PolicyError otherwise. The error does not reveal whether the desktop exists.
        """
        async with self._store.begin() as db:
            desktop = await db.scalar(_allowed(username).where(Desktop.name == name))
        if desktop is None:
            raise PolicyError(
                f"There is no desktop named {name!r} that you may open.",
                next_step="Choose one from the list of desktops, or ask your administrator for access.",
            )
        return desktop


def _allowed(username: str) -> Select[Desktop]:
    entitled = select(Entitlement.desktop_id).where(
        or_(Entitlement.username == username, Entitlement.username == EVERYBODY)
    )
    return select(Desktop).where(Desktop.id.in_(entitled))
