"""Tests the registry of bars, its validation, and how a run judges bars."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec
import pytest

from benchmarks.links.link import parse_link
from benchmarks.micro.figure import Figure
from benchmarks.micro.parts import PARTS
from benchmarks.report.bars import MICRO, Bar, Comparison, Verb, active, judge
from benchmarks.report.registry import load_bars, registered_bars, select_bars
from benchmarks.report.results import Results, Sample
from benchmarks.run import CASES, SUBJECTS

REGISTERED = datetime.date(2026, 11, 24)
CLICK = Bar(
    id="click",
    title="click",
    registered=REGISTERED,
    verb=Verb.BENCH,
    case="click",
    figure="p50_ms",
    at_most=0.6,
    peer="novnc",
)
ROW = """
[[bar]]
id = "a"
title = "a bar"
registered = 2026-11-24
verb = "bench"
case = "click"
figure = "p50_ms"
at_most = 1
"""


def results(clicks: dict[str, list[float]], started: str = "2026-12-24T00:00:00") -> Results:
    found = Results(machine={"cores": 2, "cpu": "test"}, started=started)
    for subject, latencies in clicks.items():
        for turn in range(3):
            figures = {"p50_ms": sorted(latencies)[len(latencies) // 2]}
            found.samples.append(Sample(subject, "click", turn, figures, {"latency_ms": latencies}))
    return found


def load(tmp_path: Path, text: str) -> tuple[Bar, ...]:
    path = tmp_path / "bars.toml"
    path.write_text(text)
    return load_bars(path)


@pytest.mark.parametrize(("value_ms", "passed"), [(6.0, True), (8.0, False)])
def test_a_bar_is_a_ratio_to_the_peer_of_the_same_run(value_ms: float, passed: bool) -> None:
    verdict = judge(results({"lightbox": [value_ms] * 5, "novnc": [10.0] * 5}), registered_bars())[0]
    assert verdict.value == pytest.approx(value_ms / 10)
    assert verdict.passed is passed


def test_a_bar_without_its_peer_is_not_measured() -> None:
    verdict = judge(results({"lightbox": [6.0]}), registered_bars())[0]
    assert (verdict.value, verdict.passed) == (None, None)


def test_a_bar_may_be_about_a_link() -> None:
    found = results({"lightbox": [5.0], "novnc": [10.0]})
    for subject, value in (("lightbox", 40.0), ("novnc", 50.0)):
        found.samples.append(Sample(subject, "click", 0, {"p50_ms": value}, link="20+15ms"))
    bars = [msgspec.structs.replace(CLICK, link=link) for link in ("loopback", "20+15ms", "5")]
    verdicts = judge(found, bars)
    assert [(v.value, v.passed) for v in verdicts] == [(0.5, True), (0.8, False), (None, None)]


def test_a_bar_may_be_about_another_subject_and_a_difference() -> None:
    found = results({"lightbox": [5.0]})
    for subject, psnr_db in (("lightbox-economy-2", 33.0), ("selkies", 34.0)):
        found.samples.append(Sample(subject, "video30", 0, {"psnr_db": psnr_db}))
    bar = Bar(
        id="film",
        title="film",
        registered=REGISTERED,
        verb=Verb.BENCH,
        case="video30",
        figure="psnr_db",
        peer="selkies",
        at_least=0,
        subject="lightbox-economy-2",
    )
    difference = msgspec.structs.replace(bar, comparison=Comparison.DIFFERENCE)
    no_peer = msgspec.structs.replace(difference, peer="novnc")
    assert [(v.value, v.passed) for v in judge(found, (difference, no_peer))] == [
        (-1.0, False),
        (None, None),
    ]
    assert judge(found, [bar])[0].value == pytest.approx(33 / 34)


def test_a_bar_that_requires_another_is_not_reached_without_it() -> None:
    found = results({"lightbox": [5.0], "novnc": [10.0]})
    quality = msgspec.structs.replace(CLICK, id="quality", at_most=0.9, requires="click")
    assert [v.passed for v in judge(found, [quality, CLICK])] == [True, True]
    found.samples = [s for s in found.samples if s.subject == "novnc"]
    found.samples.append(Sample("lightbox", "click", 0, {"p50_ms": 8.0}))
    assert [v.passed for v in judge(found, [quality, CLICK])] == [False, False]
    other_figure = msgspec.structs.replace(CLICK, figure="p99_ms")
    verdict = judge(found, [quality, other_figure])[0]
    assert (verdict.value, verdict.passed, verdict.reason) == (None, None, "requires click")


def test_a_run_does_not_judge_bars_that_were_registered_after_it() -> None:
    early = results({"lightbox": [5.0], "novnc": [10.0]}, started="2026-11-23T23:59:59+0000")
    late = results({"lightbox": [5.0], "novnc": [10.0]}, started="2026-11-24T00:00:00+0000")
    assert judge(early, [CLICK])[0].passed is None
    assert judge(late, [CLICK])[0].passed is True


@pytest.mark.parametrize(("ratio", "passed"), [(1.8, True), (2.2, False)])
def test_a_single_part_may_have_a_bar(ratio: float, passed: bool) -> None:
    found = results({"lightbox": [5.0]})
    bar = Bar(
        id="mask",
        title="mask",
        registered=REGISTERED,
        verb=Verb.BENCH,
        case="micro",
        figure="dirty mask",
        at_most=2.0,
    )
    assert judge(found, [bar])[0].passed is None
    found.micro.append(Figure("dirty mask", "3840 × 2160 px", 2.3, "ms", ratio, "memcmp"))
    assert judge(found, [bar])[0].passed is passed


def test_every_active_bar_names_a_case_a_subject_and_a_link_that_a_run_can_measure() -> None:
    bars = active(registered_bars())
    assert len({bar.question for bar in bars}) == len(bars)
    for bar in bars:
        assert (bar.at_most is None) != (bar.at_least is None), bar.id
        if bar.case == MICRO:
            assert bar.figure is not None
            assert bar.figure.replace(" ", "-") in PARTS
        elif bar.case is not None:
            assert bar.case in CASES
            parse_link(bar.link)
        assert {bar.peer, bar.subject} - {None} <= set(SUBJECTS)


def test_replaced_bars_keep_their_rows_and_the_two_replaced_after_a_miss_are_registered_again() -> None:
    by_id = {bar.id: bar for bar in registered_bars()}
    assert by_id["film-shown"].replaced_by == "film-shown-steady"
    assert by_id["film-mbps-at-2"].replaced_by is not None
    for name, old in (("film-shown-from-start", "film-shown"), ("film-psnr-whole-pass", "film-psnr-at-2")):
        again = by_id[name]
        assert again.replaced_by is None
        assert (again.case, again.figure, again.at_most, again.at_least) == (
            by_id[old].case,
            by_id[old].figure,
            by_id[old].at_most,
            by_id[old].at_least,
        )


def test_the_bars_of_issue_12_are_registered() -> None:
    found = {bar.id: bar.bound for bar in registered_bars() if bar.issue == 12}
    expected = {
        "make-check-time": "≤ 60 s",
        "make-test-time": "≤ 600 s",
        "make-test-time-slow-machine": "≤ 900 s",
        "make-test-idle": "≥ 5 passes",
        "make-test-busy": "≥ 2 passes",
        "make-test-one-core": "≥ 1 pass",
        "class-size": "≤ 25 methods",
        "word-list": "≤ 0 findings",
        "compare-issue-12": "≤ 0 regressions",
    }
    assert found.items() >= expected.items()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("bar = 1", "must consist of"),
        ("[[bar]", "bars.toml: "),
        (ROW.replace('id = "a"\n', ""), "bar number 1: .*id"),
        (ROW + ROW, "bar a: the id is registered twice"),
        (ROW + "typo = 1", "bar a: .*typo"),
        (ROW.replace('"a"', '"A B"'), "bar A B: "),
        (ROW.replace("2026-11-24", '"soon"'), "bar a: .*registered"),
        (ROW.replace('"bench"', '"later"'), "bar a: .*later"),
        (ROW + "at_least = 1", "either at_most or at_least"),
        (ROW.replace("at_most = 1", ""), "either at_most or at_least"),
        (ROW.replace('figure = "p50_ms"', ""), "both case and figure"),
        (ROW.replace('"bench"', '"acceptance"'), 'the verb "bench"'),
        (ROW + 'command = "true"', "has a case and a command"),
        (ROW + 'needs = ["x"]', "there is no command"),
        (ROW + 'link = "fast"', "is no link"),
        (ROW + 'replaced_by = "b"', "replaced_by names 'b'"),
        (ROW + 'requires = "a"', "requires names 'a'"),
        (
            ROW + 'replaced_by = "b"\n' + ROW.replace('"a"', '"b"') + 'replaced_by = "a"',
            "leads back to the bar itself",
        ),
    ],
)
def test_an_invalid_registry_is_refused_with_the_bar_and_the_fault(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        load(tmp_path, text)


def test_a_missing_registry_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"bars\.toml"):
        load_bars(tmp_path / "bars.toml")


def test_bars_are_selected_by_id(tmp_path: Path) -> None:
    bars = load(tmp_path, ROW + 'replaced_by = "b"\n' + ROW.replace('"a"', '"b"'))
    assert [bar.id for bar in select_bars(bars, ["b", "b"])] == ["b"]
    with pytest.raises(ValueError, match="there is no bar 'c'"):
        select_bars(bars, ["c"])
    with pytest.raises(ValueError, match="'a' was replaced by 'b'"):
        select_bars(bars, ["a"])
    assert [bar.id for bar in active(bars)] == ["b"]
