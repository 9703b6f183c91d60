"""Reads what pytest and Vitest report about the keyboard table. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from xml.etree import ElementTree


@dataclass(frozen=True, slots=True)
class Cells:
    """How many cells of the table were tested, and the names of the wrong ones."""

    tested: int
    wrong: tuple[str, ...]


def read_junit(text: str) -> Cells:
    """Reads pytest's JUnit report: each test is a cell.

    Raises ValueError if a test did not run to its end, which says nothing about its cell, or if none ran.
    """
    tests = list(ElementTree.fromstring(text).iter("testcase"))
    wrong = []
    for test in tests:
        name = test.get("name", "")
        if test.find("error") is not None or test.find("skipped") is not None:
            raise ValueError(f"{name} did not run to its end")
        if test.find("failure") is not None:
            wrong.append(name)
    return _cells(len(tests), wrong)


def read_vitest(text: str) -> Cells:
    """Reads Vitest's JSON report. Raises ValueError as `read_junit` does."""
    tests = [test for file in json.loads(text)["testResults"] for test in file["assertionResults"]]
    for test in tests:
        if test["status"] not in ("passed", "failed"):
            raise ValueError(f"{test['fullName']} did not run to its end")
    return _cells(len(tests), [test["fullName"] for test in tests if test["status"] == "failed"])


def _cells(tested: int, wrong: list[str]) -> Cells:
    if not tested:
        raise ValueError("no cell was tested")
    return Cells(tested, tuple(wrong))
