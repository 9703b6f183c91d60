"""How the program ends: on signals, sent twice, during the start, after a failed start.

It leaves nothing but its state folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.door import make_web_client

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def web_client(tmp_path: Path) -> Path:
    return make_web_client(tmp_path / "dist")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """Where run folders are made in these tests."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


def start(tmp_path: Path, web_client: Path, runtime: Path, kind: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.door_program", str(tmp_path / "state"), str(web_client), kind],
        cwd=ROOT,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_folder(runtime: Path) -> list[Path]:
    return list(runtime.glob("lightbox-*"))


def left_behind(tmp_path: Path, runtime: Path) -> list[Path]:
    return [*run_folder(runtime), *(tmp_path / "state" / "instances").glob("*")]


@pytest.mark.parametrize("signals", [[signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_ends_on_signals(
    tmp_path: Path, web_client: Path, runtime: Path, signals: list[signal.Signals]
) -> None:
    program = start(tmp_path, web_client, runtime, "echo")
    assert program.stdout is not None
    ready = json.loads(program.stdout.readline())
    assert ready["url"].startswith("https://127.0.0.1:")
    assert ready["username"] == "demo"
    assert len(left_behind(tmp_path, runtime)) == 2
    for number in signals:
        program.send_signal(number)
    output, errors = program.communicate(timeout=20)
    assert program.returncode == 0, errors
    assert output == ""
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_password_stays(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    passwords = []
    for _ in range(2):
        program = start(tmp_path, web_client, runtime, "echo")
        assert program.stdout is not None
        passwords.append(json.loads(program.stdout.readline())["password"])
        program.terminate()
        program.communicate(timeout=20)
    assert passwords[0] == passwords[1]
    kept = tmp_path / "state" / "demo-password"
    assert kept.read_text().strip() == passwords[0]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_ends_during_the_start(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "never")
    deadline = time.monotonic() + 20
    while not run_folder(runtime) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    program.terminate()
    output, errors = program.communicate(timeout=20)
    assert program.returncode == 0, errors
    assert output == ""
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_failed_start(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "crashing")
    output, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert output == ""
    assert "apt-get install xvfb" in errors
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_killed_and_swept_by_the_next(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "echo")
    assert program.stdout is not None
    program.stdout.readline()
    program.kill()
    program.communicate(timeout=20)
    [dead] = run_folder(runtime)
    program = start(tmp_path, web_client, runtime, "echo")
    assert program.stdout is not None
    program.stdout.readline()
    assert not dead.exists()
    program.terminate()
    program.communicate(timeout=20)
    assert left_behind(tmp_path, runtime) == []
