"""Display checks: the criteria for passing, and their storage."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from display_server.broker.display_checks import CheckResult, DisplayChecks, as_dict
from display_server.broker.store import Store

DEVICE = {
    "name": "Chrome · Windows",
    "screen_width": 2560,
    "screen_height": 1440,
    "ratio": 1.0,
    "colour_depth": 24,
    "gamut": "srgb",
    "high_dynamic_range": False,
}


def result(**changes: Any) -> CheckResult:
    patterns = [{"pattern": "smpte", "state": "exact", "answers": [True, True]}]
    trials = [
        {"base": base, "difference": difference, "place": 2, "answer": 2, "state": "exact"}
        for base in (10, 128, 250)
        for difference in (-8, 4, 2)
    ]
    plain = {
        "desktop": "check",
        "width": 1920,
        "height": 1080,
        "device": DEVICE,
        "patterns": patterns,
        "trials": trials,
    }
    return msgspec.convert(plain | changes, CheckResult)


def trial(base: int, difference: int, answer: int | None = 0, state: str = "exact") -> dict[str, Any]:
    return {"base": base, "difference": difference, "place": 0, "answer": answer, "state": state}


def test_thresholds_are_the_smallest_differences_found() -> None:
    assert result().thresholds() == [2, 2, 2]
    trials = [trial(5, 8), trial(5, 4), trial(5, 2, 1), trial(5, 1, None), trial(128, -3)]
    assert result(trials=trials).thresholds() == [4, 3, None]


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"patterns": [{"pattern": "smpte", "state": "scaled", "answers": [True]}]}, False),
        ({"patterns": [{"pattern": "smpte", "state": "exact", "answers": [True, False]}]}, False),
        ({"trials": [trial(5, 6), trial(128, 4), trial(250, 4)]}, True),
        ({"trials": [trial(5, 7), trial(128, 4), trial(250, 4)]}, False),
        ({"trials": [trial(5, 6), trial(128, 4), trial(250, 5)]}, False),
        ({"trials": [trial(5, 6), trial(128, 4)]}, False),
        ({"trials": [trial(5, 6), trial(128, 4), trial(250, 4, state="unverified")]}, False),
    ],
)
def test_passes_when_everything_was_exact_and_visible(changes: dict[str, Any], passed: bool) -> None:
    assert result(**changes).passed is passed


async def test_lists_results_with_the_newest_first(store: Store) -> None:
    now = iter((1.0, 2.0, 3.0))
    checks = DisplayChecks(store, now_s=lambda: next(now))
    for username in ("kim", "lee", "kim"):
        await checks.add(username, result())
    assert [stored.checked_s for stored in await checks.list_newest("kim")] == [3.0, 1.0]
    everybody = await checks.list_newest()
    assert [stored.username for stored in everybody] == ["kim", "lee", "kim"]
    plain = as_dict(everybody[0])
    assert (plain["username"], plain["passed"], plain["thresholds"]) == ("kim", True, [2, 2, 2])
    assert plain["device"] == DEVICE
    assert [stored.checked_s for stored in await checks.list_newest(limit=1)] == [3.0]
