"""Launchers that start no desktop and misbehave as their names say."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Literal

from display_server.desktop.spec import DesktopSpec, DesktopStatus
from display_server.errors import DesktopError
from tests.e2e.processes import die_with_parent
from tests.fakes.echo_agent import EchoAgent

ECHO_AGENT = Path(__file__).with_name("echo_agent_program.py")
#: Interval between two attempts to reach an agent that starts, s.
POLL_INTERVAL_S = 0.02


class FakeDesktop:
    """A desktop whose agent echoes what it receives. `stops` counts the calls of `stop`."""

    def __init__(self, spec: DesktopSpec) -> None:
        self.spec = spec
        self.agent = EchoAgent(spec.socket)
        self.stops = 0
        self.display_restarts = 0
        self.isolated = False
        self._over: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> str | None:
        return await asyncio.shield(self._over)

    async def stop(self) -> None:
        self.stops += 1
        await self.agent.stop()
        if not self._over.done():
            self._over.set_result(None)

    async def restart_display(self) -> None:
        self.display_restarts += 1

    def status(self) -> DesktopStatus | None:
        return None

    def crash(self, error: str) -> None:
        """Ends the desktop as if its X server had died."""
        if not self._over.done():
            self._over.set_result(error)


class EchoLauncher:
    """Starts a FakeDesktop at once."""

    def __init__(self) -> None:
        self.started: list[FakeDesktop] = []

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        Path(spec.folder).mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - a test
        desktop = FakeDesktop(spec)
        await desktop.agent.start()
        self.started.append(desktop)
        return desktop


class EchoProcess(EchoAgent):
    """The same agent as a process of its own, which ends with the broker."""

    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ECHO_AGENT), "--folder", str(self.socket.parent)),
            preexec_fn=die_with_parent,
        )
        while self._process.returncode is None:
            try:
                _, writer = await asyncio.open_unix_connection(str(self.socket))
            except OSError:
                await asyncio.sleep(POLL_INTERVAL_S)
                continue
            writer.close()
            return
        raise DesktopError("The echo agent has ended.")

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()


class EchoProcessLauncher(EchoLauncher):
    """Starts desktops whose agents go on while the broker is stopped."""

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        Path(spec.folder).mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - a test
        desktop = FakeDesktop(spec)
        desktop.agent = EchoProcess(spec.socket)
        await desktop.agent.start()
        return desktop


class SlowLauncher(EchoLauncher):
    """Starts a FakeDesktop when `release` is set. `requests` counts the calls of `start`."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()
        self.requests = 0

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        self.requests += 1
        await self.release.wait()
        return await super().start(spec)


class NeverLauncher:
    """Never finishes a start. `cancelled` says whether the start was cancelled."""

    def __init__(self) -> None:
        self.starting = False
        self.cancelled = False

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        self.starting = True
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True
        raise AssertionError("unreachable")


class CrashingLauncher:
    """Fails with the given error; by default with a DesktopError, the only one that the contract allows."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or DesktopError("Xvfb is not installed.\n  apt-get install xvfb")

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        raise self.error


class LastingEchoDesktop(FakeDesktop):
    """A FakeDesktop that goes on when it is released. `releases` counts the calls of `release`."""

    releases = 0

    @property
    def goes_on(self) -> bool:
        return self.stops == 0

    async def release(self) -> None:
        self.releases += 1


class LastingEchoLauncher:
    """Starts desktops that outlive the broker. `desktops` has those that run, by session."""

    def __init__(self) -> None:
        self.desktops: dict[str, LastingEchoDesktop] = {}
        self.removed: list[str] = []
        self.adopting = asyncio.Event()  # `adopt` returns once it is set
        self.adopting.set()

    async def start(self, spec: DesktopSpec) -> LastingEchoDesktop:
        Path(spec.folder).mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - a test
        desktop = LastingEchoDesktop(spec)
        await desktop.agent.start()
        self.desktops[spec.session] = desktop
        return desktop

    async def running(self) -> list[DesktopSpec]:
        return [desktop.spec for desktop in self.desktops.values() if desktop.goes_on]

    async def adopt(self, spec: DesktopSpec) -> LastingEchoDesktop:
        await self.adopting.wait()
        return self.desktops[spec.session]

    async def remove(self, session: str) -> None:
        self.removed.append(session)
        if desktop := self.desktops.pop(session, None):
            await desktop.stop()


class UnstoppableDesktop(LastingEchoDesktop):
    """A FakeDesktop whose `stop` fails, although the contract says that it never does."""

    @property
    def goes_on(self) -> bool:
        return True

    async def stop(self) -> None:
        self.stops += 1
        raise RuntimeError("the desktop does not stop")


class LyingLauncher(LastingEchoLauncher):
    """Does not keep the contract. `lie` says how:

    - `ended`: its desktops have ended when `start` returns them.
    - `unstoppable`: stopping them fails, and they go on.
    - `forgets`: `running` lists none of them.
    - `invents`: `running` also lists desktops that nobody has started.
    """

    def __init__(self, lie: Literal["ended", "unstoppable", "forgets", "invents"]) -> None:
        super().__init__()
        self.lie = lie
        self.invented: list[DesktopSpec] = []

    async def start(self, spec: DesktopSpec) -> LastingEchoDesktop:
        if self.lie == "unstoppable":
            self.desktops[spec.session] = UnstoppableDesktop(spec)
            return self.desktops[spec.session]
        desktop = await super().start(spec)
        if self.lie == "ended":
            await desktop.stop()
            del self.desktops[spec.session]
        return desktop

    async def running(self) -> list[DesktopSpec]:
        return [] if self.lie == "forgets" else [*await super().running(), *self.invented]

    async def remove(self, session: str) -> None:
        self.removed.append(session)
        self.invented = [spec for spec in self.invented if spec.session != session]
        self.desktops.pop(session, None)
