"""The roles in the store: who is helpdesk, administrator or auditor, and for what."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from display_server.broker.accounts import existing_account, normalise_username
from display_server.broker.audit.actor import SERVER, Actor, operator_actor
from display_server.broker.audit.entry import Action
from display_server.broker.people.access_facts import read_direct_groups, read_parents
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.acts import record_act
from display_server.broker.people.group_graph import effective_groups, normalise_group_name
from display_server.broker.roles import SCOPED, Assignment, Role, ScopeKind
from display_server.broker.store import Store
from display_server.broker.tables import Desktop, Group, RoleAssignment
from display_server.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ListedRole:
    """An assignment in the list, with the person or group that has it."""

    subject: Subject
    name: str
    assignment: Assignment
    id: int = 0  # of the row; 0 if it is not known


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides on the rights of a person, and on the rights of others over them."""

    groups: frozenset[str] = frozenset()  # all that the person belongs to
    roles: tuple[Assignment, ...] = ()

    @property
    def privileged(self) -> bool:
        """Whether the person is an administrator or an auditor."""
        return any(one.role in {Role.ADMINISTRATOR, Role.AUDITOR} for one in self.roles)


class RoleAssignments:
    """The assignments in the store.

    `operator` is the Unix user on whose behalf they are changed, unless an `actor` is given. `now_s` returns
    wall-clock time, in seconds since the epoch.
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

    async def list_all(self) -> list[ListedRole]:
        """Returns all assignments, by person or group."""
        query = select(RoleAssignment).order_by(
            RoleAssignment.subject, RoleAssignment.name, RoleAssignment.id
        )
        async with self._store.reading() as db:
            rows = (await db.scalars(query)).all()
        return [_listed(row) for row in rows]

    async def by_id(self, row_id: int) -> ListedRole | None:
        async with self._store.reading() as db:
            row = await db.get(RoleAssignment, row_id)
        return None if row is None else _listed(row)

    async def give(self, subject: Subject, name: str, assignment: Assignment) -> ListedRole:
        """Gives a role to a person or to the members of a group. Does nothing if they have it.

        Raises ConfigurationError when person, group or scope do not exist, or when the role has no scope.
        """
        async with self._store.begin() as db:
            listed = ListedRole(subject, name, await _checked(db, assignment))
            if subject is Subject.USER:
                listed = ListedRole(subject, (await existing_account(db, name)).username, listed.assignment)
            else:
                listed = ListedRole(subject, await _existing_group(db, name), listed.assignment)
            if (row := await _find(db, listed)) is None:
                given = listed.assignment
                row = RoleAssignment(
                    subject=subject.value,
                    name=listed.name,
                    role=given.role.value,
                    scope=given.kind.value,
                    scope_name=given.name,
                )
                db.add(row)
                await db.flush()
                await self._record(db, Action.ROLE_GIVEN, listed)
        await self._store.save_copy()
        return _listed(row)

    async def take(self, subject: Subject, name: str, assignment: Assignment) -> ListedRole:
        """Takes a role away. Raises ConfigurationError when the person or group does not have it."""
        normalise = normalise_username if subject is Subject.USER else normalise_group_name
        listed = ListedRole(subject, normalise(name), _normal(assignment))
        async with self._store.begin() as db:
            row = await _find(db, listed)
            if row is None:
                raise ConfigurationError(
                    f"The {subject.value} {listed.name!r} does not have this role with this scope.",
                    hint="To see all assignments, run `lightbox roles list`.",
                )
            await db.delete(row)
            await db.flush()
            await self._record(db, Action.ROLE_TAKEN, listed)
        await self._store.save_copy()
        return listed

    async def of_person(self, username: str) -> list[Assignment]:
        """Returns the roles of a person, also those of the groups that they belong to."""
        name = username.lower()
        async with self._store.reading() as db:
            return list((await read_standings(db, [name]))[name].roles)

    async def _record(self, db: AsyncSession, action: Action, listed: ListedRole) -> None:
        given = listed.assignment
        scope = "" if given.kind is ScopeKind.EVERYTHING else f" for {given.kind.value} {given.name}"
        await record_act(
            db,
            action,
            f"{'account' if listed.subject is Subject.USER else 'group'}:{listed.name}",
            actor=self._actor,
            at_s=self._now_s(),
            reason=f"{given.role.value}{scope}",
        )


async def read_standings(db: AsyncSession, usernames: Collection[str]) -> dict[str, Standing]:
    """Returns the groups and roles of these people, in as many statements for one as for all."""
    direct, parents = await read_direct_groups(db, usernames), await read_parents(db)
    rows = (await db.scalars(select(RoleAssignment).order_by(RoleAssignment.id))).all()
    by_subject: dict[tuple[str, str], list[RoleAssignment]] = {}
    for row in rows:
        by_subject.setdefault((row.subject, row.name), []).append(row)
    standings = {}
    for username in usernames:
        groups = effective_groups(direct.get(username, ()), parents)
        keys = [(Subject.USER.value, username), *((Subject.GROUP.value, name) for name in groups)]
        given = sorted((row for key in keys for row in by_subject.get(key, ())), key=lambda row: row.id)
        standings[username] = Standing(frozenset(groups), tuple(dict.fromkeys(map(_assignment_of, given))))
    return standings


def _listed(row: RoleAssignment) -> ListedRole:
    return ListedRole(Subject(row.subject), row.name, _assignment_of(row), row.id)


def _assignment_of(row: RoleAssignment) -> Assignment:
    return Assignment(Role(row.role), ScopeKind(row.scope), row.scope_name)


def _normal(assignment: Assignment) -> Assignment:
    if assignment.kind is ScopeKind.GROUP:
        return Assignment(assignment.role, assignment.kind, normalise_group_name(assignment.name))
    return assignment


async def _checked(db: AsyncSession, assignment: Assignment) -> Assignment:
    """Returns the assignment with its names as they are stored. Raises ConfigurationError."""
    if assignment.role is Role.USER:
        raise ConfigurationError(
            "Everybody who has an account has the role user.",
            hint="Give one of these: helpdesk, administrator, auditor.",
        )
    if assignment.kind is not ScopeKind.EVERYTHING and assignment.role not in SCOPED:
        raise ConfigurationError(
            f"The role {assignment.role.value} concerns the whole system and has no scope.",
            hint="Give the role helpdesk for a group or a desktop, or leave the scope out.",
        )
    if assignment.kind is ScopeKind.GROUP:
        return Assignment(assignment.role, assignment.kind, await _existing_group(db, assignment.name))
    if assignment.kind is ScopeKind.DESKTOP:
        known = await db.scalar(select(Desktop.id).where(Desktop.name == assignment.name))
        if known is None:
            raise ConfigurationError(
                f"There is no desktop named {assignment.name!r}.",
                hint="The configuration names the desktops; see `lightbox entitlements list`.",
            )
    return assignment


async def _existing_group(db: AsyncSession, name: str) -> str:
    normal = normalise_group_name(name)
    if await db.scalar(select(Group.id).where(Group.name == normal)) is None:
        raise ConfigurationError(
            f"There is no group named {name!r}.",
            hint="To see the existing groups, run `lightbox groups list`.",
        )
    return normal


async def _find(db: AsyncSession, listed: ListedRole) -> RoleAssignment | None:
    return await db.scalar(
        select(RoleAssignment).where(
            RoleAssignment.subject == listed.subject.value,
            RoleAssignment.name == listed.name,
            RoleAssignment.role == listed.assignment.role.value,
            RoleAssignment.scope == listed.assignment.kind.value,
            RoleAssignment.scope_name == listed.assignment.name,
        )
    )
