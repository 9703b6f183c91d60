"""The page, its charts and the README's block: what a run found is in them, and nothing else is fetched."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.micro.figure import Figure
from benchmarks.report.charts import Part, bars, distribution, lines, ticks
from benchmarks.report.page import page
from benchmarks.report.picture import WIDTH_PX, take_picture
from benchmarks.report.results import Results, Sample, load
from benchmarks.report.summary import BEGIN, END, PICTURE, put_into, summary

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


def test_the_page_tells_the_run_and_fetches_nothing() -> None:
    text = page(results(), "results.json")
    for told in (
        "100.0% shown, exact",
        "50.0% shown",
        "absent is missing",
        "a &lt;fast&gt; one",
        "Over a link: 20 Mbit/s",
    ):
        assert told in text
    assert "<absent>" not in text
    assert not re.search(r"""(src|href)=|url\(|@import|<script""", text)


def test_what_was_not_compared_is_neither_right_nor_wrong() -> None:
    found = results()
    for sample in found.samples:
        sample.figures.pop("exact_share", None)
    text = page(found, "results.json")
    assert "pixels not checked" in text
    assert "every pixel exact" not in text
    assert "wrong pixels" not in text


def test_cases_and_figures_that_are_not_known_are_shown_all_the_same() -> None:
    found = results()
    figures = {"shown_share": 0.25, "exact_share": 0.5, "novel_mb": 3.5}
    found.samples.append(Sample("lightbox", "whirl90", 0, figures, {"gap_ms": [1.0]}, "far <away>"))
    text = page(found, "results.json")
    for told in (
        "<h3>whirl90</h3>",
        "25.0% shown, 50.0% exact",
        "novel MB",
        "3.5",
        "Over a link: far &lt;away",
    ):
        assert told in text


def test_who_never_becomes_exact_is_told() -> None:
    found = results()
    found.samples.append(
        Sample("lightbox", "pan30", 0, {"shown_share": 1, "exact_at_rest": 1, "stop_to_exact_ms": 22})
    )
    found.samples.append(Sample("peer", "pan30", 0, {"shown_share": 1, "exact_at_rest": 0}))
    assert "<td>radiograph panned, 30/s</td><td>22 ms</td><td>never</td>" in page(found, "results.json")


def test_single_parts_are_in_the_page_contents_beside_each_other() -> None:
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
    assert "dirty mask, to memcmp" in text


def test_the_picture_shows_the_first_part(tmp_path: Path) -> None:
    take_picture(page(results(), "results.json"), tmp_path / "new" / "picture.png")
    with Image.open(tmp_path / "new" / "picture.png") as picture:
        assert picture.width == WIDTH_PX
        assert picture.height > 400
        # The bars' colour for exact slices is on it, so the style sheet and the charts are.
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24) or []}
    assert (0x15, 0x80, 0x3D) in colours


def test_the_summary_goes_between_its_markers() -> None:
    block = summary(results())
    assert "| MR stack 60/s: slices shown | 100.0% | 50.0% |" in block
    assert "absent (apt install <absent>)" in block
    readme = put_into(f"before\n{BEGIN}\nold\n{END}\nafter", block)
    assert readme == f"before\n{block}\nafter"
    with pytest.raises(ValueError, match="no block"):
        put_into("nothing here", block)


def test_the_summary_tells_each_bar_of_video_and_the_peers_over_links() -> None:
    found = results()
    for subject, values in (("lightbox", [80.0, 90.0]), ("peer", [500.0, 700.0])):
        series = {"latency_ms": values}
        found.samples.append(Sample(subject, "click-scrolling", 0, {"p95_ms": values[-1]}, series, "20"))
    block = summary(found)
    assert "| 20 Mbit/s: click → canvas p95 while a stack scrolls, ms | ≤ 100 | 89.5 | reached |" in block
    assert "while a stack scrolls over 20 Mbit/s: lightbox 90 ms, peer 690 ms." in block
    assert "over 5 Mbit/s" not in block
    found.samples = [sample for sample in found.samples if sample.case == "click"]
    assert "video for what moves" not in summary(found)
    found.samples.append(Sample("lightbox-420", "text-video30", 0, {"text_psnr_db": 17.0}, link="20"))
    assert "lightbox-420" not in summary(found), "nothing of it is in the table"


def test_clicks_over_a_link_are_drawn() -> None:
    found = results()
    series = {"latency_ms": [80.0, 90.0]}
    found.samples.append(Sample("lightbox", "click-scrolling", 0, {"p95_ms": 90.0}, series, "5"))
    assert "<h3>click → surface while a stack scrolls elsewhere</h3>" in page(found, "results.json")


def test_the_readme_shows_the_latest_results() -> None:
    latest = load(ROOT / "benchmarks" / "results" / "latest.json")
    readme = (ROOT / "README.md").read_text()
    assert summary(latest) in readme
    assert (ROOT / PICTURE).is_file()
