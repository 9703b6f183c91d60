"""Names, places and tags of devices."""

from __future__ import annotations

import pytest

from display_server.broker.devices.device_facts import (
    TAGS_MAX,
    DeviceFacts,
    checked_name,
    checked_place,
    checked_tags,
    read_tags,
    tags_of,
    written_tags,
)
from display_server.errors import ConfigurationError


def test_tags_are_stored_and_read() -> None:
    tags = checked_tags([" Ward-3", "diagnostic", "ward-3"])
    assert tags == {"ward-3", "diagnostic"}
    assert read_tags(written_tags(tags)) == tags
    assert read_tags(written_tags(frozenset())) == frozenset()


@pytest.mark.parametrize("tag", ["", "ward 3", "ward,3", "-ward", "w" * 41, "병동"])
def test_refuses_other_tags(tag: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a tag"):
        checked_tags([tag])


def test_refuses_more_tags_than_a_row_holds() -> None:
    with pytest.raises(ConfigurationError, match="at most"):
        checked_tags(f"tag-{number}" for number in range(TAGS_MAX + 1))
    longest = written_tags(checked_tags("t" * 38 + f"{number:02}" for number in range(TAGS_MAX)))
    assert len(longest) <= 700


def test_names_and_places_are_printable() -> None:
    assert checked_name(" ward-3-07 ") == "ward-3-07"
    assert checked_place("3병동 간호사실") == "3병동 간호사실"
    for text in ("", "  ", "a\nb", "a\x1bb", "a" * 129):
        with pytest.raises(ConfigurationError, match="cannot be"):
            checked_name(text)
        with pytest.raises(ConfigurationError, match="cannot be"):
            checked_place(text)


def test_an_unknown_device_has_no_tags() -> None:
    assert tags_of(None) == frozenset()
    assert tags_of(DeviceFacts("1", "a", "b", frozenset({"kiosk"}))) == {"kiosk"}
