"""Tests how the reports of pytest and Vitest are read."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.acceptance.keyboard_results import Cells, read_junit, read_vitest


def junit(inside: str) -> str:
    return f'<testsuites><testsuite><testcase name="a"/>{inside}</testsuite></testsuites>'


def vitest(*statuses: str) -> str:
    tests = [{"fullName": f"cell {number}", "status": status} for number, status in enumerate(statuses)]
    return json.dumps({"testResults": [{"assertionResults": tests}]})


def test_failed_tests_are_wrong_cells() -> None:
    assert read_junit(junit('<testcase name="b"><failure/></testcase>')) == Cells(2, ("b",))
    assert read_vitest(vitest("passed", "failed")) == Cells(2, ("cell 1",))


@pytest.mark.parametrize(
    ("read", "text", "fault"),
    [
        (read_junit, junit('<testcase name="b"><error/></testcase>'), "b did not run"),
        (read_junit, junit('<testcase name="b"><skipped/></testcase>'), "b did not run"),
        (read_junit, "<testsuites/>", "no cell was tested"),
        (read_vitest, vitest("passed", "skipped"), "cell 1 did not run"),
        (read_vitest, vitest(), "no cell was tested"),
    ],
)
def test_cells_that_were_not_tested_are_an_error(read: Callable[[str], Cells], text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read(text)
