"""Tests that the micro benchmarks measure and report. Their speed is not tested."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import imagecodecs
import pytest

from benchmarks.__main__ import main
from benchmarks.micro.browser_decode import browser_decode
from benchmarks.micro.dirty_mask import dirty_mask
from benchmarks.micro.figure import Figure, MissingError, interleaved_ms
from benchmarks.micro.parts import PARTS, table
from benchmarks.micro.stills import stills
from benchmarks.micro.video import video
from benchmarks.micro.wire import wire
from benchmarks.report.results import load


def test_functions_are_timed_in_turn_and_the_first_turn_does_not_count() -> None:
    order: list[str] = []
    times = interleaved_ms({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, turns=2)
    assert order == ["a", "b"] * 3
    assert set(times) == {"a", "b"}


def test_dirty_mask_and_wire_give_ratios() -> None:
    (mask,) = dirty_mask(turns=1)
    assert mask.ratio is not None
    assert mask.ratio > 0
    assert {figure.part for figure in wire(turns=1)} == {"wire", "digest"}


@pytest.mark.parametrize(("module", "part"), [("imagecodecs", stills), ("av", video)])
def test_a_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch, module: str, part: object) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert callable(part)
    with pytest.raises(MissingError, match=f"pip install {module}"):
        part()


def remove_encoder(monkeypatch: pytest.MonkeyPatch, encoder: str) -> None:
    """Makes imagecodecs fail like a wheel without this codec."""

    def absent(*_: object, **__: object) -> bytes:
        raise ImportError(f"could not import name {encoder!r}")

    monkeypatch.setattr(imagecodecs, encoder, absent)


def test_a_codec_that_the_wheel_lacks_is_reported_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove_encoder(monkeypatch, "htj2k_encode")
    found = stills({"stack": True}, turns=1)
    (missing,) = (figure for figure in found if figure.part == "stack: missing")
    assert missing.subject.startswith("HTJ2K: could not import")
    measured = {figure.subject for figure in found} - {missing.subject}
    assert {"Lightbox tiles", "PNG level 1", "JPEG-LS", "QOI"} <= measured
    assert "HTJ2K" not in measured
    assert {figure.part for figure in found if figure.subject == "memcpy"} == {"stack: coding"}
    (tiles,) = (f for f in found if f.part == "stack: compression" and f.subject == "Lightbox tiles")
    assert tiles.value > 1


def test_chromium_decodes_tiles_and_missing_encoders_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remove_encoder(monkeypatch, "jpegxl_encode")
    found = browser_decode(turns=1)
    assert {"Lightbox tiles, WASM", "PNG", "WebP"} <= {figure.subject for figure in found}
    assert [figure.subject[:8] for figure in found if figure.part.endswith("missing")] == ["JPEG XL:"]


def absent() -> list[Figure]:
    raise MissingError("pip install it")


def test_a_missing_part_is_reported_and_changes_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "x.json"
    monkeypatch.setitem(PARTS, "stills", absent)
    assert command(monkeypatch, "micro", "stills", "--json", str(out)) == 1
    assert "micro stills is missing: pip install it" in capsys.readouterr().err
    assert load(out).missing == {"micro stills": "pip install it"}
    assert command(monkeypatch, "micro", "nothing") == 2
    assert "no such part: nothing" in capsys.readouterr().err


def test_figures_are_added_to_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "x.json"
    for part, value in (("wire", 1.0), ("dirty-mask", 2.0), ("wire", 3.0)):
        figure = Figure(part, "a", value, "ms")
        monkeypatch.setitem(PARTS, part, partial(list, [figure]))
        assert command(monkeypatch, "micro", part, "--add", "--json", str(out)) == 0
    assert [(figure.part, figure.value) for figure in load(out).micro] == [("dirty-mask", 2.0), ("wire", 3.0)]


def command(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Runs `python -m benchmarks` with these arguments and returns its exit code."""
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
    return main()


def test_the_table_shows_value_and_ratio() -> None:
    text = table([Figure("a", "b", 1.5, "ms", 0.5, "c"), Figure("d", "e", 2, "kB")])
    assert "| a | b | 1.5 ms | 0.50 × c |" in text
    assert "| d | e | 2 kB |  |" in text
