"""The catalogue of desktops: which desktops exist, and who may open them. Nobody may open one by default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec
from sqlalchemy import Select, delete, or_, select

from display_server.broker.desktop_definition import EVERYBODY, DesktopDefinition
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Entitlement
from display_server.desktop.profiles.profile import Kind, Profile, load
from display_server.errors import PolicyError


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
                desktop.pool = msgspec.json.encode(definition.pool).decode() if definition.pool else ""
                desktop.video = definition.video
                desktop.video_monitors = msgspec.json.encode(definition.video_monitors).decode()
                db.add(desktop)
                await db.flush()
                db.add_all(
                    Entitlement(desktop_id=desktop.id, username=username)
                    for username in dict.fromkeys(definition.usernames)
                )

    async def list_all(self) -> Sequence[Desktop]:
        """Returns all desktops, in the order of the configuration."""
        async with self._store.begin() as db:
            return (await db.scalars(select(Desktop).order_by(Desktop.position))).all()

    async def list_allowed(self, username: str) -> Sequence[Desktop]:
        """Returns the desktops that this person may open, in the order of the configuration."""
        async with self._store.reading() as db:
            return (await db.scalars(_allowed(username).order_by(Desktop.position))).all()

    async def find(self, username: str, name: str) -> Desktop:
        """Returns a desktop that this person may open.

        Raises PolicyError otherwise. The error does not reveal whether the desktop exists.
        """
        async with self._store.reading() as db:
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
