"""Tests that the benchmarks work end to end on Lightbox and a peer. Speed is not tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.report.results import load

ROOT = Path(__file__).parents[2]
#: Longest time of a run on a busy host, s.
TIMEOUT_S = 900
#: No lossless encoding takes less for a slice of the stack, which has fresh noise.
SLICE_MIN_BYTES = 50_000


@pytest.mark.nightly  # half a minute of processor; the parts have tests of their own
def test_a_small_run_of_lightbox_and_a_peer(tmp_path: Path) -> None:
    # Under other policies a busy host may send motion as video, and slices need not be exact.
    subjects = "lightbox-exact", "novnc-lossless"
    command = [sys.executable, "-m", "benchmarks", "run", "--peer", subjects[0], "--peer", subjects[1]]
    command += ["--case", "key", "--case", "stack30", "--seconds", "1", "--clicks", "4"]
    command += ["--json", str(tmp_path / "a.json"), "--md", str(tmp_path / "a.md")]
    command += ["--html", str(tmp_path / "a.html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = load(tmp_path / "a.json")
    assert (found.missing, found.failed) == ({}, {})
    for subject in subjects:
        assert len(found.series(subject, "key", "latency_ms")) == 4
        assert found.figure(subject, "stack30", "sent") == 30
        shown = found.figure(subject, "stack30", "shown") or 0
        assert shown > 0
        assert found.figure(subject, "stack30", "exact_fraction") == 1.0
        assert (found.figure(subject, "stack30", "down_bytes") or 0) > shown * SLICE_MIN_BYTES
    assert "every pixel exact" in (tmp_path / "a.html").read_text()
    assert "stack 30/s: shown" in (tmp_path / "a.md").read_text()


@pytest.mark.nightly
def test_monitors_and_a_slow_browser_are_measured(tmp_path: Path) -> None:
    """The cases restore the desktop, so that the case after them works too."""
    subject = (
        "lightbox-exact"  # under other policies motion may be sent as video, and slices need not be exact
    )
    command = [sys.executable, "-m", "benchmarks", "run", "--peer", subject, "--seconds", "1"]
    command += ["--case", "monitors", "--case", "throttled", "--case", "idle"]
    for kind in ("json", "md", "html"):
        command += [f"--{kind}", str(tmp_path / f"a.{kind}")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = load(tmp_path / "a.json")
    assert (found.missing, found.failed, found.not_applicable) == ({}, {}, {})
    for number in (1, 2, 3):
        assert (found.figure(subject, "monitors", f"shown_per_s_{number}") or 0) > 0
        assert found.figure(subject, "monitors", f"exact_fraction_{number}") == 1.0
    assert found.figure(subject, "throttled", "sent") == 30
    assert found.figure(subject, "throttled", "exact_fraction") == 1.0
    assert (found.figure(subject, "throttled", "page_mb") or 0) > 2 * 2048 * 2560 * 4 / 1e6
    assert found.figure(subject, "idle", "down_bytes_per_s") is not None


@pytest.mark.nightly
def test_clicks_and_coloured_text_are_measured_over_a_slow_link(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "run", "--peer", "lightbox", "--peer", "lightbox-420"]
    command += ["--case", "click-scrolling", "--case", "text-video30", "--link", "20"]
    command += ["--clicks", "5", "--seconds", "1"]
    for kind in ("json", "md", "html"):
        command += [f"--{kind}", str(tmp_path / f"a.{kind}")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = load(tmp_path / "a.json")
    if os.geteuid() != 0:
        assert all("needs root" in why for why in found.missing.values())
        return
    assert (found.missing, found.failed, found.not_applicable) == ({}, {}, {})
    for subject in ("lightbox", "lightbox-420"):
        assert len(found.series(subject, "click-scrolling", "latency_ms", "20")) >= 5
        assert (found.figure(subject, "text-video30", "shown", "20") or 0) > 0
        assert found.figure(subject, "text-video30", "exact_at_rest", "20") == 1.0
    assert "click → surface while a stack scrolls elsewhere" in (tmp_path / "a.html").read_text()
