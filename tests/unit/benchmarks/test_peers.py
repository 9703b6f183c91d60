"""What adapters share, and a run with a peer that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import run as runner
from benchmarks.cases.case import Effort
from benchmarks.links.link import LOOPBACK
from benchmarks.peers.processes import write_xauthority
from benchmarks.peers.subject import MissingPeerError, Running, SubjectFailedError


class MissingSubject:
    name = "absent"
    error: Exception = MissingPeerError("apt install absent")

    def __init__(self) -> None:
        self.stops = 0

    def start(self, width_px: int, height_px: int, host: str, name: str) -> Running:
        raise self.error

    def stop(self) -> None:
        self.stops += 1


def test_a_missing_peer_is_reported_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = MissingSubject()
    monkeypatch.setattr(runner, "SUBJECTS", {"absent": lambda: subject})
    found = runner.new_results()
    runner.run(["absent"], ["click"], [LOOPBACK], 2, Effort(), found)
    assert found.missing == {"absent": "apt install absent"}
    assert subject.stops == 1


class FailingSubject(MissingSubject):
    name = "failing"
    error = SubjectFailedError("it ended with 1")


def test_a_failing_subject_is_tried_each_round_and_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = FailingSubject()
    monkeypatch.setattr(runner, "SUBJECTS", {"failing": lambda: subject})
    found = runner.new_results()
    runner.run(["failing"], ["click"], [LOOPBACK], 2, Effort(), found)
    assert found.missing == {}
    assert list(found.failed) == ["failing in round 1", "failing in round 2"]
    assert subject.stops == 2


def test_the_authority_file_is_private_and_well_formed(tmp_path: Path) -> None:
    path = tmp_path / "xauthority"
    write_xauthority(path)
    assert path.stat().st_mode & 0o777 == 0o600
    data = path.read_bytes()
    assert data[:6] == b"\xff\xff\x00\x00\x00\x00"
    assert data[6:26] == b"\x00\x12MIT-MAGIC-COOKIE-1"
    assert data[26:28] == b"\x00\x10"
    assert len(data) == 28 + 16
