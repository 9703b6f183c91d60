"""Whole desktops: launcher, supervisor and a real X server, with an agent that only reports its health."""

from __future__ import annotations

import asyncio
import contextlib
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
from display_server.broker.launchers.process_launcher import (
    RESTARTS_MAX,
    SUPERVISOR_COMMAND,
    ProcessLauncher,
    SupervisorProcess,
)
from display_server.desktop.session_processes import (
    SESSION_VARIABLE,
    kill_session_processes,
    session_processes,
)
from display_server.desktop.spec import DesktopSpec, DesktopState, read_status
from display_server.desktop.x11.text_scale import TextScale
from display_server.desktop.x11.windows import Windows
from display_server.errors import DesktopError
from display_server.supervisor.children import PROGRAM_OOM_SCORE, descendants
from display_server.supervisor.process_record import FILE_NAME, ProcessRecord
from tests.fakes.x_server import x_server

AGENT = Path(__file__).parents[2] / "fakes" / "misbehaving_agent.py"
PATIENCE_S = 90.0


def launcher(behaviour: str = "") -> ProcessLauncher:
    """With an agent that behaves as `misbehaving_agent.py` describes."""
    command = shlex.join([sys.executable, str(AGENT), *([behaviour] if behaviour else [])])
    return ProcessLauncher((*SUPERVISOR_COMMAND, "--agent-command", command))


@pytest.fixture
def spec() -> Iterator[DesktopSpec]:
    base = Path(tempfile.mkdtemp(prefix="supervisor-"))
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
    kill_session_processes(session)
    shutil.rmtree(base, ignore_errors=True)


async def until(expected: str, done: Callable[[], object]) -> None:
    for _ in range(int(PATIENCE_S / 0.01)):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{expected} did not happen within {PATIENCE_S:g} s")


def path_of(spec: DesktopSpec, *parts: str) -> Path:
    return Path(spec.folder, *parts)


def exists(*parts: str) -> bool:
    return Path(*parts).exists()


def text_of(*parts: str) -> str:
    """The content of a file; empty while the file, or the process that it describes, does not exist."""
    try:
        return Path(*parts).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def result_of(desktop: SupervisorProcess) -> str | None:
    return await asyncio.wait_for(desktop.wait(), PATIENCE_S)


def agent_of(desktop: SupervisorProcess) -> int | None:
    status = desktop.status()
    return status.pids.agent if status else None


def log_of(spec: DesktopSpec) -> str:
    return (Path(spec.log_folder) / f"{spec.desktop}.log").read_text()


async def test_a_ready_desktop_is_private_and_stops_completely(spec: DesktopSpec) -> None:
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
    arguments = text_of(spec.folder, "agent-arguments").splitlines()
    assert arguments == [
        *("--folder", spec.folder),
        *("--display", status.display),
        *("--xauthority", status.xauthority),
        *("--source", "fbdir"),
    ]
    without_cookie = {**os.environ, "XAUTHORITY": os.devnull, "DISPLAY": status.display}
    program = await asyncio.to_thread(subprocess.run, ["xdpyinfo"], env=without_cookie, capture_output=True)
    assert program.returncode != 0

    await desktop.stop()
    await desktop.stop()
    assert await result_of(desktop) is None
    assert session_processes(spec.session) == []
    assert not exists(spec.folder)
    assert exists(spec.home)


