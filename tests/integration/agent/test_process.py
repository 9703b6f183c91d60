"""The agent as a process over a real X server: start, exact frames, monitors, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.desktop.spec import DesktopSpec, write_spec
from display_server.desktop.video_settings import VideoSettings
from display_server.desktop.x11.monitors import Monitor
from display_server.desktop.x11.randr import Randr
from display_server.protocol.close_codes import CloseCode
from tests.fakes.viewer import SECRET, FakeViewer
from tests.fakes.x_server import Painter, XServer, x_server

ROOT = str(Path(__file__).parents[3])
COMMAND = (sys.executable, "-m", "display_server.agent")
WIDTH, HEIGHT = 700, 430


@dataclass
class AgentProcess:
    """An agent process, its X server, and a client that draws on it."""

    server: XServer
    folder: Path
    process: subprocess.Popen[bytes]
    painter: Painter

    @property
    def socket(self) -> Path:
        return self.folder / "agent.sock"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def frame(self) -> NDArray[np.uint8]:
        """Returns the screen as an independent X client reads it, (height, width, 4)."""
        pixels = self.painter.pixels()
        return np.dstack([pixels, np.zeros(pixels.shape[:2], np.uint8)])

    async def wait(self) -> int:
        """Returns the exit code."""
        return await asyncio.to_thread(self.process.wait, 5)


@asynccontextmanager
async def agent_process(
    source: str = "fbdir",
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    outputs: int = 1,
    attach: bool = False,
    video: VideoSettings = VideoSettings(),  # noqa: B008 - frozen
    under: Sequence[str] = (),
) -> AsyncIterator[AgentProcess]:
    """Starts an agent over an X server of its own. `under` is a command that runs the agent's command."""
    with x_server(*size, outputs=outputs) as server, tempfile.TemporaryDirectory(prefix="agent-") as name:
        folder = Path(name)
        write_spec(
            DesktopSpec(
                session="s",
                user="u",
                desktop="d",
                profile="blank",
                width_px=WIDTH,
                height_px=HEIGHT,
                home=name,
                folder=name,
                log_folder=name,
                attach=server.display if attach else None,
                secret=SECRET,
                video=video,
            )
        )
        (folder / "framebuffer").symlink_to(server.framebuffer)
        painter = Painter(server)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - takes a few ms, and nothing else runs yet
                [*under, *COMMAND, "--folder", name, "--display", server.display, "--source", source],
                env={**server.environment, "PYTHONPATH": ROOT},
                stderr=log,
            )
        try:
            running = AgentProcess(server, folder, process, painter)
            async with asyncio.timeout(90):
                while not running.socket.exists():
                    assert process.poll() is None, running.log
                    await asyncio.sleep(0.01)
            yield running
        finally:
            process.kill()
            process.wait()
            painter.close()


@pytest.mark.parametrize("source", ["fbdir", "shm"])
async def test_shows_exactly_what_programs_draw(source: str) -> None:
    random = np.random.default_rng(1)
    async with agent_process(source) as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        for _ in range(80):
            width, height = (int(n) for n in random.integers(1, 300, 2))
            x, y = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
            running.painter.fill(x, y, width, height, int(random.integers(0, 1 << 24)))
        await viewer.until_exact(running.frame())


async def test_ends_on_sigterm_and_tells_its_viewers() -> None:
    async with agent_process() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        running.process.send_signal(signal.SIGTERM)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == CloseCode.GOING_AWAY
        assert await running.wait() == 0
        assert not running.socket.exists()


async def test_ends_when_its_x_server_dies() -> None:
    async with agent_process() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        running.server.process.send_signal(signal.SIGTERM)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == CloseCode.DESKTOP_ENDED
        assert await running.wait() == 1
        last = json.loads(running.log.splitlines()[-1])
        assert last["kind"] == "CaptureError"
        assert "has ended" in last["error"]
        assert "xcb" not in last["error"]


PAIR = [
    {"id": 0, "x": 0, "y": 0, "width": 800, "height": 1000},
    {"id": 1, "x": 800, "y": 120, "width": 640, "height": 480},
]


