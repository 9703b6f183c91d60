"""Finds the line of a TOML file that a key is on, so that an error can name it. Pure.

It knows the forms that profiles use: tables, arrays of tables, and keys at the beginning of a line. For a key
inside of a value, the line where the value begins is returned.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\"-]+)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_-]+|\"[^\"]*\")\s*[=.]")
#: The end of a message of msgspec, as ` - at `$.programs[0].command``.
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")

#: Keys, and the numbers of items of lists.
Place = tuple[str | int, ...]


def line_of(text: str, place: Place) -> int | None:
    """Returns the number of the line, from 1, where `place` or the nearest part around it begins."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            name = header[2].replace('"', "")
            table = tuple(name.split("."))
            if header[1] == "[[":
                counts[name] = counts.get(name, -1) + 1
                table = (*table, counts[name])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1].strip('"')), number)
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return None


def place_in(message: str) -> tuple[str, Place]:
    """Returns a message of msgspec without the place that it ends with, and that place."""
    found = _PATH.search(message)
    path = found["path"] if found else ""
    place: Place = tuple(step[1] or int(step[2]) for step in _STEP.finditer(path))
    plain = message[: found.start()] if found else message
    if unknown := _UNKNOWN.search(plain):
        place = (*place, unknown[1])
    return plain, place
