"""What is known of an enrolled device, and which names and tags it may have. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from display_server.errors import ConfigurationError

#: The tags of a device, for rules such as those of policy. Those of an unknown device are empty.
DeviceTags = frozenset[str]
#: What a tag may be, for example `ward-3`, `diagnostic` or `kiosk`.
TAG = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
#: Largest number of tags of a device.
TAGS_MAX = 16
#: Longest name and place, characters.
NAME_MAX = 64
PLACE_MAX = 128


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """An enrolled device that is not revoked."""

    id: str
    name: str
    place: str
    tags: DeviceTags


def tags_of(device: DeviceFacts | None) -> DeviceTags:
    """Returns the tags of a request's device. An unknown device has none, wherever it was seen before."""
    return device.tags if device is not None else frozenset()


def checked_name(name: str) -> str:
    """Returns the name without spaces around it. Raises ConfigurationError when it is not allowed."""
    return _checked(name, NAME_MAX, "name", "ward-3-07")


def checked_place(place: str) -> str:
    """Returns the place without spaces around it. Raises ConfigurationError when it is not allowed."""
    return _checked(place, PLACE_MAX, "place", "Ward 3, nurses' station")


def checked_tags(tags: Iterable[str]) -> DeviceTags:
    """Returns the tags in lower case. Raises ConfigurationError when one of them is not allowed."""
    found = frozenset(tag.strip().lower() for tag in tags)
    for tag in sorted(found):
        if not TAG.fullmatch(tag):
            raise ConfigurationError(
                f"{tag!r} cannot be a tag of a device.",
                hint="Use 1 to 40 of the characters a-z 0-9 - and begin with a letter or digit.",
            )
    if len(found) > TAGS_MAX:
        raise ConfigurationError(
            f"A device has at most {TAGS_MAX} tags, not {len(found)}.", hint="Leave some of them out."
        )
    return found


def written_tags(tags: DeviceTags) -> str:
    """Returns the tags as they are stored."""
    return ",".join(sorted(tags))


def read_tags(stored: str) -> DeviceTags:
    """Returns the tags that `written_tags` has written."""
    return frozenset(tag for tag in stored.split(",") if tag)


def _checked(text: str, longest: int, what: str, example: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= longest or not text.isprintable():
        raise ConfigurationError(
            f"{text[:longest]!r} cannot be the {what} of a device.",
            hint=f"Use 1 to {longest} printable characters, for example {example!r}.",
        )
    return text
