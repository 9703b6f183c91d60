"""The launcher that starts desktops on this host, with one supervisor process for each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from display_server.broker.launchers.desktop_log import open_desktop_log
from display_server.broker.launchers.launcher import ENDED_EARLY
from display_server.desktop.session_processes import explain_exit, kill_session_processes
from display_server.desktop.spec import DesktopSpec, DesktopState, DesktopStatus, write_spec
from display_server.errors import DesktopError

#: How long a supervisor may take to end its desktop after SIGTERM, s. It needs about 1 s; then it is killed.
STOP_TIMEOUT_S = 8.0

SUPERVISOR_COMMAND = (sys.executable, "-m", "display_server.supervisor")


class ProcessLauncher:
    """Starts one supervisor process per desktop.

    The supervisor ends when its standard input closes, so a desktop never outlives this process. It writes
    each change of its status to its standard output, one JSON object per line.
    """

    def __init__(self, supervisor_command: Sequence[str] = SUPERVISOR_COMMAND) -> None:
        self._supervisor_command = tuple(supervisor_command)

    async def start(self, spec: DesktopSpec) -> SupervisorProcess:
        try:
            _make_folders(spec)
            process = await self._spawn(spec)
        except OSError as error:
            shutil.rmtree(spec.folder, ignore_errors=True)
            raise DesktopError(
                f"The desktop's folder could not be created: {error.strerror}.",
                next_step="The administrator has to make the state folder writable, and free some space.",
            ) from error
        desktop = SupervisorProcess(spec, process)
        try:
            await desktop.wait_until_ready()
        except BaseException:
            await asyncio.shield(desktop.stop())
            raise
        return desktop

    async def _spawn(self, spec: DesktopSpec) -> asyncio.subprocess.Process:
        descriptor = open_desktop_log(spec, os.environ)
        try:
            return await asyncio.create_subprocess_exec(
                *self._supervisor_command,
                spec.folder,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,  # Ctrl-C in the server's terminal must reach only the server
            )
        finally:
            os.close(descriptor)


def _make_folders(spec: DesktopSpec) -> None:
    """Creates the desktop's folder, which must not exist, its home and its log folder. Raises OSError."""
    Path(spec.folder).mkdir(mode=0o700, parents=True)
    for folder in (spec.home, spec.log_folder):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_spec(spec)


class SupervisorProcess:
    """A RunningDesktop: the supervisor process of one desktop, as its parent process sees it."""

    def __init__(self, spec: DesktopSpec, process: asyncio.subprocess.Process) -> None:
        self._spec = spec
        self._process = process
        self._status: DesktopStatus | None = None
        self._started = asyncio.Event()  # set once the desktop is ready or over
        self._stopping = False
        self._monitoring = asyncio.create_task(self._monitor(), name=f"supervisor of {spec.session}")

    async def wait_until_ready(self) -> None:
        """Raises DesktopError when the desktop is over before it is ready."""
        await self._started.wait()
        if self._status is None or self._status.state is not DesktopState.READY:
            raise DesktopError(await self.wait() or ENDED_EARLY)

    async def wait(self) -> str | None:
        return await asyncio.shield(self._monitoring)

    def status(self) -> DesktopStatus | None:
        return self._status

    def restart_display(self) -> None:
        agent = self._status.pids.agent if self._status is not None else None
        if agent is not None and _parent_of(agent) == self._process.pid:
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(agent, signal.SIGKILL)

    async def stop(self) -> None:
        self._stopping = True
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self.wait()
        shutil.rmtree(self._spec.folder, ignore_errors=True)

    async def _monitor(self) -> str | None:
        """Reads the supervisor's status lines until it exits. Returns why the desktop failed, or None."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(msgspec.MsgspecError):  # the output of a program, not a status
                self._status = msgspec.json.decode(line, type=DesktopStatus)
                if self._status.state is not DesktopState.STARTING:
                    self._started.set()
        code = await self._process.wait()
        if code != 0:
            # The supervisor crashed or was killed, so nobody else terminates its children.
            await asyncio.to_thread(kill_session_processes, self._spec.session)
        error = self._failure(code)
        self._started.set()
        return error

    def _failure(self, code: int) -> str | None:
        if self._status is not None and self._status.error:
            return self._status.error
        if self._stopping or (code == 0 and self._status and self._status.state is DesktopState.ENDED):
            return None
        return f"The supervisor of this desktop {explain_exit(code)}. Open the desktop again."


def _parent_of(pid: int) -> int | None:
    """Returns the parent of a process, so that a number that was given to another process is not killed."""
    try:
        # "pid (name) state ppid …"; the name may contain anything, also blanks and brackets
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return None
