"""The catalogue of desktops: which desktops exist, and who may open them. Nobody may open one by default."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import msgspec
from sqlalchemy import select

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import AuditEntry
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.access_facts import read_facts
from display_server.broker.people.entitlements import replace_configured
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
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
    """Reads a profile once: a changed file counts from the next start or reload."""
    return load(name)


class Catalogue:
    """The desktops and entitlements in the store.

    `now_s` returns wall-clock time, in seconds since the epoch.
    """

    def __init__(self, store: Store, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    async def replace(
        self, definitions: Sequence[DesktopDefinition], *, entry: AuditEntry | None = None
    ) -> None:
        """Makes the store match the configuration.

        Desktops that are not in `definitions` are deleted, and the entitlements of the configuration
        replaced. Those that a command gave stay, also for a desktop that is deleted. `entry` is
        recorded in the same transaction.
        """
        _profile.cache_clear()
        async with self._store.begin() as db:
            known = {desktop.name: desktop for desktop in (await db.scalars(select(Desktop))).all()}
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
                desktop.on_removal = definition.removal.on_removal.value
                desktop.removal_s = definition.removal.warning_s
                db.add(desktop)
            await replace_configured(db, definitions)
            if entry is not None:
                await append(db, entry)

    async def list_all(self) -> Sequence[Desktop]:
        """Returns all desktops, in the order of the configuration."""
        async with self._store.begin() as db:
            return (await db.scalars(select(Desktop).order_by(Desktop.position))).all()

    async def list_allowed(self, username: str, *, also: Collection[str] = ()) -> Sequence[Desktop]:
        """Returns the desktops that this person may open, in the order of the configuration.

        `also` are names of desktops that are listed in any case.
        """
        async with self._store.reading() as db:
            facts = await read_facts(db, [username], now_s=self._now_s())
            desktops = (await db.scalars(select(Desktop).order_by(Desktop.position))).all()
        return [
            desktop for desktop in desktops if desktop.name in also or facts.may_open(username, desktop.name)
        ]

    async def find(self, username: str, name: str) -> Desktop:
        """Returns a desktop that this person may open.

        Raises PolicyError otherwise. The error does not reveal whether the desktop exists.
        """
        async with self._store.reading() as db:
            desktop = await db.scalar(select(Desktop).where(Desktop.name == name))
            facts = await read_facts(db, [username], [name], now_s=self._now_s())
        if desktop is None or not facts.may_open(username, name):
            raise PolicyError(
                f"There is no desktop named {name!r} that you may open.",
                next_step="Choose one from the list of desktops, or ask your administrator for access.",
            )
        return desktop

    async def titles(self, names: Collection[str]) -> dict[str, Mapping[str, str]]:
        """Returns the names that people see, by language, of the desktops that the configuration has."""
        async with self._store.reading() as db:
            desktops = (await db.scalars(select(Desktop).where(Desktop.name.in_(names)))).all()
        found = zip(desktops, listings(desktops), strict=True)
        return {desktop.name: listing.titles for desktop, listing in found}

    async def may_open(self, username: str, name: str) -> bool:
        """Returns whether the desktop exists and the person may open it."""
        try:
            await self.find(username, name)
        except PolicyError:
            return False
        return True
