"""People in pages, as the administration lists them: as many statements for a page as for one person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.people.access_facts import read_parents
from display_server.broker.people.group_graph import members_below
from display_server.broker.people.role_assignments import Standing, read_standings
from display_server.broker.roles import Limits
from display_server.broker.store import Store
from display_server.broker.tables import (
    Account,
    Group,
    GroupMember,
    KnownDevice,
    Passkey,
    TotpSecret,
    WebSession,
)


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person in the list. `signed_in_s` is the last sign-in that is known."""

    username: str
    display_name: str
    origin: str  # an AccountOrigin
    disabled: bool
    standing: Standing
    signed_in: bool
    second_factor: bool
    signed_in_s: float | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page, and how many people there are altogether. `more` says whether others follow."""

    people: list[ListedPerson]
    more: bool
    total: int


async def page_of_people(
    store: Store, search: str, *, after: str | None, limit: int, limits: Limits, own: str
) -> PeoplePage:
    """Returns the people whose names contain a text, sorted by username, from behind `after` on.

    Only those within `limits` are listed, and `own`.
    """
    async with store.reading() as db:
        conditions = []
        if search:
            conditions.append(
                or_(
                    Account.username.contains(search.lower(), autoescape=True),
                    Account.display_name.icontains(search, autoescape=True),
                )
            )
        if not limits.everything:
            conditions.append(or_(Account.username == own, await _member_of_any(db, limits.groups)))
        total = await db.scalar(select(func.count()).select_from(Account).where(*conditions)) or 0
        if after is not None:
            conditions.append(Account.username > after)
        found = select(Account).where(*conditions).order_by(Account.username).limit(limit + 1)
        accounts = (await db.scalars(found)).all()
        people = await _people(db, accounts[:limit])
    return PeoplePage(people, len(accounts) > limit, total)


async def listed_person(store: Store, username: str) -> ListedPerson | None:
    """Returns one person, or None when there is no account of this name."""
    async with store.reading() as db:
        account = await db.scalar(select(Account).where(Account.username == username.lower()))
        return None if account is None else (await _people(db, [account]))[0]


async def _member_of_any(db: AsyncSession, groups: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that an account belongs to one of these groups, or to one that they contain."""
    parents = await read_parents(db) if groups else {}
    names = set(groups).union(*(members_below(name, parents) for name in groups))
    return Account.id.in_(
        select(GroupMember.account_id)
        .join(Group, Group.id == GroupMember.group_id)
        .where(Group.name.in_(sorted(names)))
    )


async def _people(db: AsyncSession, accounts: Sequence[Account]) -> list[ListedPerson]:
    ids, names = [account.id for account in accounts], [account.username for account in accounts]
    standings = await read_standings(db, names)
    signed_in = set(await db.scalars(select(WebSession.account_id).where(WebSession.account_id.in_(ids))))
    factors: set[int] = set()
    for table in (TotpSecret, Passkey):
        factors.update(await db.scalars(select(table.account_id).where(table.account_id.in_(ids))))
    last = await db.execute(
        select(KnownDevice.account_id, func.max(KnownDevice.signed_in_s))
        .where(KnownDevice.account_id.in_(ids))
        .group_by(KnownDevice.account_id)
    )
    signed_in_s = {account_id: at_s for account_id, at_s in last}  # noqa: C416 - rows are no pairs for mypy
    return [
        ListedPerson(
            account.username,
            account.display_name,
            account.origin,
            account.disabled,
            standings[account.username],
            account.id in signed_in,
            account.id in factors,
            signed_in_s.get(account.id),
        )
        for account in accounts
    ]
