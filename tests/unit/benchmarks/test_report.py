"""Results, bars, comparison and what the report says about them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import cost_figures, shown_figures
from benchmarks.content.stage import Shown
from benchmarks.driver.browser import Quantiles, Seen, Watched
from benchmarks.driver.meter import Reading
from benchmarks.links.link import parse_link
from benchmarks.micro.figure import Figure
from benchmarks.report.bars import BARS, MICRO, Against, Bar, judge
from benchmarks.report.markdown import report
from benchmarks.report.results import Results, Sample, load, quantile
from benchmarks.run import CASES, SUBJECTS

NOTHING = Quantiles(0, None, None, None)


def results(clicks: dict[str, list[float]], foreign_cores: float = 0.0) -> Results:
    found = Results(machine={"cores": 2, "cpu": "test"}, started="2026-01-01T00:00:00")
    for subject, latencies in clicks.items():
        for turn in range(3):
            figures = {"p50_ms": sorted(latencies)[len(latencies) // 2], "foreign_cores": foreign_cores}
            found.samples.append(Sample(subject, "click", turn, figures, {"latency_ms": latencies}))
    return found


def test_results_survive_the_file(tmp_path: Path) -> None:
    found = results({"lightbox": [5.0, 6.0]})
    found.missing["novnc"] = "not there"
    found.micro.append(Figure("wire", "ack, read", 1.5, "µs each"))
    found.save(tmp_path / "new" / "results.json")
    assert load(tmp_path / "new" / "results.json") == found


@pytest.mark.parametrize("content", [b"", b"{}", b'{"machine": {}, "started": "", "format": 99}'])
def test_what_is_no_result_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.json"):
        load(tmp_path / "x.json")


def test_quantile_lies_between_neighbours() -> None:
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    assert quantile([7.0], 0.9) == 7.0


@pytest.mark.parametrize(("ours", "passed"), [(6.0, True), (8.0, False)])
def test_a_bar_is_a_ratio_to_the_peer_of_the_same_run(ours: float, passed: bool) -> None:
    verdict = judge(results({"lightbox": [ours] * 5, "novnc": [10.0] * 5}))[0]
    assert verdict.value == pytest.approx(ours / 10)
    assert verdict.passed is passed


def test_a_bar_without_its_peer_is_not_measured() -> None:
    verdict = judge(results({"lightbox": [6.0]}))[0]
    assert (verdict.value, verdict.passed) == (None, None)


def test_a_bar_may_be_about_a_link() -> None:
    found = results({"lightbox": [5.0], "novnc": [10.0]})
    for subject, value in (("lightbox", 40.0), ("novnc", 50.0)):
        found.samples.append(Sample(subject, "click", 0, {"p50_ms": value}, link="20+15ms"))
    near, far, nowhere = (
        Bar("p50", "click", "p50_ms", "novnc", most=0.6, link=link) for link in ("loopback", "20+15ms", "5")
    )
    verdicts = judge(found, bars=(near, far, nowhere))
    assert [(v.value, v.passed) for v in verdicts] == [(0.5, True), (0.8, False), (None, None)]


def test_a_bar_may_be_about_another_subject_and_a_difference() -> None:
    found = results({"lightbox": [5.0]})
    for subject, psnr_db in (("lightbox-economy-2", 33.0), ("selkies", 34.0)):
        found.samples.append(Sample(subject, "video30", 0, {"psnr_db": psnr_db}))
    bar = Bar("film", "video30", "psnr_db", "selkies", least=0, subject="lightbox-economy-2")
    difference = replace(bar, against=Against.DIFFERENCE)
    no_peer = replace(difference, peer="novnc")
    assert [(v.value, v.passed) for v in judge(found, bars=(difference, no_peer))] == [
        (-1.0, False),
        (None, None),
    ]
    assert judge(found, bars=[bar])[0].value == pytest.approx(33 / 34)


def test_every_bar_is_of_a_case_a_subject_and_a_link_that_a_run_can_measure() -> None:
    assert len({bar.title for bar in BARS}) == len(BARS)
    for bar in BARS:
        assert (bar.most is None) != (bar.least is None), bar.title
        if bar.case != MICRO:
            assert bar.case in CASES
            parse_link(bar.link)
        assert {bar.peer, bar.subject} - {None} <= set(SUBJECTS)


@pytest.mark.parametrize(("ratio", "passed"), [(1.8, True), (2.2, False)])
def test_a_part_alone_has_a_bar(ratio: float, passed: bool) -> None:
    found = results({"lightbox": [5.0]})
    bar = Bar("mask", "micro", "dirty mask", most=2.0)
    assert judge(found, bars=[bar])[0].passed is None
    found.micro.append(Figure("dirty mask", "3840 × 2160 px", 2.3, "ms", ratio, "memcmp"))
    assert judge(found, bars=[bar])[0].passed is passed


def test_the_report_says_what_is_missing_and_that_the_machine_was_busy() -> None:
    found = results({"lightbox": [5.0, 6.0]}, foreign_cores=0.8)
    found.missing["novnc"] = "apt install it"
    found.failed["lightbox idle in round 1"] = "gone"
    text = report(found)
    assert "**novnc is missing**: apt install it" in text
    assert "**lightbox idle in round 1 failed**: gone" in text
    assert "Provisional" in text
    assert "not measured" in text


def test_slices_are_counted_as_sent_shown_exact_and_wrong() -> None:
    drawn = [Shown(number, 1000.0 + number * 10) for number in range(4)]
    seen = [
        Seen(0, 1005.0, True, 1006.0, 1),
        Seen(1, 1015.0, False, None, 4),
        Seen(3, 1038.0, True, 1040.0, 2),
    ]
    watched = Watched(seen, [], 2, NOTHING, NOTHING, NOTHING, {})
    shown = shown_figures(drawn, watched)
    assert (shown["sent"], shown["shown"], shown["shown_share"], shown["delay_p50_ms"]) == (4, 3, 0.75, 5.0)
    exact = exactness_figures(drawn, watched, "stack")
    assert (exact["exact"], exact["checked"], exact["exact_at_first_sight"]) == (2, 3, 1)
    assert (exact["exact_at_rest"], exact["stop_to_exact_ms"]) == (1, 10.0)


def test_a_subject_that_costs_nothing_is_no_error() -> None:
    figures = cost_figures(Reading(5.0, 0, 0, {"gateway": 0.0, "x_server": 0.0}, 0.0), 5.0)
    assert figures["server_cores"] == 0.0
    assert "gateway_share" not in figures
