"""Tests how acceptance commands report values and exit, and that the registry names existing ones."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.acceptance.commands import MISSED, REACHED
from benchmarks.acceptance.repeated import NOT_MEASURED
from benchmarks.report.registry import registered_bars
from tests.acceptance.command import exit_with, report

ROOT = Path(__file__).parents[3]


def fail() -> int:
    raise RuntimeError("the browser did not start")


@pytest.mark.parametrize(
    ("bar", "value", "also", "code"),
    [
        ("badge-server-grab", 0.9996, True, REACHED),
        ("badge-server-grab", 1.2, True, MISSED),
        ("notice-supervisor-stopped", 2, False, MISSED),
        ("held-key-link-stall", 20, True, REACHED),
        ("held-key-link-stall", 19, True, MISSED),
    ],
)
def test_the_bound_of_the_registry_decides(
    capsys: pytest.CaptureFixture[str], bar: str, value: float, also: bool, code: int
) -> None:
    assert report(bar, value, also=also) == code
    assert capsys.readouterr().out == f"value: {value:.3f}\n"


@pytest.mark.parametrize(("main", "code"), [(lambda: MISSED, MISSED), (fail, NOT_MEASURED)])
def test_an_error_is_no_missed_bar(
    monkeypatch: pytest.MonkeyPatch, main: Callable[[], int], code: int
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        exit_with(main)
    assert ended.value.code == code


@pytest.mark.parametrize("issue", [13, 15])
def test_every_bar_of_the_issue_has_a_command_that_exists(issue: int) -> None:
    bars = [bar for bar in registered_bars() if bar.issue == issue]
    assert bars
    for bar in bars:
        assert bar.command is not None, bar.id
        module = shlex.split(bar.command)[2]
        if module == "pytest":
            continue
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), bar.id
