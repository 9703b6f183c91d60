"""Whole desktops: launcher, keeper and a real X server, with an agent that does nothing."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from display_server.agent.capture.xvfb import XvfbSource
from display_server.broker.launchers.process_launcher import KEEPER, ProcessLauncher, SupervisorProcess
from display_server.desktop.spec import DesktopSpec, DesktopState, read_status
from display_server.errors import DesktopError
from display_server.supervisor.children import descendants
from display_server.supervisor.leftovers import MARK, end_remains, remains
from tests.fakes.x_server import x_server

AGENT = Path(__file__).parents[2] / "fakes" / "small_agent.py"
PATIENCE_S = 20.0


def launcher(mood: str = "") -> ProcessLauncher:
    command = shlex.join([sys.executable, str(AGENT), *([mood] if mood else [])])
    return ProcessLauncher((*KEEPER, "--agent-command", command))


@pytest.fixture
def spec() -> Iterator[DesktopSpec]:
    base = Path(tempfile.mkdtemp(prefix="keeper-"))
    session = base.name
    yield DesktopSpec(
        session=session,
        user="kim",
        desktop="reading",
        profile="blank",
        width_px=320,
        height_px=200,
        home=str(base / "home"),
        folder=str(base / "run"),
        log_folder=str(base / "logs"),
    )
    end_remains(session)
    shutil.rmtree(base, ignore_errors=True)


async def until(what: str, done: Callable[[], object]) -> None:
    for _ in range(int(PATIENCE_S / 0.01)):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


def path_of(spec: DesktopSpec, *parts: str) -> Path:
    return Path(spec.folder, *parts)


def is_there(*parts: str) -> bool:
    return Path(*parts).exists()


def words(*parts: str) -> str:
    """A small file's text; nothing while it is not there."""
    return Path(*parts).read_text() if is_there(*parts) else ""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def verdict(desktop: SupervisorProcess) -> str | None:
    return await asyncio.wait_for(desktop.wait(), PATIENCE_S)


def agent_of(desktop: SupervisorProcess) -> int | None:
    status = desktop.status()
    return status.pids.agent if status else None


def log_of(spec: DesktopSpec) -> str:
    return (Path(spec.log_folder) / f"{spec.desktop}.log").read_text()


