"""Tests the conditions under which acceptance commands run: repetition, time limits, load and a CPU quota."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.acceptance.repeated import FAILED, NOT_MEASURED, PASSED, busy_loops, cpu_quota, main

COUNTING = "import pathlib, sys; p = pathlib.Path(sys.argv[1]); p.write_text(p.read_text() + 'x')"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log"
    path.touch()
    return path


def last_line(capfd: pytest.CaptureFixture[str]) -> str:
    return capfd.readouterr().out.splitlines()[-1]


def test_a_command_is_repeated(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--times", "3", "--", sys.executable, "-c", COUNTING, str(log)]) == PASSED
    assert log.read_text() == "xxx"
    assert last_line(capfd) == "value: 3"


def test_the_first_failure_ends_the_series(log: Path, capfd: pytest.CaptureFixture[str]) -> None:
    failing = f"{COUNTING}; sys.exit(7)"
    assert main(["--times", "3", "--", sys.executable, "-c", failing, str(log)]) == FAILED
    assert log.read_text() == "x"
    assert last_line(capfd) == "value: 0"


def test_a_command_that_exceeds_its_limit_is_ended_and_fails(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    assert main(["--limit-s", "0.5", "--", "sleep", "60"]) == FAILED
    assert time.monotonic() - began < 30
    assert float(last_line(capfd).removeprefix("value: ")) >= 0.5


def test_busy_loops_run_only_during_the_block() -> None:
    before = set(psutil.Process().children())
    with busy_loops(2):
        started = set(psutil.Process().children()) - before
        assert len(started) == 2
    assert not [process for process in started if process.is_running()]


def test_a_cpu_quota_applies_to_the_command_and_leaves_no_group() -> None:
    try:
        with cpu_quota(1) as procs:
            group = procs.parent
            child = subprocess.Popen(["sleep", "60"], preexec_fn=lambda: procs.write_text(str(os.getpid())))
            try:
                assert str(child.pid) in procs.read_text().split()
                quota = group / ("cpu.max" if (group / "cpu.max").is_file() else "cpu.cfs_quota_us")
                assert quota.read_text().split()[0] == "100000"
            finally:
                child.kill()
                child.wait()
    except OSError:
        # This host permits no groups, and the command must say so.
        assert main(["--cpu-quota", "1", "--", "true"]) == NOT_MEASURED
        return
    assert not group.exists()
