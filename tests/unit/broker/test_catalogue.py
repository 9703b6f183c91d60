"""How the list of desktops names and sorts its entries."""

from __future__ import annotations

from display_server.broker.catalogue import Catalogue, Listing, listings
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.store import Store


async def listed(store: Store, *definitions: DesktopDefinition) -> list[Listing]:
    catalogue = Catalogue(store)
    await catalogue.replace(definitions)
    return listings(await catalogue.list_allowed("kim"))


def definition(name: str, profile: str, title: str = "", attach: str | None = None) -> DesktopDefinition:
    return DesktopDefinition(name, title, profile, 800, 600, ("kim",), attach=attach)


async def test_a_desktop_has_the_name_of_its_profile_unless_the_operator_gave_one(store: Store) -> None:
    reading, own = await listed(
        store, definition("reading", "radiology"), definition("own", "office", "Front desk")
    )
    assert reading.titles == {"en": "Radiology", "ko": "영상의학"}
    assert own.titles == {"en": "Front desk", "ko": "Front desk"}


async def test_no_two_desktops_have_the_same_name(store: Store) -> None:
    first, second, other = await listed(
        store,
        definition("left", "radiology"),
        definition("right", "radiology"),
        definition("office", "office"),
    )
    assert first.titles == {"en": "Radiology (left)", "ko": "영상의학 (left)"}
    assert second.titles == {"en": "Radiology (right)", "ko": "영상의학 (right)"}
    assert other.titles["en"] == "Office"


async def test_the_display_check_is_a_tool_and_the_blank_profile_is_not_listed(store: Store) -> None:
    check, blank, attached = await listed(
        store,
        definition("check", "check"),
        definition("blank", "blank"),
        definition("attached", "blank", "Display :0", attach=":0"),
    )
    assert [check.kind, blank.kind, attached.kind] == ["tool", "unlisted", "desktop"]
