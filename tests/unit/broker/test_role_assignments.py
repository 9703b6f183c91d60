"""Roles in the store: given to people and groups, for everything or within a scope."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.groups import Groups
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Role, ScopeKind
from display_server.broker.store import Store
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords

WARD = Assignment(Role.HELPDESK, ScopeKind.GROUP, "ward-3")


@pytest.fixture
async def accounts(store: Store) -> AsyncIterator[Accounts]:
    """The account kim, the groups ward-3 and helpers, and the desktop reading."""
    passwords = cheap_passwords()
    accounts = Accounts(store, passwords)
    await accounts.add("kim", PASSWORD)
    groups = Groups(store)
    await groups.add("ward-3")
    await groups.add("helpers")
    await Catalogue(store).replace([DesktopDefinition("reading", "", "radiology", 800, 600, ())])
    yield accounts
    passwords.close()


@pytest.fixture
def roles(store: Store, accounts: Accounts) -> RoleAssignments:
    return RoleAssignments(store, operator="root", now_s=lambda: 1000.0)


async def test_a_person_has_the_roles_of_their_groups(roles: RoleAssignments, store: Store) -> None:
    await roles.give(Subject.GROUP, "Helpers", Assignment(Role.HELPDESK, ScopeKind.GROUP, "Ward-3"))
    await roles.give(Subject.USER, "Kim", Assignment(Role.AUDITOR))
    await roles.give(Subject.USER, "kim", Assignment(Role.AUDITOR))
    assert await roles.of_person("kim") == [Assignment(Role.AUDITOR)]
    await Groups(store).add_person("helpers", "kim")
    assert await roles.of_person("kim") == [WARD, Assignment(Role.AUDITOR)]
    assert [(one.name, one.assignment) for one in await roles.list_all()] == [
        ("helpers", WARD),
        ("kim", Assignment(Role.AUDITOR)),
    ]
    await roles.take(Subject.GROUP, "helpers", WARD)
    assert await roles.of_person("kim") == [Assignment(Role.AUDITOR)]
    with pytest.raises(ConfigurationError, match="does not have this role"):
        await roles.take(Subject.USER, "kim", WARD)


@pytest.mark.parametrize(
    ("subject", "name", "assignment"),
    [
        (Subject.USER, "nobody", Assignment(Role.AUDITOR)),
        (Subject.GROUP, "none", Assignment(Role.AUDITOR)),
        (Subject.USER, "kim", Assignment(Role.USER)),
        (Subject.USER, "kim", Assignment(Role.AUDITOR, ScopeKind.GROUP, "ward-3")),
        (Subject.USER, "kim", Assignment(Role.ADMINISTRATOR, ScopeKind.DESKTOP, "reading")),
        (Subject.USER, "kim", Assignment(Role.HELPDESK, ScopeKind.GROUP, "none")),
        (Subject.USER, "kim", Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "none")),
    ],
)
async def test_what_makes_no_sense_is_refused(
    roles: RoleAssignments, subject: Subject, name: str, assignment: Assignment
) -> None:
    with pytest.raises(ConfigurationError):
        await roles.give(subject, name, assignment)
    assert await roles.list_all() == []


async def test_a_deleted_account_or_group_leaves_no_role_to_a_later_one(
    roles: RoleAssignments, store: Store, accounts: Accounts
) -> None:
    await roles.give(Subject.USER, "kim", Assignment(Role.ADMINISTRATOR))
    await roles.give(Subject.USER, "kim", Assignment(Role.HELPDESK, ScopeKind.DESKTOP, "reading"))
    await roles.give(Subject.GROUP, "helpers", WARD)
    groups = Groups(store)
    await groups.delete("ward-3")
    await roles.give(Subject.GROUP, "helpers", Assignment(Role.AUDITOR))
    await groups.delete("helpers")
    await accounts.delete("kim")
    assert await roles.list_all() == []
