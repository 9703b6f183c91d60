"""Which desktops there are, and who may open them. Default deny."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Select, delete, or_, select

from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Entitlement
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.video_settings import VideoPolicy
from display_server.errors import PolicyError

#: As a username in an entitlement: everybody with an account.
EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class DesktopOffer:
    """A desktop as the operator declares it. `attach` is an X display to serve instead of starting one."""

    name: str
    title: str
    profile: str
    width_px: int
    height_px: int
    usernames: tuple[str, ...]
    attach: str | None = None
    share: bool = False
    fixed: bool = False  # the size is the operator's; else windows give theirs
    clipboard: ClipboardPolicy = field(default_factory=ClipboardPolicy)
    video: VideoPolicy = "adaptive"
    video_monitors: Mapping[int, VideoPolicy] = field(default_factory=dict)


class Catalogue:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def declare(self, offers: Sequence[DesktopOffer]) -> None:
        """Makes the store say what the configuration says: what it no longer names is gone, rights too."""
        async with self._store.begin() as db:
            known = {desktop.name: desktop for desktop in (await db.scalars(select(Desktop))).all()}
            await db.execute(delete(Entitlement))
            for name in known.keys() - {offer.name for offer in offers}:
                await db.delete(known[name])
            for position, offer in enumerate(offers):
                desktop = known.get(offer.name) or Desktop(name=offer.name)
                desktop.title, desktop.profile, desktop.attach = offer.title, offer.profile, offer.attach
                desktop.width_px, desktop.height_px = offer.width_px, offer.height_px
                desktop.fixed = offer.fixed
                desktop.share, desktop.position = offer.share, position
                desktop.clipboard = msgspec.json.encode(offer.clipboard).decode()
                desktop.video = offer.video
                desktop.video_monitors = msgspec.json.encode(offer.video_monitors).decode()
                db.add(desktop)
                await db.flush()
                db.add_all(
                    Entitlement(desktop_id=desktop.id, username=username)
                    for username in dict.fromkeys(offer.usernames)
                )

    async def allowed(self, username: str) -> Sequence[Desktop]:
        """The desktops that this person may open, in the order they were declared."""
        async with self._store.begin() as db:
            return (await db.scalars(_allowed(username).order_by(Desktop.position))).all()

    async def find(self, username: str, name: str) -> Desktop:
        """Raises PolicyError when this person may not open it; whether it exists at all is not told."""
        async with self._store.begin() as db:
            desktop = await db.scalar(_allowed(username).where(Desktop.name == name))
        if desktop is None:
            raise PolicyError(f"There is no desktop {name!r} for you.")
        return desktop


def _allowed(username: str) -> Select[Desktop]:
    entitled = select(Entitlement.desktop_id).where(
        or_(Entitlement.username == username, Entitlement.username == EVERYBODY)
    )
    return select(Desktop).where(Desktop.id.in_(entitled))
