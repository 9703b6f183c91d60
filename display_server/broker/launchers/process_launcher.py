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
import structlog

from display_server.broker.launchers.desktop_log import open_desktop_log
from display_server.broker.launchers.profile_needs import names_a_browser
from display_server.broker.launchers.supervised_desktop import SupervisedDesktop
from display_server.desktop.session_processes import (
    describe_exit,
    explain_exit,
    kill_session_processes,
)
from display_server.desktop.spec import (
    DesktopSpec,
    DesktopState,
    DesktopStatus,
    write_spec,
)
from display_server.errors import DesktopError

log = structlog.get_logger(__name__)

#: How long a supervisor may take to end its desktop after SIGTERM, s. It needs about 1 s; then it is killed.
STOP_TIMEOUT_S = 8.0
#: A supervisor that ran longer than this was no failure of the desktop, s.
STABLE_AFTER_S = 10.0
#: How many supervisors may die young in a row, before the desktop counts as failed.
RESTARTS_MAX = 3

SUPERVISOR_COMMAND = (sys.executable, "-m", "display_server.supervisor")


class ProcessLauncher:
    """Starts one supervisor process per desktop.

    The desktop ends when the supervisor's standard input closes, so it does not outlive this process. A
    supervisor that is killed is replaced, and its desktop goes on. It writes each change of its status to its
    standard output, one JSON object per line.
    """

    def __init__(self, supervisor_command: Sequence[str] = SUPERVISOR_COMMAND) -> None:
        self._supervisor_command = tuple(supervisor_command)

    async def start(self, spec: DesktopSpec) -> SupervisorProcess:
        if os.geteuid() == 0 and names_a_browser(spec.profile):
            raise DesktopError(
                "The browser of this desktop does not run as root.",
                next_step="The administrator has to isolate desktops, or to start Lightbox as another user.",
            )
        try:
            _make_folders(spec)
            process = await _spawn(spec, self._supervisor_command)
        except OSError as error:
            shutil.rmtree(spec.folder, ignore_errors=True)
            raise DesktopError(
                f"The desktop's folder could not be created: {error.strerror}.",
                next_step="The administrator has to make the state folder writable, and free some space.",
            ) from error
        desktop = SupervisorProcess(spec, process, self._supervisor_command)
        try:
            await desktop.wait_until_ready()
        except BaseException:
            await asyncio.shield(desktop.stop())
            raise
        return desktop


async def _spawn(spec: DesktopSpec, command: Sequence[str]) -> asyncio.subprocess.Process:
    """Starts a supervisor. Raises OSError."""
    descriptor = open_desktop_log(spec, os.environ)
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            "--end-with-stdin",
            spec.folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=descriptor,
            start_new_session=True,  # Ctrl-C in the server's terminal must reach only the server
        )
    finally:
        os.close(descriptor)


def _make_folders(spec: DesktopSpec) -> None:
    """Creates the desktop's folder, which must not exist, its home and its log folder.

    Raises OSError, and DesktopError when the home is where only the spawner can open it.
    """
    if Path(f"{spec.home}.img").exists() or Path(f"{spec.home}.moved").exists():
        raise DesktopError(
            "The home of this desktop is in an image, which only isolated desktops use.",
            next_step="The administrator has to start Lightbox with isolation again.",
        )
    Path(spec.folder).mkdir(mode=0o700, parents=True)
    for folder in (spec.home, spec.log_folder):
        Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_spec(spec)


class SupervisorProcess(SupervisedDesktop):
    """A RunningDesktop: the supervisor process of one desktop, as its parent process sees it."""

    def __init__(
        self, spec: DesktopSpec, process: asyncio.subprocess.Process, supervisor_command: Sequence[str]
    ) -> None:
        self._process = process
        self._supervisor_command = supervisor_command
        super().__init__(spec)

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
        """Follows the supervisor, and starts another one when it is killed, until the desktop is over.

        Returns why the desktop failed, or None.
        """
        loop = asyncio.get_running_loop()
        young = 0
        while True:
            started_s = loop.time()
            code = await self._follow()
            young = 0 if loop.time() - started_s > STABLE_AFTER_S else young + 1
            if self._stopping or self._is_over() or young > RESTARTS_MAX:
                break
            log.warning("supervisor replaced", session=self._spec.session, exit=describe_exit(code))
            try:
                self._process = await _spawn(self._spec, self._supervisor_command)
            except OSError as error:
                log.error("supervisor not replaced", session=self._spec.session, error=str(error))
                break
        if code != 0:
            # Nobody else terminates the processes of a supervisor that was killed.
            await asyncio.to_thread(kill_session_processes, self._spec.session)
        reason = self._failure(code)
        self._started.set()
        return reason

    async def _follow(self) -> int:
        """Reads the supervisor's status lines until it exits. Returns its exit code."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(msgspec.MsgspecError):  # the output of a program, not a status
                self._status = msgspec.json.decode(line, type=DesktopStatus)
                if self._status.state is not DesktopState.STARTING:
                    self._started.set()
        return await self._process.wait()

    def _is_over(self) -> bool:
        """Returns whether the desktop has ended or failed, or its supervisor did not even begin."""
        return self._status is None or self._status.state in (DesktopState.ENDED, DesktopState.FAILED)

    def _failure(self, code: int) -> str | None:
        if self._status is not None and self._status.error:
            return self._status.error
        if self._stopping or (code == 0 and self._status and self._status.state is DesktopState.ENDED):
            return None
        return f"The supervisor of this desktop {explain_exit(code)}. Open the desktop again."
