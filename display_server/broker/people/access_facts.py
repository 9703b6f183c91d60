"""Reads from the database what decides on access: groups, their members, and entitlements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from display_server.broker.people.access_paths import EntitlementOrigin, Grant, Subject, is_entitled
from display_server.broker.people.group_graph import Parents
from display_server.broker.tables import Account, Entitlement, Group, GroupMember, GroupNesting


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """Everything that decides what some people may open. There are no groups if none of them is entitled."""

    direct: Mapping[str, frozenset[str]]  # by username: the groups that have the person as their member
    parents: Parents
    grants: Mapping[str, tuple[Grant, ...]]  # by the name of the desktop; none of other people

    def may_open(self, username: str, desktop: str) -> bool:
        """Returns whether the person is entitled to the desktop, which need not be configured."""
        direct = self.direct.get(username, frozenset())
        return is_entitled(username, direct, self.parents, self.grants.get(desktop, ()))


async def read_facts(
    db: AsyncSession,
    usernames: Collection[str],
    desktops: Collection[str] | None = None,
    *,
    now_s: float,
) -> AccessFacts:
    """Reads what decides on the access of these people, to these desktops or to all, at a time.

    `now_s` is wall-clock time, in seconds since the epoch: some entitlements end. Groups are read only if
    they matter, because each request of a browser needs the answer.
    """
    grants = await _read_grants(db, usernames, desktops, now_s)
    groups_matter = any(grant.subject is Subject.GROUP for found in grants.values() for grant in found)
    direct = await read_direct_groups(db, usernames) if groups_matter else {}
    parents = await read_parents(db) if direct else {}
    return AccessFacts(direct, parents, grants)


async def read_direct_groups(db: AsyncSession, usernames: Collection[str]) -> dict[str, frozenset[str]]:
    """Returns, by username, the groups that have the person as their member."""
    rows = await db.execute(
        select(Account.username, Group.name)
        .join(GroupMember, GroupMember.account_id == Account.id)
        .join(Group, Group.id == GroupMember.group_id)
        .where(Account.username.in_(usernames))
    )
    return _collected(rows)


async def read_parents(db: AsyncSession) -> dict[str, frozenset[str]]:
    """Returns, by the name of each group, the groups that contain it."""
    parent, child = aliased(Group), aliased(Group)
    rows = await db.execute(
        select(child.name, parent.name)
        .select_from(GroupNesting)
        .join(parent, parent.id == GroupNesting.parent_id)
        .join(child, child.id == GroupNesting.child_id)
    )
    return _collected(rows)


async def _read_grants(
    db: AsyncSession, usernames: Collection[str], desktops: Collection[str] | None, now_s: float
) -> dict[str, tuple[Grant, ...]]:
    """Returns the entitlements that may concern these people, by the name of the desktop."""
    query = (
        select(Entitlement.desktop, Entitlement.subject, Entitlement.name, Entitlement.origin)
        .where(or_(Entitlement.subject != Subject.USER.value, Entitlement.name.in_(usernames)))
        .where(or_(Entitlement.until_s.is_(None), Entitlement.until_s > now_s))
        .order_by(Entitlement.id)
    )
    if desktops is not None:
        query = query.where(Entitlement.desktop.in_(desktops))
    found: dict[str, list[Grant]] = {}
    for desktop, subject, name, origin in await db.execute(query):
        found.setdefault(desktop, []).append(Grant(Subject(subject), name, EntitlementOrigin(origin)))
    return {desktop: tuple(grants) for desktop, grants in found.items()}


def _collected(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in pairs:
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}