async def test_restarts_a_killed_agent(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    before = desktop.status()
    assert before is not None
    seen: list[int | None] = [None, agent_of(desktop)]
    for _ in range(2):
        agent = seen[-1]
        assert agent is not None
        os.kill(agent, signal.SIGKILL)
        await until("the start of another agent", lambda: agent_of(desktop) not in seen)
        seen.append(agent_of(desktop))
    after = desktop.status()
    assert after is not None
    assert after.pids.x_server == before.pids.x_server
    assert after.state is DesktopState.READY
    await desktop.stop()


async def test_restarts_an_agent_that_keeps_exiting(spec: DesktopSpec) -> None:
    desktop = await launcher("SHORT_LIVED").start(spec)
    await until("four restarts", lambda: log_of(spec).count("agent exited") >= 4)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    await desktop.stop()


async def test_fails_when_the_agent_never_starts(spec: DesktopSpec) -> None:
    with pytest.raises(DesktopError, match=r"display agent does not start \(exit code 1\)"):
        await launcher("CRASHING").start(spec)
    assert session_processes(spec.session) == []
    assert not exists(spec.folder)
    assert "the agent crashed" in log_of(spec)


async def test_fails_when_the_x_server_dies(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    status = desktop.status()
    assert status is not None
    assert status.pids.x_server is not None
    os.kill(status.pids.x_server, signal.SIGKILL)
    error = await result_of(desktop)
    assert error is not None
    assert error.startswith("The X server of this desktop was killed (SIGKILL), perhaps because")
    assert "Open the desktop again" in error
    assert "xcb" not in error
    written = read_status(path_of(spec))
    assert written is not None
    assert (written.state, written.error) == (DesktopState.FAILED, error)
    assert written.pids.x_server is None
    assert written.pids.agent is None
    assert not exists(spec.folder, "framebuffer")
    assert not exists(spec.folder, "xauthority")
    assert session_processes(spec.session) == []
    await desktop.stop()


async def test_a_supervisor_that_is_killed_again_and_again_leaves_no_processes(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    over = asyncio.create_task(desktop.wait())
    killed: set[int] = set()
    while not over.done():
        status = desktop.status()
        assert status is not None
        if status.pids.supervisor not in killed:
            killed.add(status.pids.supervisor)
            os.kill(status.pids.supervisor, signal.SIGKILL)
        await asyncio.sleep(0.01)
    error = await over
    assert error is not None
    assert error.startswith("The supervisor of this desktop was killed (SIGKILL)")
    assert error.endswith("Open the desktop again.")
    assert len(killed) == RESTARTS_MAX + 1
    assert session_processes(spec.session) == []
    await desktop.stop()
    assert not exists(spec.folder)


async def replace_supervisor(desktop: SupervisorProcess) -> int:
    """Kills the supervisor and returns the pid of the next one, once it publishes the desktop as ready."""
    status = desktop.status()
    assert status is not None
    killed = status.pids.supervisor
    os.kill(killed, signal.SIGKILL)

    def is_replaced() -> bool:
        status = desktop.status()
        assert status is not None
        return status.pids.supervisor != killed and status.pids.agent is not None

    await until("another supervisor", is_replaced)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    return status.pids.supervisor


async def test_x_server_agent_and_programs_outlive_their_supervisor(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    before = desktop.status()
    assert before is not None
    wanted = {"Xvfb", "openbox", "tint2", "pcmanfm", "lxterminal", "mousepad", "dbus-daemon"}

    def running() -> dict[int, str]:
        return {pid: text_of(f"/proc/{pid}/comm").strip() for pid in session_processes(spec.session)}

    await until("the start of the programs", lambda: wanted <= set(running().values()))
    await until("the record of the programs", lambda: "program terminal" in text_of(spec.folder, FILE_NAME))
    programs = {pid for pid, name in running().items() if name in wanted}
    second = await replace_supervisor(desktop)
    await replace_supervisor(desktop)
    after = desktop.status()
    assert after is not None
    assert (after.pids.x_server, after.pids.agent) == (before.pids.x_server, before.pids.agent)
    assert (after.display, after.xauthority) == (before.display, before.xauthority)
    assert log_of(office).count('"desktop continued"') == 2
    assert str(second) in log_of(office)
    await until("the end of waiting for the window manager", lambda: programs <= running().keys())
    assert sorted(running().values()).count("openbox") == 1  # nothing was started twice
    assert sorted(running().values()).count("lxterminal") == 1
    await desktop.stop()
    assert session_processes(spec.session) == []
    assert not exists(spec.folder)


async def test_a_new_supervisor_restarts_what_ended_meanwhile(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    before = desktop.status()
    assert before is not None
    assert before.pids.agent is not None
    await until("the record of the panel", lambda: "program panel" in text_of(spec.folder, FILE_NAME))
    panel = ProcessRecord(path_of(spec)).find("program panel")
    assert panel is not None
    os.kill(before.pids.supervisor, signal.SIGSTOP)  # so that it does not notice the ends
    for pid in (panel.pid, before.pids.agent):
        os.kill(pid, signal.SIGKILL)
    os.kill(before.pids.supervisor, signal.SIGKILL)
    await until("another agent", lambda: agent_of(desktop) not in (None, before.pids.agent))

    def panel_runs_again() -> bool:
        now = ProcessRecord(path_of(spec)).find("program panel")
        return now is not None and now.running and now.pid != panel.pid

    await until("another panel", panel_runs_again)
    await desktop.stop()
    assert session_processes(spec.session) == []


async def test_a_new_supervisor_reports_an_x_server_that_died_meanwhile(spec: DesktopSpec) -> None:
    desktop = await launcher().start(spec)
    status = desktop.status()
    assert status is not None
    assert status.pids.x_server is not None
    os.kill(status.pids.supervisor, signal.SIGSTOP)
    os.kill(status.pids.x_server, signal.SIGKILL)
    os.kill(status.pids.supervisor, signal.SIGKILL)
    error = await result_of(desktop)
    assert error is not None
    assert error.startswith("The X server of this desktop ended while its supervisor was restarting.")
    assert session_processes(spec.session) == []
    await desktop.stop()


async def test_programs_are_killed_first_when_memory_runs_out(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    status = desktop.status()
    assert status is not None
    own = int(text_of("/proc/self/oom_score_adj"))
    await until("the start of the panel", lambda: "tint2" in programs_of(status.pids.supervisor))
    panel = programs_of(status.pids.supervisor)["tint2"]
    assert int(text_of(f"/proc/{panel}/oom_score_adj")) == max(PROGRAM_OOM_SCORE, own)
    for pid in (status.pids.supervisor, status.pids.x_server, status.pids.agent):
        assert int(text_of(f"/proc/{pid}/oom_score_adj")) == own
    await desktop.stop()


async def test_a_killed_server_takes_the_desktop_with_it(spec: DesktopSpec) -> None:
    """The server is a process that starts a desktop, prints `ready`, and is killed."""
    server = (
        "import asyncio, sys, msgspec\n"
        "from display_server.broker.launchers.process_launcher import SUPERVISOR_COMMAND, ProcessLauncher\n"
        "from display_server.desktop.spec import DesktopSpec\n"
        "async def main():\n"
        "    spec = msgspec.json.decode(sys.argv[1], type=DesktopSpec)\n"
        "    command = (*SUPERVISOR_COMMAND, '--agent-command', sys.argv[2])\n"
        "    desktop = await ProcessLauncher(command).start(spec)\n"
        "    print('ready', flush=True)\n"
        "    await desktop.wait()\n"
        "asyncio.run(main())\n"
    )
    agent = shlex.join([sys.executable, str(AGENT)])
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", server, msgspec.json.encode(spec).decode(), agent), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), PATIENCE_S) == b"ready\n"
    # The X server and the agent; the supervisor itself does not have the session's variable.
    assert len(session_processes(spec.session)) == 2
    status = read_status(path_of(spec))
    assert status is not None
    process.kill()
    await process.wait()
    await until("the end of all processes", lambda: not session_processes(spec.session))
    await until("the end of the supervisor", lambda: not exists(f"/proc/{status.pids.supervisor}"))
    assert not exists(spec.folder, "framebuffer")


async def test_a_cancelled_start_leaves_nothing(spec: DesktopSpec) -> None:
    starting = asyncio.create_task(launcher("UNRESPONSIVE").start(spec))
    await until("the start of two processes", lambda: len(session_processes(spec.session)) == 2)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert session_processes(spec.session) == []
    assert not exists(spec.folder)


async def test_a_missing_x_server_is_reported(spec: DesktopSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DesktopError, match="Xvfb is not installed"):
        await launcher().start(spec)


async def test_only_the_log_quotes_an_x_server_that_cannot_start(spec: DesktopSpec) -> None:
    with pytest.raises(DesktopError, match=r"The X server of this desktop did not start: it .*Try again"):
        await launcher().start(msgspec.structs.replace(spec, width_px=-5))
    assert '"x_server_log": "' in log_of(spec)


@pytest.mark.skipif(os.geteuid() != 0, reason="other users may run a browser")
async def test_a_browser_is_refused_to_root(spec: DesktopSpec) -> None:
    """Chromium would end at once, because its sandbox stays on."""
    with pytest.raises(DesktopError, match=r"does not run as root.*isolate desktops"):
        await ProcessLauncher().start(msgspec.structs.replace(spec, profile="browser"))


async def test_an_unknown_profile_is_reported(spec: DesktopSpec) -> None:
    with pytest.raises(DesktopError, match="There is no profile 'cooking'"):
        await launcher().start(msgspec.structs.replace(spec, profile="cooking"))


async def test_an_existing_folder_is_refused(spec: DesktopSpec) -> None:
    await asyncio.to_thread(os.makedirs, spec.folder)
    with pytest.raises(DesktopError, match="folder could not be created"):
        await launcher().start(spec)


async def test_an_attached_display_keeps_running(spec: DesktopSpec) -> None:
    with x_server(300, 200) as server:
        attached = msgspec.structs.replace(spec, attach=server.display)
        desktop = await launcher().start(attached)
        status = desktop.status()
        assert status is not None
        assert (status.display, status.pids.x_server) == (server.display, None)
        arguments = text_of(spec.folder, "agent-arguments").splitlines()
        assert arguments[arguments.index("--source") + 1] == "shm"
        assert len(session_processes(spec.session)) == 1
        await desktop.stop()
        assert server.process.poll() is None


async def test_orphans_that_ignore_sigterm_are_killed(spec: DesktopSpec) -> None:
    desktop = await launcher("LEAVING_A_CHILD").start(spec)
    await until("the start of the child", lambda: text_of(spec.folder, "child"))
    child = text_of(spec.folder, "child")
    agent = agent_of(desktop)
    assert agent is not None
    os.kill(agent, signal.SIGKILL)  # the child loses its parent
    await until("the start of another child", lambda: text_of(spec.folder, "child") not in ("", child))
    assert exists(f"/proc/{child}")
    await desktop.stop()
    assert not exists(f"/proc/{child}")


def programs_of(supervisor: int) -> dict[str, int]:
    """The pids of all descendants, by program name."""
    return {text_of(f"/proc/{pid}/comm").strip(): pid for pid in descendants(supervisor)}


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


async def test_the_office_profile_runs_and_stops_completely(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    status = desktop.status()
    assert status is not None
    supervisor = status.pids.supervisor
    wanted = {"openbox", "tint2", "pcmanfm", "lxterminal", "mousepad", "dbus-daemon"}
    await until("the start of the programs", lambda: wanted <= programs_of(supervisor).keys())
    variables = environment_of(programs_of(supervisor)["openbox"])
    assert variables["HOME"] == spec.home
    assert variables[SESSION_VARIABLE] == spec.session
    assert variables["DISPLAY"] == status.display
    assert variables["LANG"].lower().endswith(("utf-8", "utf8"))
    assert "Max core file size        0 " in text_of(f"/proc/{programs_of(supervisor)['openbox']}/limits")
    await desktop.stop()
    assert session_processes(spec.session) == []
    assert not exists(spec.folder)


async def test_taskbar_and_title_bars_follow_the_text_size(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office", width_px=1280, height_px=800)
    desktop = await launcher().start(office)
    status = desktop.status()
    assert status is not None
    assert status.display is not None
    assert status.xauthority is not None
    with contextlib.closing(Windows(status.display, Path(status.xauthority))) as windows:

        def panel_px() -> list[int]:
            return [panel.height for panel in windows.observe().panels.values()]

        def title_bars_px() -> list[int]:
            observed = windows.observe().windows
            return [window.hints.border[1] for window in observed if window.window_class == "Lxterminal"]

        async def wait_for(height_px: int, least_px: float, most_px: float) -> None:
            await until(f"a panel of {height_px} px", lambda: panel_px() == [height_px])
            await until("title bars", lambda: [least_px <= px <= most_px for px in title_bars_px()] == [True])

        await until("a panel and a terminal", lambda: panel_px() == [40] and len(title_bars_px()) == 1)
        before_px = title_bars_px()[0]
        with contextlib.closing(TextScale(status.display, Path(status.xauthority))) as scale:
            scale.set(200)
            await wait_for(80, 2 * before_px, 4 * before_px)
            scale.set(100)
            await wait_for(40, before_px, before_px)
    await desktop.stop()


@pytest.fixture
def no_programs(spec: DesktopSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without the programs of any profile. Python imports `sitecustomize` when it starts."""
    hook = Path(spec.home).parent / "hook"
    hook.mkdir()
    patch = "from display_server.supervisor import environment\nenvironment.PROGRAM_PATH = '/nowhere'\n"
    (hook / "sitecustomize.py").write_text(patch)
    monkeypatch.setenv("PYTHONPATH", f"{hook}:{Path(__file__).parents[3]}")


@pytest.mark.usefixtures("no_programs")
async def test_missing_programs_are_logged_and_the_desktop_is_ready(spec: DesktopSpec) -> None:
    office = msgspec.structs.replace(spec, profile="office")
    desktop = await launcher().start(office)
    await until("the log of eight missing programs", lambda: log_of(office).count("program missing") == 8)
    assert "apt-get install openbox" in log_of(office)
    status = desktop.status()
    assert status is not None
    assert status.state is DesktopState.READY
    await desktop.stop()
