"""The page, its charts and the README's block: what a run found is in them, and nothing else is fetched."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks.report.charts import Part, bars, distribution, lines, ticks
from benchmarks.report.page import page
from benchmarks.report.results import Results, Sample, load
from benchmarks.report.summary import BEGIN, END, put_into, summary

ROOT = Path(__file__).parents[3]


def results() -> Results:
    found = Results(
        machine={"cores": 2, "cpu": "a <fast> one", "chromium": "1"}, started="2026-01-01T00:00:00"
    )
    for subject, shown, exact in (("lightbox", 1.0, 1.0), ("peer", 0.5, 0.0)):
        figures = {"shown_share": shown, "exact_share": exact, "down_mbps": 7.0, "foreign_cores": 0.0}
        series = {"gap_ms": [16.0, 17.0, 33.0]}
        for link in ("loopback", "20"):
            found.samples.append(Sample(subject, "stack60", 0, figures, series, link))
        found.samples.append(Sample(subject, "click", 0, {"p50_ms": 5.0}, {"latency_ms": [4.0, 5.0, 9.0]}))
    found.missing["absent"] = "apt install <absent>"
    return found


@pytest.mark.parametrize(("most", "last"), [(0.0, 1.0), (0.04, 0.04), (1.0, 1.0), (7.0, 8.0), (97.0, 100.0)])
def test_ticks_are_round_and_reach_the_end(most: float, last: float) -> None:
    marks = ticks(most)
    assert marks[0] == 0
    assert marks[-1] == pytest.approx(last)
    assert len(marks) <= 7


def test_charts_are_well_formed_and_show_the_values() -> None:
    styles = {"a": "s0", "b & c": "s1"}
    for svg in (
        bars([("b & c", [Part(0.25, "exact", "a <quarter>"), Part(0.5, "wrong", "half")], "75 %")], 1.0),
        distribution({"a": [1.0, 2.0, 300.0]}, styles, "ms", 10),
        lines({"a": [(1.0, 2.0), (0.5, 1.0)]}, styles, "x", "y"),
    ):
        ElementTree.fromstring(svg)
    widths = [
        float(w)
        for w in re.findall(
            r'class="(?:exact|wrong)" [^>]*width="([\d.]+)"',
            bars([("a", [Part(0.25, "exact", ""), Part(0.5, "wrong", "")], "")], 1.0),
        )
    ]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)


def test_the_page_tells_the_run_and_fetches_nothing() -> None:
    text = page(results(), "results.json")
    for told in (
        "100.0% shown, exact",
        "50.0% shown",
        "absent is missing",
        "a &lt;fast&gt; one",
        "link of 20",
    ):
        assert told in text
    assert "<absent>" not in text
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", text)


def test_the_summary_goes_between_its_markers() -> None:
    block = summary(results())
    assert "| MR stack 60/s: slices shown | 100.0% | 50.0% |" in block
    assert "absent (apt install <absent>)" in block
    readme = put_into(f"before\n{BEGIN}\nold\n{END}\nafter", block)
    assert readme == f"before\n{block}\nafter"
    with pytest.raises(ValueError, match="no block"):
        put_into("nothing here", block)


def test_the_readme_shows_the_latest_results() -> None:
    latest = load(ROOT / "benchmarks" / "results" / "latest.json")
    readme = (ROOT / "README.md").read_text()
    assert summary(latest) in readme
