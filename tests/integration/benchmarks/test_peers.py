"""Tests the process handling of subjects, and runs with a missing or failing subject."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from benchmarks import run as runner
from benchmarks.cases.case import Effort
from benchmarks.links.link import LOOPBACK
from benchmarks.peers import selkies, xpra
from benchmarks.peers.processes import Processes, free_port, wait_for_port, write_xauthority
from benchmarks.peers.selkies import Selkies
from benchmarks.peers.subject import MissingPeerError, Running, Subject, SubjectFailedError
from benchmarks.peers.xpra import Xpra


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


def test_a_failing_subject_is_tried_each_round_and_is_not_reported_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
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


def program(path: Path, *lines: str) -> Path:
    """Writes a script that replaces a real program."""
    path.write_text("\n".join([f"#!{sys.executable}", "import os, sys, time", *lines]))
    path.chmod(0o700)
    return path


def test_an_x_server_that_names_no_display_is_ended_and_its_log_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    program(
        tmp_path / "Xvfb",
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))",
        "print('no screens found', flush=True)",
        "os.close(int(sys.argv[sys.argv.index('-displayfd') + 1]))",
        "time.sleep(600)",
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    processes = Processes("test")
    with pytest.raises(SubjectFailedError, match="named no display: no screens found"):
        processes.xvfb(640, 480)
    folder = processes.folder
    processes.stop()
    assert not psutil.pid_exists(int(pid_file.read_text()))
    assert not folder.exists()


def test_the_log_of_a_server_that_ends_before_it_listens_is_reported(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("port in use")
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as process:
        process.wait()
        with pytest.raises(SubjectFailedError, match="ended with 3: port in use"):
            wait_for_port(free_port(), process, log=log)


@pytest.mark.parametrize("subject", [Selkies("websockets"), Xpra()], ids=lambda subject: subject.name)
def test_a_failed_start_leaves_nothing_behind(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = program(tmp_path / "xpra", "sys.exit('it is broken')")
    monkeypatch.setattr(selkies, "install_selkies", lambda: broken)
    monkeypatch.setattr(selkies, "need_libraries", lambda: None)
    monkeypatch.setattr(xpra, "need_xpra", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    folders = tmp_path / "folders"
    folders.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    before = set(psutil.Process().children())
    with pytest.raises(SubjectFailedError, match="it is broken"):
        subject.start(640, 480, "127.0.0.1", "127.0.0.1")
    assert [child.name() for child in set(psutil.Process().children()) - before if child.is_running()]
    subject.stop()
    assert set(psutil.Process().children()) <= before
    assert list(folders.iterdir()) == []
    subject.stop()


def test_selkies_without_a_system_library_is_missing_and_says_what_to_install(tmp_path: Path) -> None:
    python = program(tmp_path / "python", "sys.exit('ImportError: libgbm.so.1: cannot open')")
    with pytest.raises(MissingPeerError, match=r"libgbm\.so\.1: cannot open\): apt install libgbm1"):
        selkies.need_libraries(python)


def test_xpra_without_its_package_is_missing_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "Xvfb")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPeerError, match="apt install xpra"):
        xpra.need_xpra()


def test_xpra_without_the_packages_for_speed_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Xvfb", "xpra"):
        program(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(xpra, "CLIENT", tmp_path / "xpra")
    monkeypatch.setattr(xpra, "PYTHON", str(program(tmp_path / "python", "sys.exit('No module lz4')")))
    with pytest.raises(MissingPeerError, match=r"No module lz4\): apt install python3-lz4"):
        xpra.need_xpra()


def test_webrtc_is_missing_if_it_would_offer_addresses_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(selkies, "only_own_addresses", lambda: False)
    with pytest.raises(MissingPeerError, match="--link"):
        Selkies("webrtc").start(640, 480, "127.0.0.1", "127.0.0.1")
