"""The agent as a process over a real X server: from start to exact, and its ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from display_server.desktop.spec import DesktopSpec, write_spec
from tests.fakes.viewer import FakeViewer
from tests.fakes.x_server import Painter, XServer, x_server

ROOT = str(Path(__file__).parents[3])
COMMAND = (sys.executable, "-m", "display_server.agent")
WIDTH, HEIGHT = 700, 430


@dataclass
class AgentProcess:
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

    def picture(self) -> NDArray[np.uint8]:
        """As an independent client sees it, (height, width, 4)."""
        return np.dstack([self.painter.pixels(), np.zeros((HEIGHT, WIDTH), np.uint8)])

    async def ended(self) -> int:
        return await asyncio.to_thread(self.process.wait, 5)


@asynccontextmanager
async def agent_process(source: str = "fbdir") -> AsyncIterator[AgentProcess]:
    with x_server(WIDTH, HEIGHT) as server, tempfile.TemporaryDirectory(prefix="agent-") as name:
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
            )
        )
        (folder / "framebuffer").symlink_to(server.framebuffer)
        painter = Painter(server)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: ASYNC220 - a few ms, and nothing else runs yet
                [*COMMAND, "--folder", name, "--display", server.display, "--source", source],
                env={**server.environment, "PYTHONPATH": ROOT},
                stderr=log,
            )
        try:
            running = AgentProcess(server, folder, process, painter)
            async with asyncio.timeout(10):
                while not running.socket.exists():
                    assert process.poll() is None, running.log
                    await asyncio.sleep(0.01)
            yield running
        finally:
            process.kill()
            process.wait()
            painter.close()


@pytest.mark.parametrize("source", ["fbdir", "shm"])
async def test_what_is_drawn_on_x_arrives_exactly(source: str) -> None:
    random = np.random.default_rng(1)
    async with agent_process(source) as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        for _ in range(80):
            width, height = (int(n) for n in random.integers(1, 300, 2))
            x, y = int(random.integers(0, WIDTH - width)), int(random.integers(0, HEIGHT - height))
            running.painter.fill(x, y, width, height, int(random.integers(0, 1 << 24)))
        await viewer.until_exact(running.picture())


async def test_told_to_end() -> None:
    async with agent_process() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        running.process.send_signal(signal.SIGTERM)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == 1001
        assert await running.ended() == 0
        assert not running.socket.exists()


async def test_an_x_server_that_dies() -> None:
    async with agent_process() as running, FakeViewer(running.socket) as viewer:
        await viewer.until(lambda: viewer.epoch > 0)
        running.server.process.send_signal(signal.SIGTERM)
        await viewer.until(lambda: viewer.close_code is not None)
        assert viewer.close_code == 4404
        assert await running.ended() == 1
        last = json.loads(running.log.splitlines()[-1])
        assert last["kind"] == "CaptureError"
        assert "gone" in last["error"]


@pytest.mark.parametrize("broken", ["spec", "display"])
def test_wrong_arguments_end_with_a_clear_message(broken: str, tmp_path: Path) -> None:
    if broken == "display":
        home = str(tmp_path)
        write_spec(DesktopSpec("s", "u", "d", "p", 1, 1, home, home, home))
        (tmp_path / "framebuffer").mkdir()
        (tmp_path / "framebuffer" / "Xvfb_screen0").write_bytes(bytes(200))
    ended = subprocess.run(
        [*COMMAND, "--folder", str(tmp_path), "--display", ":65000"],
        env={**os.environ, "PYTHONPATH": ROOT},
        capture_output=True,
        timeout=20,
    )
    assert ended.returncode == 1
    last = json.loads(ended.stderr.splitlines()[-1])
    assert {"spec": "spec.json", "display": ":65000"}[broken] in last["error"]
