"""How the list of desktops names and sorts its entries."""

from __future__ import annotations

from pathlib import Path

from display_server.broker.catalogue import Catalogue, Listing, listings
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.store import Store


async def listed(folder: Path, *definitions: DesktopDefinition) -> list[Listing]:
    store = await Store.open(folder / "lightbox.db")
    try:
        catalogue = Catalogue(store)
        await catalogue.replace(definitions)
        return listings(await catalogue.list_allowed("kim"))
    finally:
        await store.close()


def definition(name: str, profile: str, title: str = "", attach: str | None = None) -> DesktopDefinition:
    return DesktopDefinition(name, title, profile, 800, 600, ("kim",), attach=attach)


async def test_a_desktop_has_the_name_of_its_profile_unless_the_operator_gave_one(tmp_path: Path) -> None:
    reading, own = await listed(
        tmp_path, definition("reading", "radiology"), definition("own", "office", "Front desk")
    )
    assert reading.titles == {"en": "Radiology", "ko": "영상의학"}
    assert own.titles == {"en": "Front desk", "ko": "Front desk"}


async def test_no_two_desktops_have_the_same_name(tmp_path: Path) -> None:
    first, second, other = await listed(
        tmp_path,
        definition("left", "radiology"),
        definition("right", "radiology"),
        definition("office", "office"),
    )
    assert first.titles == {"en": "Radiology (left)", "ko": "영상의학 (left)"}
    assert second.titles == {"en": "Radiology (right)", "ko": "영상의학 (right)"}
    assert other.titles["en"] == "Office"


async def test_the_display_check_is_a_tool_and_the_blank_profile_is_not_listed(tmp_path: Path) -> None:
    check, blank, attached = await listed(
        tmp_path,
        definition("check", "check"),
        definition("blank", "blank"),
        definition("attached", "blank", "Display :0", attach=":0"),
    )
    assert [check.kind, blank.kind, attached.kind] == ["tool", "unlisted", "desktop"]
