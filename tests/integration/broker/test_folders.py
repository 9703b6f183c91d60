from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from display_server.broker import folders
from display_server.broker.folders import (
    Instance,
    RunFolder,
    StateFolder,
    list_instances,
    register_instance,
    remove_abandoned,
)
from display_server.broker.running_desktops import all_running_desktops, running_desktops
from display_server.desktop.spec import (
    DesktopSpec,
    DesktopState,
    DesktopStatus,
    Pids,
    write_spec,
    write_status,
)
from display_server.errors import ConfigurationError


def test_state_folder_is_private(tmp_path: Path) -> None:
    state = StateFolder.open(tmp_path / "a" / "state")
    for path in (state.path, state.tls, state.homes, state.logs, state.instances):
        assert path.stat().st_mode & 0o777 == 0o700
    state.path.chmod(0o755)
    StateFolder.open(state.path)
    assert state.path.stat().st_mode & 0o777 == 0o700


def test_rejects_a_state_folder_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        StateFolder.open(tmp_path / "file" / "state")


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "_base_folder", lambda: tmp_path)
    return tmp_path


def test_the_run_folder_is_private_and_removable(base: Path) -> None:
    run = RunFolder.create()
    assert run.path.stat().st_mode & 0o777 == 0o700
    (run.path / "desktops" / "x").mkdir()
    run.remove()
    run.remove()
    assert not run.path.exists()


def test_removes_only_run_folders_of_dead_processes(base: Path) -> None:
    run = RunFolder.create()
    script = (
        "import os, sys; from pathlib import Path; from display_server.broker import folders\n"
        "folders._base_folder = lambda: Path(sys.argv[1])\n"
        "print(folders.RunFolder.create().path, flush=True); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(base)], capture_output=True, text=True, check=False
    )
    dead = Path(killed.stdout.strip())
    assert dead.is_dir()
    assert run.path.is_dir()  # although the other process removed abandoned folders
    foreign = base / "lightbox-notes"
    foreign.mkdir()
    fresh = base / "lightbox-fresh"
    (fresh / "desktops").mkdir(parents=True)
    assert remove_abandoned(base) == [dead]
    assert foreign.is_dir()
    assert fresh.is_dir()
    old = time.time() - 1000
    os.utime(fresh, (old, old))
    assert remove_abandoned(base) == [fresh]
    run.remove()


def test_rejects_a_path_that_is_too_long_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(folders, "SHARED_MEMORY", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pytest.raises(ConfigurationError, match="too long"):
        RunFolder.create()


def test_lists_running_desktops_of_running_instances(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.broker.running_desktops.screen_size", lambda *_: (1024, 768))
    monkeypatch.setattr(folders, "instance_folders", lambda: [base])  # without other servers of this host
    monkeypatch.setattr("display_server.broker.running_desktops.lasting_folders", list)
    state = StateFolder.open(tmp_path / "state")
    assert running_desktops(tmp_path / "none") == []
    run = RunFolder.create()
    entry = register_instance(state, run, "https://127.0.0.1:8443")
    running = msgspec.json.decode(entry.read_bytes(), type=Instance)
    reused_pid = msgspec.structs.replace(running, start_ticks=running.start_ticks - 1)
    (state.instances / "1.json").write_bytes(msgspec.json.encode(reused_pid))
    earlier_boot = msgspec.structs.replace(running, boot_id="another")
    (state.instances / "3.json").write_bytes(msgspec.json.encode(earlier_boot))
    (state.instances / "2.json").write_text("nonsense")
    assert [instance.pid for instance in list_instances(state)] == [os.getpid()]
    assert list(state.instances.glob("*.json")) == [entry]
    folder = run.path / "desktops" / "bcd"
    folder.mkdir()
    (run.path / "desktops" / "empty").mkdir()
    spec = DesktopSpec("bcd", "kim", "reading", "blank", 800, 600, "/h", str(folder), "/l")
    write_spec(spec)
    assert running_desktops(state.path)[0]["state"] == "starting"
    write_status(
        folder,
        DesktopStatus("bcd", DesktopState.READY, Pids(1, 2, 3), 800, 600, None, ":7", f"{folder}/xauthority"),
    )
    [found] = running_desktops(state.path)
    assert found["id"] == "bcd"
    assert (found["user"], found["profile"], found["state"], found["display"]) == (
        "kim",
        "blank",
        "ready",
        ":7",
    )
    assert found["pids"] == {"supervisor": 1, "x_server": 2, "agent": 3}
    assert found["xauthority"].endswith("/xauthority")
    assert (found["size"], found["width_px"], found["height_px"]) == ("1024x768", 1024, 768)
    assert [desktop["id"] for desktop in all_running_desktops()] == ["bcd"]
    run.remove()
    assert running_desktops(state.path) == []
    assert all_running_desktops() == []


def test_ignores_files_that_describe_no_running_server(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "instance_folders", lambda: [base, base / "none"])
    run = RunFolder.create()
    register_instance(StateFolder.open(base / "state"), run, "")
    registered = run.path / "instance.json"
    moved = msgspec.structs.replace(
        msgspec.json.decode(registered.read_bytes(), type=Instance), run_folder="/elsewhere"
    )
    assert moved.alive
    registered.unlink()
    for name, content in (("lightbox-a", b"nonsense"), ("lightbox-b", msgspec.json.encode(moved))):
        (base / name).mkdir()
        (base / name / "instance.json").write_bytes(content)
    assert folders.find_instances() == []
    run.remove()
