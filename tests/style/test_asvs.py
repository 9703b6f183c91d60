"""docs/asvs.md answers every item of OWASP ASVS 5.0.0, levels 1 and 2, once, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "asvs.md"
STATES = ("done", "partly", "not yet", "n/a")
#: A row: an item or a range of items, the state, the answer, and a test.
ROW = re.compile(r"^\| (\d+\.\d+\.\d+)(?:–(\d+\.\d+\.\d+))? \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.M)
#: The items of levels 1 and 2 by section. The numbers that are missing are items of level 3.
# fmt: off
ITEMS = {
    "1.1": "1-2", "1.2": "1-9", "1.3": "1-11", "1.4": "1-3", "1.5": "1-2", "2.1": "1-3", "2.2": "1-3",
    "2.3": "1-4", "2.4": "1", "3.2": "1-2", "3.3": "1-4", "3.4": "1-6", "3.5": "1-5", "3.7": "1-2",
    "4.1": "1-3", "4.2": "1", "4.3": "1-2", "4.4": "1-4", "5.1": "1", "5.2": "1-3", "5.3": "1-2",
    "5.4": "1-3", "6.1": "1-3", "6.2": "1-12", "6.3": "1-4", "6.4": "1-4", "6.5": "1-5", "6.6": "1-3",
    "6.8": "1-4", "7.1": "1-3", "7.2": "1-4", "7.3": "1-2", "7.4": "1-5", "7.5": "1-2", "7.6": "1-2",
    "8.1": "1-2", "8.2": "1-3", "8.3": "1", "8.4": "1", "9.1": "1-3", "9.2": "1-4", "10.1": "1-2",
    "10.2": "1-2", "10.3": "1-4", "10.4": "1-11", "10.5": "1-5", "10.6": "1-2", "10.7": "1-3",
    "11.1": "1-2", "11.2": "1-3", "11.3": "1-3", "11.4": "1-4", "11.5": "1", "11.6": "1", "12.1": "1-3",
    "12.2": "1-2", "12.3": "1-4", "13.1": "1", "13.2": "1-5", "13.3": "1-2", "13.4": "1-5", "14.1": "1-2",
    "14.2": "1-4", "14.3": "1-3", "15.1": "1-3", "15.2": "1-3", "15.3": "1-7", "16.1": "1", "16.2": "1-5",
    "16.3": "1-4", "16.4": "1-3", "16.5": "1-3", "17.1": "1", "17.2": "1-4", "17.3": "1-2",
}
# fmt: on
Item = tuple[int, ...]


def standard() -> set[Item]:
    items = set()
    for section, ranges in ITEMS.items():
        for part in ranges.split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                items.add((*map(int, section.split(".")), number))
    return items


def as_item(text: str) -> Item:
    return tuple(int(part) for part in text.split("."))


def rows() -> list[tuple[list[Item], str, str, str]]:
    """Returns the items, the state, the answer and the test of each row."""
    known = standard()
    found = []
    for first, last, state, answer, test in ROW.findall(DOCUMENT.read_text()):
        items = [as_item(first)]
        if last:
            items = sorted(item for item in known if as_item(first) <= item <= as_item(last))
        found.append((items, state.strip(), answer.strip(), test.strip()))
    return found


def test_the_standard_has_253_items() -> None:
    assert len(standard()) == 253


def test_every_item_is_answered_once() -> None:
    answered = [item for items, *_ in rows() for item in items]
    assert len(answered) == len(set(answered))
    assert set(answered) == standard()


def test_every_row_has_a_state_and_an_answer() -> None:
    wrong = [items for items, state, answer, _ in rows() if state not in STATES or len(answer) < 4]
    assert wrong == []


def test_nothing_looks_like_a_row_and_is_none() -> None:
    lines = re.findall(r"^\| \d+\.\d+\.\d+.*$", DOCUMENT.read_text(), re.M)
    assert len(lines) == len(rows())


@pytest.mark.parametrize("name", sorted({test for *_, test in rows() if test}))
def test_the_named_tests_exist(name: str) -> None:
    path = name.strip("`")
    assert (ROOT / path).is_file() or (ROOT / "tests" / path).is_file()
