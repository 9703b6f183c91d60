"""People are listed in pages, and only within the scope of whoever looks."""

from __future__ import annotations

import pytest

from display_server.broker.accounts import Accounts
from display_server.broker.known_devices import KnownDevices
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.groups import Groups
from display_server.broker.people.listing import listed_person, page_of_people
from display_server.broker.people.role_assignments import RoleAssignments
from display_server.broker.roles import Assignment, Limits, Role
from display_server.broker.store import Store
from display_server.broker.web_sessions import WebSessions
from tests.fakes.gateway import PASSWORD, cheap_passwords

EVERYTHING = Limits(everything=True)


@pytest.fixture
async def accounts(store: Store) -> Accounts:
    accounts = Accounts(store, cheap_passwords())
    for name in ("kim", "lee", "park", "shin"):
        await accounts.add(name, PASSWORD, display_name=f"{name.title()} 간호사")
    groups = Groups(store)
    for name in ("ward", "wards"):
        await groups.add(name)
    await groups.add_person("ward", "lee")
    await groups.add_group("wards", "ward")
    return accounts


async def names(
    store: Store, search: str = "", *, limits: Limits = EVERYTHING, own: str = "", after: str | None = None
) -> list[str]:
    page = await page_of_people(store, search, after=after, limit=2, limits=limits, own=own)
    return [person.username for person in page.people]


async def test_pages_follow_each_other(store: Store, accounts: Accounts) -> None:
    first = await page_of_people(store, "", after=None, limit=2, limits=EVERYTHING, own="")
    assert ([one.username for one in first.people], first.more, first.total) == (["kim", "lee"], True, 4)
    second = await page_of_people(store, "", after="lee", limit=2, limits=EVERYTHING, own="")
    assert ([one.username for one in second.people], second.more) == (["park", "shin"], False)


async def test_finds_by_name_and_by_what_people_see(store: Store, accounts: Accounts) -> None:
    assert await names(store, "KI") == ["kim"]
    assert await names(store, "간호사", after="park") == ["shin"]
    assert await names(store, "%") == []


async def test_a_scope_reaches_through_groups(store: Store, accounts: Accounts) -> None:
    wards = Limits(groups=frozenset({"wards"}))
    assert await names(store, limits=wards, own="kim") == ["kim", "lee"]
    assert await names(store, limits=Limits(desktops=frozenset({"office"}))) == []
    assert await names(store, "shin", limits=wards) == []


async def test_describes_a_person(store: Store, accounts: Accounts) -> None:
    await RoleAssignments(store).give(Subject.GROUP, "wards", Assignment(Role.AUDITOR))
    account = await accounts.require("lee")
    await WebSessions(store).create(account)
    await KnownDevices(store, now_s=lambda: 5.0).record_sign_in(account, "")
    person = await listed_person(store, "LEE")
    assert person is not None
    assert person.standing.groups == {"ward", "wards"}
    assert person.standing.privileged
    assert (person.signed_in, person.second_factor, person.signed_in_s) == (True, False, 5.0)
    assert await listed_person(store, "nobody") is None
