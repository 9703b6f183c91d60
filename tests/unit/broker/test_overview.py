"""People as an operator looks at them."""

from __future__ import annotations

from display_server.broker.accounts import Accounts
from display_server.broker.catalogue import Catalogue
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.groups import Groups
from display_server.broker.people.overview import list_people, person_named
from display_server.broker.store import Store
from display_server.broker.web_sessions import WebSessions
from tests.fakes.gateway import PASSWORD, cheap_passwords


async def test_a_person_has_groups_desktops_and_browsers(store: Store) -> None:
    passwords = cheap_passwords()
    accounts, groups = Accounts(store, passwords), Groups(store)
    kim = await accounts.add("kim", PASSWORD, display_name="김 선생님")
    await accounts.add("lee", PASSWORD)
    await accounts.disable("lee")
    await groups.add("ward-3")
    await groups.add("staff")
    await groups.add_group("staff", "ward-3")
    await groups.add_person("ward-3", "kim")
    await WebSessions(store).create(kim)
    assert (await person_named(store, "kim")).groups == {"ward-3": ("ward-3",), "staff": ("ward-3", "staff")}
    await Catalogue(store).replace(
        [
            DesktopDefinition("office", "", "office", 800, 600, ("lee",)),
            DesktopDefinition("reading", "", "radiology", 800, 600, (), ("staff",)),
        ]
    )
    first, second = await list_people(store)
    assert (first.username, first.browsers, first.desktops) == ("kim", 1, ("reading",))
    assert (second.username, second.disabled, second.desktops) == ("lee", True, ("office",))
    assert [person.username for person in await list_people(store, "김")] == ["kim"]
    assert [person.username for person in await list_people(store, "LE")] == ["lee"]
    assert await list_people(store, "%") == []
    passwords.close()
