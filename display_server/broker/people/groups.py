"""The groups in the store, their members, and the groups that they contain."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import existing_account
from display_server.broker.audit.actor import SERVER, Actor, operator_actor
from display_server.broker.audit.entry import Action
from display_server.broker.people.access_facts import read_direct_groups, read_parents
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.acts import record_act
from display_server.broker.people.deleted_subjects import delete_what_belongs_to
from display_server.broker.people.group_graph import (
    GroupOrigin,
    Path,
    cycle,
    effective_groups,
    members_below,
    normalise_group_name,
)
from display_server.broker.store import Store
from display_server.broker.tables import Account, Group, GroupMember, GroupNesting
from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group in the list. `people` and `groups` count what it contains directly."""

    name: str
    origin: GroupOrigin
    people: int
    groups: int


@dataclass(frozen=True, slots=True)
class GroupMembers:
    """What a group contains: people and groups directly, and everybody with the path from their group."""

    people: tuple[str, ...]
    groups: tuple[str, ...]
    everybody: dict[str, Path]


class Groups:
    """The groups in the store.

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

    async def list_all(self) -> list[GroupSummary]:
        """Returns all groups, sorted by name."""
        return (await self.list_with_parents())[0]

    async def list_with_parents(self) -> tuple[list[GroupSummary], dict[str, frozenset[str]]]:
        """Returns all groups, sorted by name, and by the name of each all groups that contain it."""
        people = select(func.count()).where(GroupMember.group_id == Group.id).scalar_subquery()
        groups = select(func.count()).where(GroupNesting.parent_id == Group.id).scalar_subquery()
        async with self._store.reading() as db:
            rows = await db.execute(select(Group.name, Group.origin, people, groups).order_by(Group.name))
            found = [GroupSummary(name, GroupOrigin(origin), *counts) for name, origin, *counts in rows]
            parents = await read_parents(db)
        containing = {
            group.name: frozenset(effective_groups([group.name], parents)) - {group.name} for group in found
        }
        return found, containing

    async def exists(self, name: str) -> bool:
        async with self._store.reading() as db:
            found = select(Group.id).where(Group.name == normalise_group_name(name))
            return await db.scalar(found) is not None

    async def add(self, name: str) -> str:
        """Creates a local group and returns its name. Raises ConfigurationError when it exists."""
        normal = normalise_group_name(name)
        try:
            async with self._store.begin() as db:
                db.add(Group(name=normal, origin=GroupOrigin.LOCAL.value, created_s=self._now_s()))
                await self._record(db, Action.GROUP_ADDED, normal)
        except IntegrityError as error:
            raise ConfigurationError(
                f"A group named {normal!r} already exists.",
                hint="To see the existing groups, run `lightbox groups list`.",
            ) from error
        await self._store.save_copy()
        return normal

    async def delete(self, name: str) -> None:
        """Deletes a group with its roles and the entitlements that commands gave it.

        Those of the configuration stay, as the configuration says. Raises ConfigurationError when the group
        does not exist.
        """
        async with self._store.begin() as db:
            group = await _existing(db, name)
            await delete_what_belongs_to(db, Subject.GROUP, group.name)
            await db.delete(group)
            await db.flush()
            await self._record(db, Action.GROUP_DELETED, group.name)
        await self._store.save_copy()

    async def members(self, name: str) -> GroupMembers:
        """Returns what a group contains. Raises ConfigurationError when it does not exist."""
        async with self._store.reading() as db:
            group = await _existing(db, name)
            parents = await read_parents(db)
            below = {group.name: (group.name,)} | {
                child: effective_groups([child], parents)[group.name]
                for child in members_below(group.name, parents)
            }
            rows = await db.execute(
                select(Account.username, Group.name)
                .join(GroupMember, GroupMember.account_id == Account.id)
                .join(Group, Group.id == GroupMember.group_id)
                .where(Group.name.in_(below))
                .order_by(Account.username)
            )
            everybody: dict[str, Path] = {}
            people = []
            for username, direct in rows:
                if direct == group.name:
                    people.append(username)
                if username not in everybody or len(below[direct]) < len(everybody[username]):
                    everybody[username] = below[direct]
        nested = sorted(child for child, containing in parents.items() if group.name in containing)
        return GroupMembers(tuple(people), tuple(nested), everybody)

    async def add_person(self, name: str, username: str) -> None:
        """Makes a person a member. Does nothing if they are.

        Raises ConfigurationError when group or account do not exist, or when the directory decides.
        """
        async with self._store.begin() as db:
            group, account = await _existing_local(db, name), await existing_account(db, username)
            if await db.get(GroupMember, (group.id, account.id)) is None:
                db.add(GroupMember(group_id=group.id, account_id=account.id))
                await self._record(db, Action.GROUP_MEMBER_ADDED, group.name, account.username)
        await self._store.save_copy()

    async def remove_person(self, name: str, username: str) -> None:
        """Ends a membership.

        Raises ConfigurationError when there is none, or when the directory decides.
        """
        async with self._store.begin() as db:
            group, account = await _existing_local(db, name), await existing_account(db, username)
            member = await db.get(GroupMember, (group.id, account.id))
            if member is None:
                raise _not_contained(group.name, account.username)
            await db.delete(member)
            await self._record(db, Action.GROUP_MEMBER_REMOVED, group.name, account.username)
        await self._store.save_copy()

    async def add_group(self, parent: str, child: str) -> None:
        """Makes a group contain another one. Does nothing if it does.

        Raises ConfigurationError when one of them does not exist, when the containing group belongs to a
        directory, or when a group would contain itself.
        """
        async with self._store.begin() as db:
            outer, inner = await _existing_local(db, parent), await _existing(db, child)
            circle = cycle(outer.name, inner.name, await read_parents(db))
            if circle is not None:
                raise ConfigurationError(
                    f"The group {inner.name!r} would contain itself: {' in '.join(circle)}.",
                    hint=f"Take {circle[0]!r} out of {circle[1]!r} first, or choose another group."
                    if len(circle) > 2
                    else "Choose another group.",
                )
            if await db.get(GroupNesting, (outer.id, inner.id)) is None:
                db.add(GroupNesting(parent_id=outer.id, child_id=inner.id))
                await self._record(db, Action.GROUP_NESTED, outer.name, inner.name)
        await self._store.save_copy()

    async def remove_group(self, parent: str, child: str) -> None:
        """Takes a group out of another one. Raises ConfigurationError when that one does not contain it."""
        async with self._store.begin() as db:
            outer, inner = await _existing(db, parent), await _existing(db, child)
            nesting = await db.get(GroupNesting, (outer.id, inner.id))
            if nesting is None:
                raise _not_contained(outer.name, inner.name)
            await db.delete(nesting)
            await self._record(db, Action.GROUP_UNNESTED, outer.name, inner.name)
        await self._store.save_copy()

    async def of_person(self, username: str) -> dict[str, Path]:
        """Returns all groups that a person belongs to, with a shortest path to each."""
        name = username.lower()
        async with self._store.reading() as db:
            direct = (await read_direct_groups(db, [name])).get(name, frozenset())
            return effective_groups(direct, await read_parents(db))

    async def replace_directory_memberships(
        self, username: str, groups: Collection[str], *, provider: str = ""
    ) -> bool:
        """Replaces all memberships of a person in groups of the directory, or of a provider of OpenID Connect
        if `provider` names one, and creates groups that are new.

        A group of this name that belongs to another source keeps its members: the operator, the directory
        and each provider decide on their own groups alone. Returns whether anything changed; the caller then
        has the desktops of the person reviewed. Raises ConfigurationError when there is no account of this
        name.
        """
        wanted = {normalise_group_name(name) for name in groups}
        origin = GroupOrigin.PROVIDER if provider else GroupOrigin.DIRECTORY
        action = Action.PROVIDER_GROUPS_REPLACED if provider else Action.DIRECTORY_GROUPS_REPLACED
        async with self._store.begin() as db:
            account = await existing_account(db, username)
            known = {
                group.name: group for group in await db.scalars(select(Group).where(Group.name.in_(wanted)))
            }
            for name in sorted(wanted - known.keys()):
                known[name] = Group(name=name, origin=origin.value, source=provider, created_s=self._now_s())
                db.add(known[name])
            await db.flush()
            foreign = sorted(
                name
                for name, group in known.items()
                if (group.origin, group.source) != (origin.value, provider)
            )
            if foreign:
                log.warning(
                    "groups ignored: those of another source have their names",
                    groups=foreign,
                    source=provider or origin.value,
                )
            present = set(await _groups_of(db, account, origin, provider))
            due = {known[name].id for name in wanted - set(foreign)}
            await db.execute(
                delete(GroupMember).where(
                    GroupMember.account_id == account.id, GroupMember.group_id.in_(present - due)
                )
            )
            db.add_all(GroupMember(group_id=group, account_id=account.id) for group in sorted(due - present))
            if changed := present != due:
                await record_act(
                    db,
                    action,
                    f"account:{account.username}",
                    actor=self._actor,
                    at_s=self._now_s(),
                    reason=", ".join(sorted(wanted - set(foreign))),
                )
        if changed:
            await self._store.save_copy()
        return changed

    async def _record(self, db: AsyncSession, action: Action, group: str, reason: str | None = None) -> None:
        await record_act(db, action, f"group:{group}", actor=self._actor, at_s=self._now_s(), reason=reason)


async def _groups_of(db: AsyncSession, account: Account, origin: GroupOrigin, provider: str) -> Sequence[int]:
    """Returns the ids of the groups of one source that have this person as their member."""
    return (
        await db.scalars(
            select(Group.id)
            .join(GroupMember, GroupMember.group_id == Group.id)
            .where(
                GroupMember.account_id == account.id,
                Group.origin == origin.value,
                Group.source == provider,
            )
        )
    ).all()


async def _existing(db: AsyncSession, name: str) -> Group:
    group = await db.scalar(select(Group).where(Group.name == normalise_group_name(name)))
    if group is None:
        raise ConfigurationError(
            f"There is no group named {name!r}.",
            hint="To see the existing groups, run `lightbox groups list`; `lightbox groups add` adds one.",
        )
    return group


async def _existing_local(db: AsyncSession, name: str) -> Group:
    """Returns a group whose members the operator decides on. Raises ConfigurationError otherwise."""
    group = await _existing(db, name)
    if group.origin != GroupOrigin.LOCAL.value:
        decides = f"provider {group.source}" if group.origin == GroupOrigin.PROVIDER.value else "directory"
        raise ConfigurationError(
            f"The {decides} decides who belongs to the group {group.name!r}.",
            hint="Change the group there, or put it into a local group: "
            f"lightbox groups add-member LOCAL {group.name} --group",
        )
    return group


def _not_contained(group: str, member: str) -> ConfigurationError:
    return ConfigurationError(
        f"The group {group!r} does not contain {member!r} directly.",
        hint=f"To see what it contains, run `lightbox groups members {group}`.",
    )
