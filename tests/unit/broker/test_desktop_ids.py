from __future__ import annotations

import pytest

from display_server.broker.desktop_ids import DesktopIdRanges
from display_server.broker.store import Store
from display_server.errors import DesktopError
from display_server.spawner.layout import IDS_PER_DESKTOP

BASE = 0x7000_0000


async def test_every_desktop_of_every_person_has_ids_of_its_own(store: Store) -> None:
    ranges = DesktopIdRanges(store, BASE, 100)
    first = [await ranges.first_id(name, desktop) for name in ("kim", "lee") for desktop in ("a", "b")]
    assert first == [BASE + number * IDS_PER_DESKTOP for number in range(4)]


async def test_the_ids_stay_the_same(store: Store) -> None:
    kim = await DesktopIdRanges(store, BASE, 100).first_id("kim", "office")
    lee = await DesktopIdRanges(store, BASE, 100).first_id("lee", "office")
    again = DesktopIdRanges(store, BASE, 100)
    assert await again.first_id("lee", "office") == lee
    assert await again.first_id("kim", "office") == kim


async def test_says_when_no_ids_are_left(store: Store) -> None:
    ranges = DesktopIdRanges(store, BASE, 2 * IDS_PER_DESKTOP)
    await ranges.first_id("kim", "office")
    await ranges.first_id("lee", "office")
    with pytest.raises(DesktopError, match=r"no user ids left.*isolation\.id_count"):
        await ranges.first_id("park", "office")
