"""Groups in the store: local ones, those of a directory, and groups in groups."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from display_server.broker.accounts import Accounts
from display_server.broker.people.group_graph import GroupOrigin
from display_server.broker.people.groups import Groups, GroupSummary
from display_server.broker.store import Store
from display_server.errors import ConfigurationError
from tests.fakes.gateway import PASSWORD, cheap_passwords


@pytest.fixture
async def accounts(store: Store) -> AsyncIterator[Accounts]:
    """The accounts kim and lee."""
    passwords = cheap_passwords()
    accounts = Accounts(store, passwords)
    for username in ("kim", "lee"):
        await accounts.add(username, PASSWORD)
    yield accounts
    passwords.close()


@pytest.fixture
def groups(store: Store, accounts: Accounts) -> Groups:
    return Groups(store, operator="root", now_s=lambda: 1000.0)


async def test_groups_are_listed_with_what_they_contain(groups: Groups) -> None:
    await groups.add("Radiology")
    await groups.add("ward-3")
    await groups.add_person("ward-3", "kim")
    await groups.add_group("radiology", "ward-3")
    assert await groups.list_all() == [
        GroupSummary("radiology", GroupOrigin.LOCAL, 0, 1),
        GroupSummary("ward-3", GroupOrigin.LOCAL, 1, 0),
    ]
    assert await groups.of_person("Kim") == {"ward-3": ("ward-3",), "radiology": ("ward-3", "radiology")}
    members = await groups.members("radiology")
    assert (members.people, members.groups) == ((), ("ward-3",))
    assert members.everybody == {"kim": ("ward-3", "radiology")}


async def test_a_group_that_would_contain_itself_is_refused(groups: Groups) -> None:
    for name in ("one", "two", "three"):
        await groups.add(name)
    await groups.add_group("one", "two")
    await groups.add_group("two", "three")
    with pytest.raises(ConfigurationError, match="one' would contain itself: one in three in two in one"):
        await groups.add_group("three", "one")
    with pytest.raises(ConfigurationError, match="would contain itself"):
        await groups.add_group("one", "one")
    await groups.remove_group("one", "two")
    await groups.add_group("three", "one")
    assert (await groups.members("three")).groups == ("one",)


async def test_what_does_not_exist_is_named(groups: Groups) -> None:
    await groups.add("one")
    for attempt in (
        groups.add_person("none", "kim"),
        groups.add_person("one", "nobody"),
        groups.add_group("one", "none"),
        groups.remove_person("one", "kim"),
        groups.remove_group("one", "one"),
        groups.delete("none"),
        groups.add("ONE"),
    ):
        with pytest.raises(ConfigurationError):
            await attempt


async def test_a_membership_that_exists_is_not_doubled(groups: Groups) -> None:
    await groups.add("one")
    await groups.add("two")
    for _ in range(2):
        await groups.add_person("one", "kim")
        await groups.add_group("one", "two")
    assert (await groups.list_all())[0] == GroupSummary("one", GroupOrigin.LOCAL, 1, 1)
    await groups.remove_person("one", "kim")
    assert await groups.of_person("kim") == {}


async def test_the_directory_replaces_only_its_own_memberships(groups: Groups) -> None:
    await groups.add("local")
    await groups.add_person("local", "kim")
    assert await groups.replace_directory_memberships("kim", ["Nurses", "Ward 3"])
    assert set(await groups.of_person("kim")) == {"local", "nurses", "ward 3"}
    assert not await groups.replace_directory_memberships("kim", ["ward 3", "nurses"]), "nothing changed"
    assert await groups.replace_directory_memberships("kim", ["ward 3"])
    assert set(await groups.of_person("kim")) == {"local", "ward 3"}
    assert await groups.replace_directory_memberships("lee", ["ward 3"])
    assert await groups.replace_directory_memberships("kim", [])
    assert set(await groups.of_person("kim")) == {"local"}
    assert set(await groups.of_person("lee")) == {"ward 3"}
    with pytest.raises(ConfigurationError, match="no account"):
        await groups.replace_directory_memberships("nobody", ["ward 3"])


async def test_a_directory_adds_nobody_to_a_local_group_of_the_same_name(groups: Groups) -> None:
    await groups.add("admins")
    await groups.add_person("admins", "lee")
    assert not await groups.replace_directory_memberships("kim", ["Admins"])
    assert await groups.of_person("kim") == {}
    assert not await groups.replace_directory_memberships("lee", [])
    assert set(await groups.of_person("lee")) == {"admins"}


async def test_the_members_of_a_directory_group_cannot_be_changed_here(groups: Groups) -> None:
    await groups.replace_directory_memberships("kim", ["nurses"])
    await groups.add("staff")
    with pytest.raises(ConfigurationError, match="directory decides"):
        await groups.add_person("nurses", "lee")
    with pytest.raises(ConfigurationError, match="directory decides"):
        await groups.remove_person("nurses", "kim")
    with pytest.raises(ConfigurationError, match="directory decides"):
        await groups.add_group("nurses", "staff")
    await groups.add_group("staff", "nurses")
    assert set(await groups.of_person("kim")) == {"nurses", "staff"}


async def test_a_new_account_does_not_inherit_the_groups_of_a_deleted_one(
    groups: Groups, accounts: Accounts
) -> None:
    await groups.add("one")
    await groups.add_person("one", "kim")
    await accounts.delete("kim")
    assert (await groups.list_all())[0].people == 0
    await accounts.add("kim", PASSWORD)
    assert await groups.of_person("kim") == {}


async def test_deleting_a_group_ends_its_memberships_and_nestings(groups: Groups) -> None:
    for name in ("one", "two", "three"):
        await groups.add(name)
    await groups.add_group("one", "two")
    await groups.add_group("two", "three")
    await groups.add_person("three", "kim")
    await groups.delete("two")
    assert set(await groups.of_person("kim")) == {"three"}
    await groups.add("two")
    assert set(await groups.of_person("kim")) == {"three"}


async def test_each_provider_decides_on_its_own_groups_alone(groups: Groups) -> None:
    await groups.add("admins")
    await groups.replace_directory_memberships("lee", ["nurses"])
    assert await groups.replace_directory_memberships("kim", ["a", "b"], provider="one")
    wanted = ["a", "c", "admins", "nurses"]
    assert await groups.replace_directory_memberships("kim", wanted, provider="two"), "c is new"
    assert set(await groups.of_person("kim")) == {"a", "b", "c"}
    assert await groups.replace_directory_memberships("kim", [], provider="two")
    assert not await groups.replace_directory_memberships("kim", []), "the directory has none of its own"
    assert set(await groups.of_person("kim")) == {"a", "b"}
    assert set(await groups.of_person("lee")) == {"nurses"}
    with pytest.raises(ConfigurationError, match="provider one decides"):
        await groups.add_person("a", "lee")
