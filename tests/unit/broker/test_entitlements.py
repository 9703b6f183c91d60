"""Entitlements in the store: those of the configuration and those of commands do not disturb each other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.access_paths import EntitlementOrigin, Grant, Lack, Subject
from display_server.broker.people.entitlements import Entitlements
from display_server.broker.people.groups import Groups
from display_server.broker.store import Store
from display_server.errors import ConfigurationError, PolicyError
from tests.fakes.gateway import PASSWORD, cheap_passwords

GIVEN = EntitlementOrigin.COMMAND


@pytest.fixture
async def accounts(store: Store) -> AsyncIterator[Accounts]:
    """The account kim."""
    passwords = cheap_passwords()
    accounts = Accounts(store, passwords)
    await accounts.add("kim", PASSWORD)
    yield accounts
    passwords.close()


@pytest.fixture
def entitlements(store: Store, accounts: Accounts) -> Entitlements:
    return Entitlements(store, operator="root", now_s=lambda: 1000.0)


def reading(*users: str, groups: tuple[str, ...] = ()) -> DesktopDefinition:
    return DesktopDefinition("reading", "", "radiology", 800, 600, users, groups)


async def grants(entitlements: Entitlements) -> list[tuple[str, str]]:
    return [(one.grant.name, one.grant.origin.value) for one in await entitlements.list_all()]


async def test_nobody_may_open_a_desktop_by_default(store: Store, entitlements: Entitlements) -> None:
    catalogue = Catalogue(store)
    await catalogue.replace([reading()])
    assert await catalogue.list_allowed("kim") == []
    assert not await catalogue.may_open("kim", "reading")
    with pytest.raises(PolicyError):
        await catalogue.find("kim", "reading")


async def test_a_command_entitles_at_once(store: Store, entitlements: Entitlements) -> None:
    catalogue = Catalogue(store)
    await catalogue.replace([reading()])
    await entitlements.add("reading", Subject.USER, "Kim")
    assert [desktop.name for desktop in await catalogue.list_allowed("kim")] == ["reading"]
    assert not await catalogue.may_open("lee", "reading")
    await entitlements.remove("reading", Subject.USER, "kim")
    assert not await catalogue.may_open("kim", "reading")


async def test_a_reload_replaces_those_of_the_configuration_and_keeps_those_of_commands(
    store: Store, entitlements: Entitlements
) -> None:
    catalogue = Catalogue(store)
    await catalogue.replace([reading("kim", "lee")])
    await entitlements.add("reading", Subject.USER, "kim")
    await entitlements.add("reading", Subject.USER, "kim")
    assert await grants(entitlements) == [
        ("kim", "configuration"),
        ("lee", "configuration"),
        ("kim", "command"),
    ]
    await catalogue.replace([reading("park")])
    assert sorted(await grants(entitlements)) == [("kim", "command"), ("park", "configuration")]
    await catalogue.replace([reading("kim", "kim")])
    await entitlements.remove("reading", Subject.USER, "kim")
    assert await grants(entitlements) == [("kim", "configuration")]
    with pytest.raises(ConfigurationError, match="The configuration entitles"):
        await entitlements.remove("reading", Subject.USER, "kim")
    with pytest.raises(ConfigurationError, match="No command"):
        await entitlements.remove("reading", Subject.USER, "lee")


async def test_an_entitlement_outlives_a_configuration_without_its_desktop(
    store: Store, entitlements: Entitlements
) -> None:
    catalogue = Catalogue(store)
    await catalogue.replace([reading()])
    await entitlements.add("reading", Subject.EVERYBODY, "")
    await catalogue.replace([])
    assert [one.configured for one in await entitlements.list_all()] == [False]
    assert not await catalogue.may_open("kim", "reading")
    await catalogue.replace([reading()])
    assert await catalogue.may_open("kim", "reading")


async def test_a_group_entitles_its_members_and_those_of_groups_in_it(
    store: Store, entitlements: Entitlements
) -> None:
    catalogue, groups = Catalogue(store), Groups(store)
    await catalogue.replace([reading(groups=("radiology",))])
    assert not await catalogue.may_open("kim", "reading")
    await groups.add("radiology")
    await groups.add("ward-3")
    await groups.add_person("ward-3", "kim")
    assert not await catalogue.may_open("kim", "reading")
    await groups.add_group("radiology", "ward-3")
    assert await catalogue.may_open("kim", "reading")
    found = await entitlements.why("kim", "reading")
    assert [path.groups for path in found.paths] == [("ward-3", "radiology")]
    await groups.remove_group("radiology", "ward-3")
    found = await entitlements.why("kim", "reading")
    assert (found.lacks, found.entitled_groups) == ((Lack.ENTITLEMENT,), ("radiology",))
    assert not await catalogue.may_open("kim", "reading")


async def test_a_deleted_group_or_account_leaves_no_entitlement_to_a_later_one(
    store: Store, entitlements: Entitlements, accounts: Accounts
) -> None:
    catalogue, groups = Catalogue(store), Groups(store)
    await catalogue.replace([reading()])
    await groups.add("ward-3")
    await entitlements.add("reading", Subject.GROUP, "Ward-3")
    await entitlements.add("reading", Subject.USER, "kim")
    await groups.delete("ward-3")
    await accounts.delete("kim")
    assert await entitlements.list_all() == []


async def test_misspelt_names_are_refused(store: Store, entitlements: Entitlements) -> None:
    await Catalogue(store).replace([reading()])
    for desktop, subject, name in (
        ("raeding", Subject.USER, "kim"),
        ("reading", Subject.GROUP, "none"),
        ("reading", Subject.USER, "k m"),
    ):
        with pytest.raises(ConfigurationError):
            await entitlements.add(desktop, subject, name)
    assert await entitlements.list_all() == []


async def test_an_account_may_follow_its_entitlement(store: Store, entitlements: Entitlements) -> None:
    await Catalogue(store).replace([reading()])
    assert await entitlements.add("reading", Subject.USER, "park") == Grant(Subject.USER, "park", GIVEN)
    assert (await entitlements.why("park", "reading")).lacks == (Lack.ACCOUNT,)
    assert (await entitlements.why("kim", "none")).lacks == (Lack.DESKTOP, Lack.ENTITLEMENT)
