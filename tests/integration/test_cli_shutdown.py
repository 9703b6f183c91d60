"""How the program shuts down: on signals, on repeated ones, during the start and after a failed start.

In every case only the state folder may remain.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from display_server.broker.running_desktops import running_desktops
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr import Randr
from tests.fakes.gateway import make_web_client

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def web_client(tmp_path: Path) -> Path:
    return make_web_client(tmp_path / "dist")


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Path]:
    """The folder in which these tests create run folders."""
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


def start(tmp_path: Path, web_client: Path, runtime: Path, kind: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.gateway_program", str(tmp_path / "state"), str(web_client), kind],
        cwd=ROOT,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_folder(runtime: Path) -> list[Path]:
    return list(runtime.glob("lightbox-*"))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


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
    output, errors = program.communicate(timeout=120)
    assert program.returncode == 0, errors
    assert output == ""
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_the_demo_password_stays_the_same(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    passwords = []
    for _ in range(2):
        program = start(tmp_path, web_client, runtime, "echo")
        assert program.stdout is not None
        passwords.append(json.loads(program.stdout.readline())["password"])
        program.terminate()
        program.communicate(timeout=120)
    assert passwords[0] == passwords[1]
    kept = tmp_path / "state" / "demo-password"
    assert kept.read_text().strip() == passwords[0]
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_signal_ends_the_start(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "never")
    wait_until(lambda: bool(run_folder(runtime)))
    time.sleep(0.3)
    program.terminate()
    output, errors = program.communicate(timeout=120)
    assert program.returncode == 0, errors
    assert output == ""
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_a_failed_start_is_explained(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "crashing")
    output, errors = program.communicate(timeout=120)
    assert program.returncode == 1
    assert output == ""
    assert "apt-get install xvfb" in errors
    assert "Traceback" not in errors
    assert left_behind(tmp_path, runtime) == []


def test_removes_the_run_folder_of_a_killed_process(tmp_path: Path, web_client: Path, runtime: Path) -> None:
    program = start(tmp_path, web_client, runtime, "echo")
    assert program.stdout is not None
    program.stdout.readline()
    program.kill()
    program.communicate(timeout=120)
    [dead] = run_folder(runtime)
    program = start(tmp_path, web_client, runtime, "echo")
    assert program.stdout is not None
    program.stdout.readline()
    assert not dead.exists()
    program.terminate()
    program.communicate(timeout=120)
    assert left_behind(tmp_path, runtime) == []


class TestWithARealDesktop:
    """A supervisor, an X server and an agent that echoes."""

    @pytest.fixture
    def program(self, tmp_path: Path, web_client: Path, runtime: Path) -> Iterator[subprocess.Popen[str]]:
        program = start(tmp_path, web_client, runtime, "supervisor")
        assert program.stdout is not None
        assert program.stdout.readline()
        yield program
        program.kill()
        program.communicate(timeout=120)

    def test_the_desktop_is_listed_and_leaves_no_processes(
        self, program: subprocess.Popen[str], tmp_path: Path, runtime: Path
    ) -> None:
        [desktop] = running_desktops(tmp_path / "state")
        assert (desktop["user"], desktop["profile"], desktop["state"]) == ("demo", "blank", "ready")
        assert desktop["display"].startswith(":")
        assert Path(desktop["xauthority"]).stat().st_mode & 0o777 == 0o600
        assert desktop["size"] == "1920x1080"
        processes = [psutil.Process(pid) for pid in desktop["pids"].values()]
        assert len(processes) == 3
        program.terminate()
        _, errors = program.communicate(timeout=120)
        assert program.returncode == 0, errors
        assert not any(process.is_running() for process in processes)
        assert left_behind(tmp_path, runtime) == []

    def test_its_present_size_is_listed_without_knowing_the_state_folder(
        self, program: subprocess.Popen[str], runtime: Path
    ) -> None:
        def listed() -> dict[str, Any]:
            environment = {name: value for name, value in os.environ.items() if name != "LIGHTBOX_STATE"}
            answer = subprocess.run(
                [sys.executable, "-m", "display_server.cli", "sessions", "--json"],
                env={**environment, "XDG_RUNTIME_DIR": str(runtime), "HOME": str(runtime)},
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(answer.stdout)  # with those of other tests that run at the same time
            [desktop] = [one for one in found if one["folder"].startswith(f"{runtime}/")]
            return dict(desktop)

        desktop = listed()
        assert desktop["size"] == "1920x1080"
        with contextlib.closing(Randr(desktop["display"], Path(desktop["xauthority"]))) as randr:
            randr.apply([Monitor(0, 0, 0, 1280, 720)], while_grabbed=lambda *_: None)
        assert listed()["size"] == "1280x720"
        program.terminate()
        program.communicate(timeout=120)

    def test_desktops_end_when_the_server_is_killed(
        self, program: subprocess.Popen[str], tmp_path: Path, runtime: Path
    ) -> None:
        [desktop] = running_desktops(tmp_path / "state")
        processes = [psutil.Process(pid) for pid in desktop["pids"].values()]
        program.kill()
        program.communicate(timeout=120)
        wait_until(lambda: not any(process.is_running() for process in processes))
        assert running_desktops(tmp_path / "state") == []

    def test_two_signals_shut_down_in_order(
        self, program: subprocess.Popen[str], tmp_path: Path, runtime: Path
    ) -> None:
        [desktop] = running_desktops(tmp_path / "state")
        processes = [psutil.Process(pid) for pid in desktop["pids"].values()]
        program.send_signal(signal.SIGINT)
        time.sleep(0.05)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=120)
        assert (program.returncode, "Traceback" in errors) == (0, False), errors
        assert not any(process.is_running() for process in processes)
        assert left_behind(tmp_path, runtime) == []