async def test_ready_desktop_and_its_orderly_end(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    folder = Path(spec.folder)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    assert status == read_status(folder)
    assert status.display is not None
    assert status.xauthority is not None
    for private in (folder, spec.framebuffer_folder, Path(spec.home)):
        assert mode(private) == 0o700
    for secret in (folder / "xauthority", folder / "status.json", folder / "spec.json"):
        assert mode(secret) == 0o600

    source = XvfbSource(status.display, Path(status.xauthority), spec.framebuffer_folder)
    await source.open()
    assert (source.width_px, source.height_px) == (320, 200)
    await source.close()
    arguments = words(spec.folder, "agent-arguments").splitlines()
    assert arguments == [
        *("--folder", spec.folder),
        *("--display", status.display),
        *("--xauthority", status.xauthority),
        *("--source", "fbdir"),
    ]
    without_cookie = {**os.environ, "XAUTHORITY": os.devnull, "DISPLAY": status.display}
    asked = await asyncio.to_thread(subprocess.run, ["xdpyinfo"], env=without_cookie, capture_output=True)
    assert asked.returncode != 0

    await desktop.stop()
    await desktop.stop()
    assert await verdict(desktop) is None
    assert remains(spec.session) == []
    assert not is_there(spec.folder)
    assert is_there(spec.home)


async def test_killed_agent_is_replaced(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    before = desktop.status()
    assert before is not None
    seen: list[int | None] = [None, agent_of(desktop)]
    for _ in range(2):
        agent = seen[-1]
        assert agent is not None
        os.kill(agent, signal.SIGKILL)
        await until("another agent", lambda: agent_of(desktop) not in seen)
        seen.append(agent_of(desktop))
    after = desktop.status()
    assert after is not None
    assert after.pids.x_server == before.pids.x_server
    assert after.state is DesktopState.READY
    await desktop.stop()


async def test_agent_that_dies_often_is_replaced_more_slowly(spec: DesktopSpec) -> None:
    desktop = await launcher("MORTAL").start(spec)
    await until("some ends", lambda: log_of(spec).count("agent ended") >= 4)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    await desktop.stop()


async def test_agent_that_never_starts_fails_the_desktop(spec: DesktopSpec) -> None:
    with pytest.raises(DesktopError, match=r"display agent does not start \(exit code 1\)"):
        await launcher("CRASHING").start(spec)
    assert remains(spec.session) == []
    assert not is_there(spec.folder)
    assert "no camera" in log_of(spec)


async def test_dead_x_server_fails_the_desktop(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    status = desktop.status()
    assert status is not None
    assert status.pids.x_server is not None
    os.kill(status.pids.x_server, signal.SIGKILL)
    assert await verdict(desktop) == "The X server ended (SIGKILL)."
    written = read_status(path_of(spec))
    assert written is not None
    assert (written.state, written.error) == (DesktopState.FAILED, "The X server ended (SIGKILL).")
    assert written.pids.x_server is None
    assert written.pids.agent is None
    assert not is_there(spec.folder, "framebuffer")
    assert not is_there(spec.folder, "xauthority")
    assert remains(spec.session) == []
    await desktop.stop()


async def test_killed_keeper_leaves_nothing(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    status = desktop.status()
    assert status is not None
    os.kill(status.pids.keeper, signal.SIGKILL)
    assert await verdict(desktop) == "The desktop's keeper ended unexpectedly (SIGKILL)."
    assert remains(spec.session) == []
    await desktop.stop()
    assert not is_there(spec.folder)


async def test_door_that_dies_takes_the_desktop_with_it(spec: DesktopSpec) -> None:
    """A process that starts a desktop, tells so, and is killed."""
    door = (
        "import asyncio, sys, msgspec\n"
        "from display_server.broker.launchers.process_launcher import KEEPER, ProcessLauncher\n"
        "from display_server.desktop.spec import DesktopSpec\n"
        "async def main():\n"
        "    spec = msgspec.json.decode(sys.argv[1], type=DesktopSpec)\n"
        "    desktop = await ProcessLauncher((*KEEPER, '--agent-command', sys.argv[2])).start(spec)\n"
        "    print('ready', flush=True)\n"
        "    await desktop.wait()\n"
        "asyncio.run(main())\n"
    )
    agent = shlex.join([sys.executable, str(AGENT)])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", door, msgspec.json.encode(spec).decode(), agent), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"ready\n"
    assert len(remains(spec.session)) == 2  # X server and agent; the keeper itself carries no mark
    status = read_status(path_of(spec))
    assert status is not None
    process.kill()
    await process.wait()
    await until("the end of all", lambda: not remains(spec.session))
    await until("the keeper's end", lambda: not is_there(f"/proc/{status.pids.keeper}"))
    assert not is_there(spec.folder, "framebuffer")


async def test_cancelled_start_leaves_nothing(spec: DesktopSpec) -> None:
    starting = asyncio.create_task(launcher("DEAF").start(spec))
    await until("processes", lambda: len(remains(spec.session)) == 2)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert remains(spec.session) == []
    assert not is_there(spec.folder)


async def test_no_x_server_installed(spec: DesktopSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DesktopError, match="Xvfb is not installed"):
        await launcher().start(spec)


async def test_x_server_that_cannot_start_says_why(spec: DesktopSpec, tmp_path: Path) -> None:
    with pytest.raises(DesktopError, match=r"The X server did not start \(.*It said:"):
        await launcher().start(msgspec.structs.replace(spec, width_px=-5))


async def test_unknown_profile(spec: DesktopSpec) -> None:
    with pytest.raises(DesktopError, match="There is no profile 'cooking'"):
        await launcher().start(msgspec.structs.replace(spec, profile="cooking"))


async def test_folder_that_is_there_already(spec: DesktopSpec) -> None:
    await asyncio.to_thread(os.makedirs, spec.folder)
    with pytest.raises(DesktopError, match="folder could not be made"):
        await launcher().start(spec)


async def test_attached_display_is_left_alone(spec: DesktopSpec) -> None:
    with x_server(300, 200) as server:
        attached = msgspec.structs.replace(spec, attach=server.display)
        desktop = await launcher().start(attached)
        status = desktop.status()
        assert status is not None
        assert (status.display, status.pids.x_server) == (server.display, None)
        arguments = words(spec.folder, "agent-arguments").splitlines()
        assert arguments[arguments.index("--source") + 1] == "shm"
        assert len(remains(spec.session)) == 1
        await desktop.stop()
        assert server.process.poll() is None


async def test_stubborn_child_of_a_child_ends_too(spec: DesktopSpec) -> None:
    desktop = await launcher("PARENT").start(spec)
    await until("the child", lambda: words(spec.folder, "child"))
    child = words(spec.folder, "child")
    agent = agent_of(desktop)
    assert agent is not None
    os.kill(agent, signal.SIGKILL)  # the child is an orphan now
    await until("another child", lambda: words(spec.folder, "child") not in ("", child))
    assert is_there(f"/proc/{child}")
    await desktop.stop()
    assert not is_there(f"/proc/{child}")


def programs_below(keeper: int) -> dict[str, int]:
    """Names and pids."""
    return {words(f"/proc/{pid}/comm").strip(): pid for pid in descendants(keeper)}


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


async def test_office_runs_and_ends_whole(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    status = desktop.status()
    assert status is not None
    keeper = status.pids.keeper
    wanted = {"openbox", "tint2", "pcmanfm", "lxterminal", "mousepad", "dbus-daemon"}
    await until("the programs", lambda: wanted <= programs_below(keeper).keys())
    around = environment_of(programs_below(keeper)["openbox"])
    assert around["HOME"] == spec.home
    assert around[MARK] == spec.session
    assert around["DISPLAY"] == status.display
    assert around["LANG"].lower().endswith(("utf-8", "utf8"))
    assert "Max core file size        0 " in words(f"/proc/{programs_below(keeper)['openbox']}/limits")
    await desktop.stop()
    assert remains(spec.session) == []
    assert not is_there(spec.folder)


@pytest.fixture
def no_programs(spec: DesktopSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host where a keeper finds no program of a profile. Python imports `sitecustomize` at its start."""
    hook = Path(spec.home).parent / "hook"
    hook.mkdir()
    patch = "import display_server.supervisor.environment as environment\nenvironment.PATH = '/nowhere'\n"
    (hook / "sitecustomize.py").write_text(patch)
    monkeypatch.setenv("PYTHONPATH", f"{hook}:{Path(__file__).parents[3]}")


@pytest.mark.usefixtures("no_programs")
async def test_missing_program_is_told_and_the_rest_goes_on(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office")
    desktop = await launcher().start(office)
    await until("the word", lambda: log_of(office).count("program missing") == 8)
    assert "apt-get install openbox" in log_of(office)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    await desktop.stop()
