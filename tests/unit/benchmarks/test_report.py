"""Tests result files and the Markdown report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.cases.exactness import exactness_figures
from benchmarks.cases.play import cost_figures, shown_figures
from benchmarks.content.player import DrawnFrame
from benchmarks.driver.browser import Observation, Quantiles, SeenFrame
from benchmarks.driver.meter import Reading
from benchmarks.micro.figure import Figure
from benchmarks.report.markdown import report
from benchmarks.report.renamed import rename
from benchmarks.report.results import Results, Sample, load, quantile
from benchmarks.report.tree import Tree, parse_described

NOTHING = Quantiles(0, None, None, None)
PUBLISHED = Path(__file__).parents[3] / "benchmarks" / "results"


def results(clicks: dict[str, list[float]], foreign_cores: float = 0.0) -> Results:
    found = Results(machine={"cores": 2, "cpu": "test"}, started="2026-12-24T00:00:00")
    for subject, latencies in clicks.items():
        for turn in range(3):
            figures = {"p50_ms": sorted(latencies)[len(latencies) // 2], "foreign_cores": foreign_cores}
            found.samples.append(Sample(subject, "click", turn, figures, {"latency_ms": latencies}))
    return found


def test_results_survive_the_file(tmp_path: Path) -> None:
    found = results({"lightbox": [5.0, 6.0]})
    found.missing["novnc"] = "not there"
    found.micro.append(Figure("wire", "ack, read", 1.5, "µs each"))
    found.tree = Tree("abc1234", clean=True)
    found.save(tmp_path / "new" / "results.json")
    assert load(tmp_path / "new" / "results.json") == found


@pytest.mark.parametrize("content", [b"", b"{}", b'{"machine": {}, "started": "", "format": 99}'])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.json"):
        load(tmp_path / "x.json")


def test_names_of_version_1_are_translated(tmp_path: Path) -> None:
    figures = {"shown_share": 0.5, "keeper_mb": 30.0, "gap_p50_ms_2": 33.0, "novel_ms": 1.0}
    sample = {"subject": "lightbox", "case": "cold-open", "round": 1, "figures": figures}
    sample |= {"series": {"gap_ms_2": [33.0], "door_ms": [1.0]}, "link": "20"}
    facts = {"lightbox": {"commit": "abc1234+"}, "novnc": {"TLS": "no"}}
    old = {"machine": {}, "started": "2026-11-24", "samples": [sample], "facts": facts, "format": 1}
    (tmp_path / "old.json").write_text(json.dumps(old))
    found = load(tmp_path / "old.json")
    assert found.samples == [
        Sample(
            "lightbox",
            "open-cold",
            1,
            {"shown_fraction": 0.5, "supervisor_mb": 30.0, "frame_interval_p50_ms_2": 33.0, "novel_ms": 1.0},
            {"frame_interval_ms_2": [33.0], "gateway_ms": [1.0]},
            "20",
        )
    ]
    assert found.tree == Tree("abc1234", clean=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("keeper_ms_per_frame", "supervisor_ms_per_frame"),
        ("exact_share_3", "exact_fraction_3"),
        ("shown_per_s_wide_again", "shown_per_s_after_drop"),
        ("shown_per_s_1", "shown_per_s_1"),
        ("p50_ms", "p50_ms"),
    ],
)
def test_a_name_is_translated_also_for_one_role_or_monitor(old: str, new: str) -> None:
    assert rename(old) == new


@pytest.mark.parametrize("name", ["latest.json", "motion.json"])
def test_published_results_load_and_come_from_a_clean_commit(name: str) -> None:
    found = load(PUBLISHED / name)
    assert found.tree.clean
    names = {figure for sample in found.samples for figure in (*sample.figures, *sample.series)}
    assert not [name for name in names if rename(name) != name]


@pytest.mark.parametrize("tree", [Tree("abc1234", clean=True), Tree("abc1234", clean=False), Tree()])
def test_a_described_tree_reads_back(tree: Tree) -> None:
    assert parse_described(tree.described) == tree


def test_quantile_interpolates_between_neighbours() -> None:
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    assert quantile([7.0], 0.9) == 7.0


def test_rounds_of_a_figure_are_counted() -> None:
    found = results({"lightbox": [5.0]})
    found.samples[2].figures.pop("p50_ms")
    assert found.rounds("lightbox", "click", "p50_ms") == 2
    assert found.rounds("novnc", "click", "p50_ms") == 0


def test_the_report_lists_what_is_missing_and_warns_of_a_busy_machine() -> None:
    found = results({"lightbox": [5.0, 6.0]}, foreign_cores=0.8)
    found.missing["novnc"] = "apt install it"
    found.failed["lightbox idle in round 1"] = "gone"
    text = report(found)
    assert "**novnc is missing**: apt install it" in text
    assert "**lightbox idle in round 1 failed**: gone" in text
    assert "Provisional" in text
    assert "not measured" in text


def test_slices_are_counted_as_drawn_shown_exact_and_wrong() -> None:
    drawn = [DrawnFrame(number, 1000.0 + number * 10) for number in range(4)]
    seen = [
        SeenFrame(0, 1005.0, True, 1006.0, 1),
        SeenFrame(1, 1015.0, False, None, 4),
        SeenFrame(3, 1038.0, True, 1040.0, 2),
    ]
    observed = Observation(seen, [], 2, NOTHING, NOTHING, NOTHING, {})
    shown = shown_figures(drawn, observed)
    assert (shown["sent"], shown["shown"], shown["shown_fraction"], shown["delay_p50_ms"]) == (
        4,
        3,
        0.75,
        5.0,
    )
    exact = exactness_figures(drawn, observed, "stack")
    assert (exact["exact"], exact["checked"], exact["exact_on_first_read"]) == (2, 3, 1)
    assert (exact["exact_at_rest"], exact["stop_to_exact_ms"]) == (1, 10.0)


def test_a_subject_without_any_cost_is_no_error() -> None:
    figures = cost_figures(Reading(5.0, 0, 0, {"gateway": 0.0, "x_server": 0.0}, 0.0), 5.0)
    assert figures["server_cores"] == 0.0
    assert "gateway_cpu_ratio" not in figures
