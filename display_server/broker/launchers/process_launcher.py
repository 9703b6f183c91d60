"""The contract of everything that can start desktops, and the launcher that makes them processes here.

start(spec) ─► RunningDesktop ─► wait() … stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from display_server.desktop.spec import DesktopSpec, DesktopState, DesktopStatus, write_spec
from display_server.errors import DesktopError
from display_server.supervisor.leftovers import end_remains

#: A keeper ends everything well within this; then it is killed, and what it left is swept.
STOP_TIMEOUT_S = 8.0
#: The keeper's own log is for post-mortems; it is cut when a new desktop starts beyond this size.
LOG_MAX_BYTES = 4 * 1024 * 1024

KEEPER = (sys.executable, "-m", "display_server.supervisor.desktop_supervisor")


class RunningDesktop(Protocol):
    """A desktop that was ready once."""

    async def wait(self) -> str | None:
        """Returns when the desktop is over: None when it ended by itself or was stopped, else what broke.

        Any number may wait.
        """

    async def stop(self) -> None:
        """Ends every process of the desktop and removes its folder. Safe to call twice."""

    def status(self) -> DesktopStatus | None:
        """As the keeper told it last."""


class Launcher(Protocol):
    """Starts desktops. Every desktop ends with the process that started it, however that ends."""

    async def start(self, spec: DesktopSpec) -> RunningDesktop:
        """Makes the folder `spec.folder` and returns when the desktop can be viewed.

        Raises DesktopError; leaves no process and no folder behind then, nor when cancelled.
        """


class ProcessLauncher:
    """A keeper process per desktop.

    Its standard input is the lifeline; on its standard output it tells each change of state.
    """

    def __init__(self, keeper: Sequence[str] = KEEPER) -> None:
        self._keeper = tuple(keeper)

    async def start(self, spec: DesktopSpec) -> SupervisorProcess:
        try:
            _make_folders(spec)
            process = await self._spawn(spec)
        except OSError as error:
            shutil.rmtree(spec.folder, ignore_errors=True)
            raise DesktopError(f"The desktop's folder could not be made: {error}.") from error
        desktop = SupervisorProcess(spec, process)
        try:
            await desktop.ready()
        except BaseException:
            await asyncio.shield(desktop.stop())
            raise
        return desktop

    async def _spawn(self, spec: DesktopSpec) -> asyncio.subprocess.Process:
        log = Path(spec.log_folder) / f"{spec.desktop}.log"
        if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_suffix(".log.1"))
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            return await asyncio.create_subprocess_exec(
                *self._keeper,
                spec.folder,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                start_new_session=True,  # Ctrl-C at the door's terminal is the door's affair
            )
        finally:
            os.close(descriptor)


def _make_folders(spec: DesktopSpec) -> None:
    Path(spec.folder).mkdir(mode=0o700, parents=True)
    for place in (spec.home, spec.log_folder):
        Path(place).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_spec(spec)


class SupervisorProcess:
    """A running keeper, seen from the door."""

    def __init__(self, spec: DesktopSpec, process: asyncio.subprocess.Process) -> None:
        self._spec = spec
        self._process = process
        self._status: DesktopStatus | None = None
        self._ready = asyncio.Event()  # or over
        self._stopping = False
        self._life = asyncio.create_task(self._follow(), name=f"keeper of {spec.session}")

    async def ready(self) -> None:
        """Raises DesktopError when it is over before it is ready."""
        await self._ready.wait()
        if self._status is None or self._status.state is not DesktopState.READY:
            raise DesktopError(await self.wait() or "The desktop ended while it was starting.")

    async def wait(self) -> str | None:
        return await asyncio.shield(self._life)

    def status(self) -> DesktopStatus | None:
        return self._status

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

    async def _follow(self) -> str | None:
        """Reads the keeper's lines to the end. Returns what broke, or None."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            with contextlib.suppress(msgspec.MsgspecError):  # a program's own words on our standard output
                self._status = msgspec.json.decode(line, type=DesktopStatus)
                if self._status.state is not DesktopState.STARTING:
                    self._ready.set()
        code = await self._process.wait()
        if code != 0:
            # It did not end in order (killed, crashed), so its children are on their own.
            await asyncio.to_thread(end_remains, self._spec.session)
        error = self._verdict(code)
        self._ready.set()
        return error

    def _verdict(self, code: int) -> str | None:
        if self._status is not None and self._status.error:
            return self._status.error
        if self._stopping or (code == 0 and self._status and self._status.state is DesktopState.ENDED):
            return None
        return f"The desktop's keeper ended unexpectedly ({_describe(code)})."


def _describe(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
