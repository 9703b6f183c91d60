"""Tests the page, its charts, and the figures in README.md and docs/benchmarks.md."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.micro.figure import Figure
from benchmarks.report.charts import Part, bars, distribution, lines, ticks
from benchmarks.report.page import page
from benchmarks.report.registry import registered_bars
from benchmarks.report.results import Results, Sample, load
from benchmarks.report.screenshot import WIDTH_PX, take_screenshot
from benchmarks.report.summary import (
    BEGIN,
    END,
    SCREENSHOT,
    full_table,
    headlines,
    replace_block,
    require_clean,
    worst_result,
)
from benchmarks.report.tree import Tree

ROOT = Path(__file__).parents[3]


def results() -> Results:
    found = Results(
        machine={"cores": 2, "cpu": "a <fast> one", "chromium": "1"},
        started="2026-12-24T00:00:00",
        tree=Tree("abc1234", clean=True),
    )
    for subject, shown, exact in (("lightbox", 1.0, 1.0), ("peer", 0.5, 0.0)):
        figures = {"shown_fraction": shown, "exact_fraction": exact, "down_mbps": 7.0, "foreign_cores": 0.0}
        series = {"frame_interval_ms": [16.0, 17.0, 33.0]}
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


def test_charts_are_well_formed_and_proportional() -> None:
    styles = {"a": "s0", "b & c": "s1"}
    for svg in (
        bars([("b & c", [Part(0.25, "exact", "a <quarter>"), Part(0.5, "wrong", "half")], "75 %")], 1.0),
        distribution({"a": [1.0, 2.0, 300.0]}, styles, "ms", 10),
        lines({"a": [(1.0, 2.0), (0.5, 1.0)]}, styles, "x"),
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


def test_the_page_describes_the_run_and_fetches_nothing() -> None:
    text = page(results(), "results.json")
    for expected in (
        "100.0% shown, exact",
        "50.0% shown",
        "absent is missing",
        "a &lt;fast&gt; one",
        "Over a link: 20 Mbit/s",
    ):
        assert expected in text
    assert "<absent>" not in text
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", text)


def test_frames_that_were_not_compared_are_neither_exact_nor_wrong() -> None:
    found = results()
    for sample in found.samples:
        sample.figures.pop("exact_fraction", None)
    text = page(found, "results.json")
    assert "pixels not checked" in text
    assert "every pixel exact" not in text
    assert "wrong pixels" not in text


def test_unknown_cases_and_figures_are_shown_too() -> None:
    found = results()
    figures = {"shown_fraction": 0.25, "exact_fraction": 0.5, "novel_mb": 3.5}
    found.samples.append(
        Sample("lightbox", "whirl90", 0, figures, {"frame_interval_ms": [1.0]}, "far <away>")
    )
    text = page(found, "results.json")
    for expected in (
        "<h3>whirl90</h3>",
        "25.0% shown, 50.0% exact",
        "novel MB",
        "3.5",
        "Over a link: far &lt;away",
    ):
        assert expected in text


def test_a_subject_that_never_becomes_exact_is_named() -> None:
    found = results()
    found.samples.append(
        Sample("lightbox", "pan30", 0, {"shown_fraction": 1, "exact_at_rest": 1, "stop_to_exact_ms": 22})
    )
    found.samples.append(Sample("peer", "pan30", 0, {"shown_fraction": 1, "exact_at_rest": 0}))
    assert "<td>radiograph panned, 30/s</td><td>22 ms</td><td>never</td>" in page(found, "results.json")


def test_micro_benchmarks_are_in_the_page_with_a_column_per_content() -> None:
    found = results()
    found.micro = [
        Figure("stack: coding", "PNG", 80.0, "MB/s", 0.5, "memcpy"),
        Figure("video: coding", "PNG", 40.0, "MB/s", 0.25, "memcpy"),
        Figure("dirty mask", "3840 × 2160 px", 2.25, "ms", 1.75, "memcmp"),
    ]
    text = page(found, "results.json")
    assert "<th>coding</th><th>stack</th><th>video</th>" in text
    assert "<td>PNG</td><td>80 (0.50 ×)</td><td>40 (0.25 ×)</td>" in text
    assert "<td>2.25 ms</td><td>1.75 × memcmp</td>" in text
    assert "mask of changed tiles at 3840 × 2160, divided by memcmp" in text


def test_the_screenshot_shows_the_first_section(tmp_path: Path) -> None:
    take_screenshot(page(results(), "results.json"), tmp_path / "new" / "page.png")
    with Image.open(tmp_path / "new" / "page.png") as image:
        assert image.width == WIDTH_PX
        assert image.height > 400
        # The colour of exact slices appears, so the style sheet and the charts were applied.
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or []}
    assert (0x15, 0x80, 0x3D) in colours


def test_the_full_table_replaces_the_block_between_the_markers() -> None:
    block = full_table(results(), registered_bars())
    assert "| MR stack at 60 slices/s: slices shown | 100.0% | 50.0% |" in block
    assert "absent: apt install <absent>" in block
    document = replace_block(f"before\n{BEGIN}\nold\n{END}\nafter", block)
    assert document == f"before\n{block}\nafter"
    with pytest.raises(ValueError, match="no block"):
        replace_block("nothing here", block)


def test_the_full_table_lists_every_bar_and_the_clicks_over_links() -> None:
    found = results()
    for subject, values in (("lightbox", [80.0, 90.0]), ("peer", [500.0, 700.0])):
        series = {"latency_ms": values}
        found.samples.append(Sample(subject, "click-scrolling", 0, {"p95_ms": values[-1]}, series, "20"))
    block = full_table(found, registered_bars())
    assert (
        "| click → canvas while a stack scrolls, 95th percentile; link 20 | ≤ 100 ms | 89.5 | reached |"
        in block
    )
    assert (
        "| click → canvas while a stack scrolls, 95th percentile; link 5 | ≤ 150 ms | – | not measured |"
        in block
    )
    assert "95th percentile over 20 Mbit/s: lightbox 90 ms, peer 690 ms." in block
    assert "over 5 Mbit/s" not in block
    found.samples.append(Sample("lightbox-420", "text-video30", 0, {"text_psnr_db": 17.0}, link="20"))
    head = next(line for line in full_table(found, registered_bars()).splitlines() if line.startswith("|  |"))
    assert "lightbox-420" not in head, "the table has no figure of it"


def with_peers() -> Results:
    """Returns two rounds of Lightbox and two peers, of which "selkies" needs a tenth of the bytes."""
    found = results()
    found.samples = []
    for turn in range(2):
        for subject, p50_ms, shown, kb in (
            ("lightbox", 6.0, 1.0, 100.0),
            ("novnc", 12.0, 0.9, 80.0),
            ("novnc-lossless", 12.0, 0.5, 400.0),
            ("selkies", 24.0, 1.0, 10.0),
        ):
            found.samples.append(Sample(subject, "click", turn, {"p50_ms": p50_ms}))
            figures = {"shown_fraction": shown, "down_kb_per_slice": kb}
            if turn == 0:
                figures["exact_fraction"] = float(subject == "novnc-lossless" or subject == "lightbox")
            found.samples.append(Sample(subject, "stack60", turn, figures))
    return found


def test_the_headlines_are_four_figures_and_the_worst_result_with_peer_ratio_and_rounds() -> None:
    rows = [line for line in headlines(with_peers()).splitlines() if line.startswith("| ")]
    assert rows[1:] == [
        "| click → canvas, median | 6.0 ms | 12.0 ms (novnc) | 0.5 | 2 |",
        "| MR stack at 60 slices/s: slices shown | 100.0% | 50.0% (novnc-lossless) | 2 | 2 |",
        "| MR stack at 60 slices/s: exact slices | 100.0% | 0.0% (novnc) | – | 1 |",
        "| MR stack at 60 slices/s: per slice shown | 100 kB | 400 kB (novnc-lossless) | 0.25 | 2 |",
        "| **worst result:** MR stack at 60 slices/s: per slice shown | 100 kB | 10 kB (selkies) | 10 | 2 |",
    ]


def test_the_worst_result_may_be_a_figure_of_which_more_is_better() -> None:
    found = with_peers()
    for sample in found.samples:
        if sample.subject == "lightbox" and sample.case == "stack60":
            sample.figures.update(shown_fraction=0.01, down_kb_per_slice=20.0)
    worst = worst_result(found)
    assert worst is not None
    assert (worst.row.figure, worst.peer, worst.times_worse) == ("shown_fraction", "selkies", 100)


def test_only_runs_of_a_clean_commit_are_published() -> None:
    found = results()
    require_clean(found)
    found.tree = Tree("abc1234", clean=False)
    with pytest.raises(ValueError, match=r"abc1234\+.*clean commit"):
        require_clean(found)


def test_clicks_over_a_link_are_drawn() -> None:
    found = results()
    series = {"latency_ms": [80.0, 90.0]}
    found.samples.append(Sample("lightbox", "click-scrolling", 0, {"p95_ms": 90.0}, series, "5"))
    assert "<h3>click → surface while a stack scrolls elsewhere</h3>" in page(found, "results.json")


def test_readme_and_documentation_show_the_latest_results() -> None:
    latest = load(ROOT / "benchmarks" / "results" / "latest.json")
    require_clean(latest)
    assert headlines(latest) in (ROOT / "README.md").read_text()
    assert full_table(latest, registered_bars()) in (ROOT / "docs" / "benchmarks.md").read_text()
    assert (ROOT / SCREENSHOT).is_file()
