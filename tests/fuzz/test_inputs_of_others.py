"""Fuzzes whatever reads what others send, with fixed seeds: 10,000 inputs of each kind."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import campaign
from tests.fuzz.campaign import FuzzTarget, keep, kept_inputs, run_campaign
from tests.fuzz.kinds import KINDS, TARGETS, fuzz
from tests.fuzz.mutation import Mutator

INPUTS = 10_000
#: Smallest part of the inputs that targets must accept: otherwise only the first check is tested.
ACCEPTED_MIN = 0.01


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_input_causes_a_crash_or_a_leak(kind: str) -> None:
    reports = fuzz(kind, INPUTS, seed=1, note=lambda _: None)
    assert not [str(report) for report in reports if report.faults], [
        crash for report in reports for crash in report.crashes
    ]
    assert sum(report.inputs for report in reports) >= INPUTS
    assert sum(report.accepted for report in reports) >= ACCEPTED_MIN * INPUTS


async def test_an_exception_counts_and_is_reported_with_its_input() -> None:
    async def feed(data: bytes) -> bool:
        return bool(data.decode("ascii"))  # raises for all other bytes

    report = await run_campaign(FuzzTarget("careless", (b"abc", b"abcdef"), feed), 500, seed=1)
    assert report.crashes
    assert "UnicodeDecodeError" in report.crashes[0].error


async def test_what_is_kept_of_each_input_counts_as_a_leak() -> None:
    kept: list[list[bytes]] = []

    async def feed(data: bytes) -> bool:
        kept.append([data])
        return True

    report = await run_campaign(FuzzTarget("forgetful", (b"abc",), feed), 4000, seed=1)
    assert any("blocks" in leak for leak in report.leaks)


def test_what_found_a_fault_is_tried_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "KEPT", tmp_path / "kept")
    assert kept_inputs("viewer") == []
    keep("viewer", b"\0\xff")
    keep("viewer", b"\0\xff")
    assert kept_inputs("viewer") == [b"\0\xff"]
    assert kept_inputs("gateway") == []


def test_the_same_seed_gives_the_same_inputs() -> None:
    others = (b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n" + b'{"a": [1]}', b'{"type": "list"}')

    def inputs() -> list[bytes]:
        mutator = Mutator(random.Random(7), others)
        return [mutator.mutate(others[number % 2]) for number in range(200)]

    assert inputs() == inputs()
    assert len(set(inputs())) > 100


def test_every_kind_has_a_campaign() -> None:
    assert {*TARGETS, "decoder"} == set(KINDS) == {"wire", "http", "link", "spawner", "decoder"}
