"""Tests which bars `acceptance` measures, with which runs and commands, and what it reports."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from benchmarks import __main__ as command_line
from benchmarks.acceptance import accept
from benchmarks.acceptance.accept import bars_to_measure, exit_code, measure_bars, table
from benchmarks.acceptance.commands import judge_by_command
from benchmarks.acceptance.plan import PlannedRun, plan_parts, plan_runs, with_required
from benchmarks.cases.case import Effort
from benchmarks.links.link import Link
from benchmarks.report.bars import Bar, Verb, Verdict
from benchmarks.report.registry import registered_bars
from benchmarks.report.results import Results, Sample

DAY = datetime.date(2026, 11, 30)


def bench(name: str, case: str, **fields: object) -> Bar:
    row: dict[str, object] = {"id": name, "title": name, "registered": DAY, "verb": "bench", "case": case}
    return msgspec.convert(row | {"figure": "p50_ms", "at_most": 10} | fields, Bar)


def command(words: str, **fields: object) -> Bar:
    row: dict[str, object] = {"id": "c", "title": "c", "registered": DAY, "verb": "acceptance", "at_most": 0}
    return msgspec.convert(row | {"command": words} | fields, Bar)


def python(code: str) -> Bar:
    return command(f"{{python}} -c '{code}'")


def test_all_bars_but_those_of_make_test_are_measured_by_default() -> None:
    bars = bars_to_measure(registered_bars(), [])
    assert {bar.verb for bar in bars} == {Verb.ACCEPTANCE, Verb.BENCH}
    assert not [bar for bar in bars if bar.replaced_by]
    assert [bar.id for bar in bars_to_measure(registered_bars(), ["word-list"])] == ["word-list"]


def test_cases_are_run_with_their_peers_over_their_links() -> None:
    bars = [
        bench("a", "click", peer="novnc"),
        bench("b", "key", peer="novnc"),
        bench("c", "click", link="20"),
        bench("d", "idle"),
        bench("e", "micro", figure="dirty mask"),
    ]
    assert plan_runs(bars) == [
        PlannedRun("loopback", ("lightbox", "novnc"), ("click", "key")),
        PlannedRun("20", ("lightbox",), ("click",)),
        PlannedRun("loopback", ("lightbox",), ("idle",)),
    ]
    assert plan_parts(bars) == ["dirty-mask"]


def test_required_bars_are_measured_too() -> None:
    bars = [bench("a", "click", requires="b"), bench("b", "key")]
    assert [bar.id for bar in with_required(bars[:1], bars)] == ["a", "b"]


@pytest.mark.parametrize(("code", "passed"), [(0, True), (1, False)])
def test_the_exit_code_of_a_command_is_the_verdict(code: int, passed: bool) -> None:
    verdict = judge_by_command(python(f'print("value: 4.5"); raise SystemExit({code})'))
    assert (verdict.passed, verdict.value) == (passed, 4.5)


def test_any_other_exit_code_means_not_measured() -> None:
    verdict = judge_by_command(python("raise SystemExit(3)"))
    assert (verdict.passed, verdict.reason) == (None, "the command ended with 3")


def test_a_bar_without_a_command_a_program_or_a_file_is_not_measured() -> None:
    assert judge_by_command(command("no-such-program")).passed is None
    assert judge_by_command(msgspec.structs.replace(command(""), command=None)).reason == (
        "no command measures it yet"
    )
    verdict = judge_by_command(command("{python} -c pass", needs=["results/nothing.json"]))
    assert (verdict.passed, verdict.reason) == (None, "needs results/nothing.json")


def fake_run(value: float) -> object:
    def run(
        subjects: Sequence[str],
        cases: Sequence[str],
        links: Sequence[Link],
        rounds: int,
        effort: Effort,
        results: Results,
    ) -> None:
        for subject in subjects:
            for case in cases:
                results.samples.append(Sample(subject, case, 0, {"p50_ms": value}, link=links[0].name))

    return run


def test_bars_of_cases_are_judged_by_a_run_and_the_others_by_their_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accept, "run", fake_run(5.0))
    bars = [bench("a", "click"), command("{python} -c pass"), bench("b", "key", at_most=1)]
    results = Results(machine={}, started="2026-12-24T00:00:00")
    verdicts = measure_bars(bars, tuple(bars), 1, Effort(), results, named=False)
    assert [(v.bar.id, v.value, v.passed) for v in verdicts] == [
        ("a", 5.0, True),
        ("c", None, True),
        ("b", 5.0, False),
    ]
    assert exit_code(verdicts) == 1
    text = table(verdicts)
    assert "| a | ≤ 10 | 5 | reached |" in text
    assert "| b | ≤ 1 | 5 | MISSED |" in text
    assert "2 reached, 1 missed, 0 not measured." in text


def test_a_bar_of_another_machine_is_measured_only_by_name() -> None:
    bar = command("{python} -c pass", only_on="the slower machine")
    results = Results(machine={}, started="2026-12-24T00:00:00")
    (verdict,) = measure_bars([bar], (bar,), 1, Effort(), results, named=False)
    assert (verdict.passed, verdict.reason) == (None, "name it to measure it on the slower machine")
    (verdict,) = measure_bars([bar], (bar,), 1, Effort(), results, named=True)
    assert verdict.passed is True


def test_only_measured_and_reached_bars_make_it_pass() -> None:
    bar = bench("a", "click")
    assert exit_code([Verdict(bar, 1.0, True)]) == 0
    assert exit_code([Verdict(bar, 1.0, True), Verdict(bar, None, None, "not in this run")]) == 1
    assert "| a | ≤ 10 | – | not measured: not in this run |" in table(
        [Verdict(bar, None, None, "not in this run")]
    )


@pytest.mark.parametrize(
    ("code", "word", "status"), [(0, "reached", 0), (1, "MISSED", 1), (5, "not measured", 1)]
)
def test_the_command_prints_the_verdicts_and_exits_with_them(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    code: int,
    word: str,
    status: int,
) -> None:
    monkeypatch.setattr(command_line, "registered_bars", lambda: (python(f"raise SystemExit({code})"),))
    out = tmp_path / "acceptance.json"
    monkeypatch.setattr(sys, "argv", ["benchmarks", "acceptance", "c", "--json", str(out)])
    assert command_line.main() == status
    assert f"| {word}" in capsys.readouterr().out
    assert not out.exists(), "no benchmark was run"


def test_an_unknown_bar_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "acceptance", "nothing"])
    assert command_line.main() == 2
    assert "there is no bar 'nothing'" in capsys.readouterr().err
