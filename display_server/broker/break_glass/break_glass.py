"""Emergency access in the store: who may take it, who has it, and when it is over.

It is an entitlement of one person to one desktop with an end. Whatever decides on access ignores it from that
moment on, whether or not it was deleted by then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import NOWHERE, Action, AuditEntry, Origin, Role
from display_server.broker.break_glass.settings import REASON_MAX, REASON_MIN, BreakGlassSettings
from display_server.broker.people.access_facts import read_direct_groups, read_facts, read_parents
from display_server.broker.people.access_paths import EntitlementOrigin, Subject
from display_server.broker.people.group_graph import effective_groups
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Entitlement
from display_server.errors import PolicyError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmergencyAccess:
    """The emergency access of a person to a desktop. `until_s` is in seconds since the epoch."""

    username: str
    desktop: str
    until_s: float


class BreakGlassRefused(PolicyError):  # noqa: N818 - the act of a policy
    """This person may not take emergency access to this desktop."""


class BreakGlass:
    """Emergency access in the store. `now_s` returns wall-clock time, in seconds since the epoch."""

    def __init__(
        self,
        store: Store,
        settings: BreakGlassSettings = BreakGlassSettings(),  # noqa: B008 - frozen
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._now_s = now_s
        self.settings = settings
        #: What the store had last: without the database, it ends all the same.
        self.known: list[EmergencyAccess] = []

    async def choices(self, username: str) -> Sequence[Desktop] | None:
        """Returns the desktops that this person could open in an emergency only; None if they never may."""
        async with self._store.reading() as db:
            if not await self._may(db, username):
                return None
            facts = await read_facts(db, [username], now_s=self._now_s())
            desktops = (await db.scalars(select(Desktop).order_by(Desktop.position))).all()
        return [desktop for desktop in desktops if not facts.may_open(username, desktop.name)]

    async def begin(self, username: str, desktop: str, reason: str, origin: Origin) -> EmergencyAccess:
        """Gives a person access to a desktop for the configured time, and records it.

        `reason` is what the person has stated. Raises BreakGlassRefused.
        """
        now = self._now_s()
        reason = " ".join(reason.split())
        if not REASON_MIN <= len(reason) <= REASON_MAX:
            raise BreakGlassRefused(
                f"The reason has to have {REASON_MIN} to {REASON_MAX} characters.",
                next_step="Say in a sentence why you need this desktop now.",
            )
        async with self._store.begin() as db:
            exists = await db.scalar(select(Desktop.id).where(Desktop.name == desktop))
            if exists is None or not await self._may(db, username):
                raise BreakGlassRefused(
                    "You may not take emergency access to this desktop.",
                    next_step="Call the help desk.",
                )
            facts = await read_facts(db, [username], [desktop], now_s=now)
            row = await _row_of(db, username, desktop)
            if facts.may_open(username, desktop) and row is None:
                raise BreakGlassRefused(
                    "You may open this desktop without emergency access.",
                    next_step="Open it from the list of desktops.",
                )
            if row is None:
                row = Entitlement(
                    desktop=desktop,
                    subject=Subject.USER.value,
                    name=username,
                    origin=EntitlementOrigin.BREAK_GLASS.value,
                )
                db.add(row)
            row.until_s = now + self.settings.lasts_s
            await append(
                db,
                AuditEntry(
                    now,
                    Action.BREAK_GLASS_BEGUN,
                    account=username,
                    address=origin.address,
                    device=origin.device,
                    object=_object(username, desktop),
                    reason=f"for {self.settings.lasts_s / 60:g} min: {reason}",
                ),
            )
        access = EmergencyAccess(username, desktop, row.until_s)
        log.warning(
            "break-glass begun", username=username, desktop=desktop, reason=reason, until_s=row.until_s
        )
        self._forget(username, desktop)
        self.known.append(access)
        await self._store.save_copy()
        return access

    async def end(self, username: str, desktop: str, origin: Origin = NOWHERE) -> bool:
        """Ends the emergency access of a person who no longer needs it. Returns False if there is none."""
        async with self._store.begin() as db:
            row = await _row_of(db, username, desktop)
            if row is None:
                return False
            await db.delete(row)
            await append(db, self._ended(username, desktop, Role.USER, origin, "by the person"))
        log.warning("break-glass ended", username=username, desktop=desktop, by="person")
        self._forget(username, desktop)
        await self._store.save_copy()
        return True

    async def end_due(self) -> list[EmergencyAccess]:
        """Ends what is over, and returns it. Raises StorageError; then `known` says what is over."""
        now = self._now_s()
        async with self._store.reading() as db:
            self.known = await _all(db)
        if not any(one.until_s <= now for one in self.known):
            return []
        ended = []
        async with self._store.begin() as db:
            for one in await _all(db):
                if one.until_s > now:
                    continue
                row = await _row_of(db, one.username, one.desktop)
                assert row is not None
                await db.delete(row)
                ended.append(one)
            for one in ended:
                await append(db, self._ended(one.username, one.desktop, Role.SERVER, NOWHERE, "time over"))
        for one in ended:
            log.warning("break-glass ended", username=one.username, desktop=one.desktop, by="time")
        self.known = [one for one in self.known if one not in ended]
        await self._store.save_copy()
        return ended

    async def current(self, username: str | None = None) -> list[EmergencyAccess]:
        """Returns the emergency access that people, or one person, have at present."""
        now = self._now_s()
        async with self._store.reading() as db:
            found = await _all(db)
        return [one for one in found if one.until_s > now and username in {None, one.username}]

    def _forget(self, username: str, desktop: str) -> None:
        self.known = [one for one in self.known if (one.username, one.desktop) != (username, desktop)]

    async def _may(self, db: AsyncSession, username: str) -> bool:
        if not self.settings.groups:
            return False
        direct = await read_direct_groups(db, [username])
        groups = effective_groups(direct.get(username, ()), await read_parents(db))
        return not self.settings.groups.isdisjoint(groups)

    def _ended(self, username: str, desktop: str, role: Role, origin: Origin, reason: str) -> AuditEntry:
        return AuditEntry(
            self._now_s(),
            Action.BREAK_GLASS_ENDED,
            account=username,
            role=role,
            address=origin.address,
            device=origin.device,
            object=_object(username, desktop),
            reason=reason,
        )


def _object(username: str, desktop: str) -> str:
    return f"desktop:{username}/{desktop}"


async def _row_of(db: AsyncSession, username: str, desktop: str) -> Entitlement | None:
    return await db.scalar(
        select(Entitlement).where(
            Entitlement.origin == EntitlementOrigin.BREAK_GLASS.value,
            Entitlement.name == username,
            Entitlement.desktop == desktop,
        )
    )


async def _all(db: AsyncSession) -> list[EmergencyAccess]:
    rows = await db.scalars(
        select(Entitlement)
        .where(Entitlement.origin == EntitlementOrigin.BREAK_GLASS.value)
        .order_by(Entitlement.id)
    )
    return [EmergencyAccess(row.name, row.desktop, row.until_s or 0.0) for row in rows]
