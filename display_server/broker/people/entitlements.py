"""The entitlements in the store: who may open which desktop. Nobody may open one by default."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import normalise_username
from display_server.broker.audit.actor import SERVER, Actor, operator_actor
from display_server.broker.audit.entry import Action
from display_server.broker.desktop_definition import EVERYBODY, DesktopDefinition
from display_server.broker.people.access_facts import read_facts
from display_server.broker.people.access_paths import (
    EntitlementOrigin,
    Explanation,
    Grant,
    Subject,
    explain,
)
from display_server.broker.people.acts import record_act
from display_server.broker.people.group_graph import normalise_group_name
from display_server.broker.store import Store
from display_server.broker.tables import Account, Desktop, Entitlement, Group
from display_server.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ListedEntitlement:
    """An entitlement in the list. The configuration may lack its desktop, which nobody can open then."""

    desktop: str
    configured: bool
    grant: Grant
    id: int = 0  # of the row


class Entitlements:
    """The entitlements in the store.

    `operator` is the Unix user on whose behalf they are changed, unless an `actor` is given. `now_s` returns
    wall-clock time, in seconds since the epoch. Whoever changes something asks the servers for a review
    afterwards, so that they act on the desktops that run; they find the change by themselves within a minute.
    """

    def __init__(
        self,
        store: Store,
        *,
        operator: str = SERVER,
        actor: Actor | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._actor = actor or operator_actor(operator)
        self._now_s = now_s

    async def list_all(self) -> list[ListedEntitlement]:
        """Returns all entitlements, by desktop."""
        async with self._store.reading() as db:
            configured = set(await db.scalars(select(Desktop.name)))
            rows = (await db.scalars(select(Entitlement).order_by(Entitlement.desktop, Entitlement.id))).all()
        return [
            ListedEntitlement(row.desktop, row.desktop in configured, _grant_of(row), row.id) for row in rows
        ]

    async def by_id(self, row_id: int) -> ListedEntitlement | None:
        async with self._store.reading() as db:
            return await _listed(db, await db.get(Entitlement, row_id))

    async def find(self, desktop: str, grant: Grant) -> ListedEntitlement | None:
        async with self._store.reading() as db:
            return await _listed(db, await _find(db, desktop, grant))

    async def add(self, desktop: str, subject: Subject, name: str) -> Grant:
        """Entitles a person, a group or everybody to a desktop. Does nothing if a command did so before.

        A person need not have an account yet. Raises ConfigurationError when the desktop or the group does
        not exist.
        """
        async with self._store.begin() as db:
            await _require_desktop(db, desktop)
            grant = Grant(subject, await _subject_name(db, subject, name), EntitlementOrigin.COMMAND)
            if await _find(db, desktop, grant) is None:
                db.add(_row_of(desktop, grant))
                await self._record(db, Action.ENTITLEMENT_ADDED, desktop, grant)
        await self._store.save_copy()
        return grant

    async def remove(self, desktop: str, subject: Subject, name: str) -> Grant:
        """Removes an entitlement that a command gave.

        Raises ConfigurationError when there is none, also if the configuration entitles: only a changed
        configuration ends that.
        """
        normal = {Subject.USER: normalise_username, Subject.GROUP: normalise_group_name}
        plain = normal[subject](name) if subject in normal else EVERYBODY
        grant = Grant(subject, plain, EntitlementOrigin.COMMAND)
        async with self._store.begin() as db:
            row = await _find(db, desktop, grant)
            if row is None:
                configured = Grant(subject, plain, EntitlementOrigin.CONFIGURATION)
                raise _no_entitlement(desktop, plain, await _find(db, desktop, configured) is not None)
            await db.delete(row)
            await self._record(db, Action.ENTITLEMENT_REMOVED, desktop, grant)
        await self._store.save_copy()
        return grant

    async def why(self, username: str, desktop: str) -> Explanation:
        """Explains why a person may open a desktop, or what is missing."""
        name = username.lower()
        async with self._store.reading() as db:
            facts = await read_facts(db, [name], [desktop], now_s=self._now_s())
            disabled = await db.scalar(select(Account.disabled).where(Account.username == name))
            exists = await db.scalar(select(Desktop.id).where(Desktop.name == desktop)) is not None
        return explain(
            name,
            enabled=None if disabled is None else not disabled,
            desktop_exists=exists,
            direct=facts.direct.get(name, frozenset()),
            parents=facts.parents,
            grants=facts.grants.get(desktop, ()),
        )

    async def _record(self, db: AsyncSession, action: Action, desktop: str, grant: Grant) -> None:
        await record_act(
            db,
            action,
            f"desktop:{desktop}",
            actor=self._actor,
            at_s=self._now_s(),
            reason=grant.subject.value if grant.name == EVERYBODY else f"{grant.subject.value} {grant.name}",
        )


async def _listed(db: AsyncSession, row: Entitlement | None) -> ListedEntitlement | None:
    if row is None:
        return None
    configured = await db.scalar(select(Desktop.id).where(Desktop.name == row.desktop))
    return ListedEntitlement(row.desktop, configured is not None, _grant_of(row), row.id)


def _grant_of(row: Entitlement) -> Grant:
    return Grant(Subject(row.subject), row.name, EntitlementOrigin(row.origin))


def _row_of(desktop: str, grant: Grant) -> Entitlement:
    return Entitlement(
        desktop=desktop, subject=grant.subject.value, name=grant.name, origin=grant.origin.value
    )


async def replace_configured(db: AsyncSession, definitions: Sequence[DesktopDefinition]) -> None:
    """Replaces the entitlements of the configuration, and leaves those of commands as they are."""
    await db.execute(delete(Entitlement).where(Entitlement.origin == EntitlementOrigin.CONFIGURATION.value))
    for definition in definitions:
        grants = [
            Grant(
                Subject.EVERYBODY if name == EVERYBODY else Subject.USER,
                name,
                EntitlementOrigin.CONFIGURATION,
            )
            for name in definition.usernames
        ]
        grants += [Grant(Subject.GROUP, name, EntitlementOrigin.CONFIGURATION) for name in definition.groups]
        db.add_all(_row_of(definition.name, grant) for grant in dict.fromkeys(grants))


async def _find(db: AsyncSession, desktop: str, grant: Grant) -> Entitlement | None:
    return await db.scalar(
        select(Entitlement).where(
            Entitlement.desktop == desktop,
            Entitlement.subject == grant.subject.value,
            Entitlement.name == grant.name,
            Entitlement.origin == grant.origin.value,
        )
    )


async def _require_desktop(db: AsyncSession, name: str) -> None:
    known = list(await db.scalars(select(Desktop.name).order_by(Desktop.position)))
    if name not in known:
        raise ConfigurationError(
            f"There is no desktop named {name!r}.",
            hint=f"The configuration has these: {', '.join(known)}."
            if known
            else "Add it to the configuration, then start the server or run `lightbox reload`.",
        )


async def _subject_name(db: AsyncSession, subject: Subject, name: str) -> str:
    """Returns the name in the form that is stored. Raises ConfigurationError for an unknown group."""
    if subject is Subject.EVERYBODY:
        return EVERYBODY
    if subject is Subject.USER:
        return normalise_username(name)
    normal = normalise_group_name(name)
    if await db.scalar(select(Group.id).where(Group.name == normal)) is None:
        raise ConfigurationError(
            f"There is no group named {name!r}.",
            hint=f"To create a local group, run `lightbox groups add {normal}`.",
        )
    return normal


def _no_entitlement(desktop: str, name: str, configured: bool) -> ConfigurationError:
    if configured:
        return ConfigurationError(
            f"The configuration entitles {name!r} to the desktop {desktop!r}.",
            hint="Take the name out of `users` or `groups` of this desktop, then run `lightbox reload`.",
        )
    return ConfigurationError(
        f"No command has entitled {name!r} to the desktop {desktop!r}.",
        hint="To see all entitlements, run `lightbox entitlements list`.",
    )
