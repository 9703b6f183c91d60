"""Launchers that start no desktop, each with its own way of behaving."""

from __future__ import annotations

import asyncio
from pathlib import Path

from display_server.desktop.spec import DesktopSpec, DesktopStatus
from display_server.errors import DesktopError
from tests.fakes.echo_agent import EchoAgent


class FakeDesktop:
    """A desktop whose agent echoes. `crash` ends it as if its X server died."""

    def __init__(self, spec: DesktopSpec) -> None:
        self.spec = spec
        self.agent = EchoAgent(spec.socket)
        self.stopped = 0
        self._over: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    async def wait(self) -> str | None:
        return await asyncio.shield(self._over)

    async def stop(self) -> None:
        self.stopped += 1
        await self.agent.stop()
        if not self._over.done():
            self._over.set_result(None)

    def status(self) -> DesktopStatus | None:
        return None

    def crash(self, error: str) -> None:
        if not self._over.done():
            self._over.set_result(error)


class EchoLauncher:
    """Starts at once."""

    def __init__(self) -> None:
        self.started: list[FakeDesktop] = []

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        Path(spec.folder).mkdir(mode=0o700, parents=True)  # noqa: ASYNC240 - a test
        desktop = FakeDesktop(spec)
        await desktop.agent.start()
        self.started.append(desktop)
        return desktop


class SlowLauncher(EchoLauncher):
    """Starts when `go` is set. `asked` counts."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.asked = 0

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        self.asked += 1
        await self.go.wait()
        return await super().start(spec)


class NeverLauncher:
    """Never gets it done. `gave_up` tells that it was cancelled properly."""

    def __init__(self) -> None:
        self.at_it = False
        self.gave_up = False

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        self.at_it = True
        try:
            await asyncio.Event().wait()
        finally:
            self.gave_up = True
        raise AssertionError("unreachable")


class CrashingLauncher:
    """Fails: with what a launcher may raise, or with what it may not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error or DesktopError("Xvfb is not installed.\n  apt-get install xvfb")

    async def start(self, spec: DesktopSpec) -> FakeDesktop:
        raise self.error