async def test_applies_layouts_that_viewers_request() -> None:
    """One monitor becomes two, one of them is resized, then removed: all over the same connection."""
    async with agent_process(size=(1500, 1000), outputs=6) as running, FakeViewer(running.socket) as left:
        await left.until_exact(running.frame())
        await left.send(type="layout", monitors=PAIR)
        await left.until(lambda: left.surface.shape[:2] == (1000, 800))
        async with FakeViewer(running.socket, monitor=1) as right:
            for number in range(30):
                running.painter.fill(40 * number, 20 * number, 300, 300, 0x0A1B2C * (number + 1) & 0xFFFFFF)
            await left.until_exact(running.frame()[:1000, :800])
            await right.until_exact(running.frame()[120:600, 800:1440])
            await right.send(type="layout", monitors=[PAIR[0], {**PAIR[1], "height": 500}])
            await right.until(lambda: right.surface.shape[:2] == (500, 640))
            await right.until_exact(running.frame()[120:620, 800:1440])
            await right.send(type="pointer", x=-50, y=10, buttons=0)
            await left.until(lambda: bool(left.received("pointer")))
            assert left.received("pointer")[-1] == {"type": "pointer", "x": 750, "y": 130}
            await left.send(type="layout", monitors=PAIR[:1], scale=125)
            await right.until(lambda: right.close_code is not None)
            assert right.close_code == CloseCode.MONITOR_REMOVED
        running.painter.fill(0, 0, 99, 99, 0xABCDEF)
        await left.until_exact(running.frame())
        await left.until(lambda: left.received("monitors")[-1]["scale"] == 125)
        assert left.close_code is None


async def test_follows_monitors_that_other_x_clients_arrange() -> None:
    async with agent_process(size=(1500, 1000), outputs=6) as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        timings = ["20", "640", "641", "642", "643", "480", "481", "482", "483"]
        for arguments in (
            ["--newmode", "m", *timings],
            ["--addmode", "screen", "m"],
            ["--output", "screen", "--mode", "m"],
        ):
            command = ["xrandr", *arguments]
            await asyncio.to_thread(
                subprocess.run, command, env=running.server.environment, check=True, capture_output=True
            )
        await viewer.until(lambda: viewer.surface.shape[:2] == (480, 640))
        running.painter.fill(0, 0, 50, 50, 0x123456)
        await viewer.until_exact(running.frame())


async def test_shows_but_does_not_arrange_the_monitors_of_an_attached_display() -> None:
    async with (
        agent_process("shm", size=(1500, 1000), outputs=6, attach=True) as running,
        FakeViewer(running.socket) as left,
    ):
        await left.until(lambda: left.epoch > 0)
        with contextlib.closing(Randr(running.server.display, None)) as randr:
            # The screen keeps its size: a shared-memory source cannot follow another one.
            randr.apply([Monitor(0, 0, 0, 900, 1000), Monitor(1, 900, 500, 600, 500)])
        await left.until(lambda: left.surface.shape[:2] == (1000, 900))
        async with FakeViewer(running.socket, monitor=1) as right:
            running.painter.fill(880, 480, 300, 300, 0x123456)
            await right.until_exact(running.frame()[500:, 900:])
            await right.send(type="layout", monitors=PAIR)
            await right.until(lambda: bool(right.received("notice")))
            assert right.received("notice")[0]["code"] == "layout-refused"
            assert right.messages[0]["screen_max"] is None


@pytest.mark.parametrize("broken", ["spec", "display"])
def test_wrong_arguments_end_with_a_clear_message(broken: str, tmp_path: Path) -> None:
    if broken == "display":
        home = str(tmp_path)
        write_spec(DesktopSpec("s", "u", "d", "blank", 1, 1, home, home, home))
        (tmp_path / "framebuffer").mkdir()
        (tmp_path / "framebuffer" / "Xvfb_screen0").write_bytes(bytes(200))
    ended = subprocess.run(
        [*COMMAND, "--folder", str(tmp_path), "--display", ":65000"],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        timeout=120,
    )
    assert ended.returncode == 1
    last = json.loads(ended.stderr.splitlines()[-1])
    assert {"spec": "spec.json", "display": ":65000"}[broken] in last["error"]
