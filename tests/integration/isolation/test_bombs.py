"""A program uses up everything that its desktop has, and the desktop beside it goes on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from display_server.broker.container_processes import container_processes
from display_server.spawner import layout
from display_server.supervisor.agent_process import is_healthy
from display_server.supervisor.children import PROGRAM_NICENESS
from tests.fakes.viewer import FakeViewer
from tests.integration.isolation.bombs import BOMBS
from tests.integration.isolation.worlds import (
    BOMBS_PROGRAM,
    LIMITS,
    PATIENCE_S,
    BackgroundLoop,
    IsolatedWorld,
    base_folder,
    wait_for,
)

# At night only: bombs use up processors and numbers that all tests of a machine share.
pytestmark = [pytest.mark.nightly, pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")]
HEIGHT_PX, WIDTH_PX = 480, 640


@pytest.fixture(scope="module")
def world(loop: BackgroundLoop) -> Iterator[IsolatedWorld]:
    with base_folder() as base:
        world = IsolatedWorld(loop, base)
        try:
            world.start("kim")
            world.start("lee")
            yield world
        finally:
            world.close()


async def draw_and_see(world: IsolatedWorld, viewer: FakeViewer, username: str, colour: int) -> None:
    """Colours a desktop's screen, with a program inside, and waits until the viewer shows exactly that."""
    done = world.run(username, on_x("xsetroot", "-solid", f"#{colour:06x}"))
    assert done.returncode == 0, done.stdout
    blue, green, red = colour & 255, colour >> 8 & 255, colour >> 16
    frame = np.full((HEIGHT_PX, WIDTH_PX, 4), (blue, green, red, 255), np.uint8)
    await viewer.until(lambda: viewer.state == "exact" and bool((viewer.surface == frame)[..., :3].all()))


def on_x(*command: str) -> list[str]:
    """Returns a command that runs as programs of a profile do."""
    return [
        "nice",
        "-n",
        str(PROGRAM_NICENESS),
        "env",
        "DISPLAY=:0",
        f"XAUTHORITY={layout.PROGRAM_AUTHORITY}",
        *command,
    ]


@pytest.mark.parametrize("name", BOMBS)
async def test_the_neighbour_of_a_bomb_goes_on(world: IsolatedWorld, name: str) -> None:
    bombed, neighbour = world.specs["kim"], world.specs["lee"]
    before = world.status("kim").pids, world.status("lee").pids
    async with (
        FakeViewer(neighbour.socket, secret=neighbour.secret) as viewer,
        FakeViewer(bombed.socket, secret=bombed.secret) as own,
    ):
        await draw_and_see(world, viewer, "lee", 0x102030)
        command = on_x(sys.executable, "-c", BOMBS_PROGRAM.read_text(), name)
        with world.program("kim", command) as bomb:
            try:
                assert bomb.stdout is not None
                assert bomb.stdout.readline() == "bombing\n"
                for colour in (0x405060, 0x708090, 0xA0B0C0):
                    await draw_and_see(world, viewer, "lee", colour)
                assert processes(world, "kim") <= LIMITS.processes
                assert opens_a_terminal(world, "lee")
            finally:
                assert bomb.stdin is not None
                bomb.stdin.close()
                bomb.wait(PATIENCE_S)
        # The bombed desktop has its X server and its agent yet, and is exact again.
        await draw_and_see(world, own, "kim", 0x0D0E0F)
    assert (world.status("kim").pids, world.status("lee").pids) == before


def test_an_agent_is_replaced_although_programs_use_up_the_processes(world: IsolatedWorld) -> None:
    """Programs leave some processes to the supervisor, the agent and the X server."""
    spec = world.specs["kim"]
    before = world.status("kim").pids
    assert before.agent is not None
    with world.program("kim", on_x(sys.executable, "-c", BOMBS_PROGRAM.read_text(), "forks")) as bomb:
        try:
            assert bomb.stdout is not None
            assert bomb.stdout.readline() == "bombing\n"
            os.kill(container_processes()[spec.session][before.agent], signal.SIGKILL)
            wait_for(lambda: world.status("kim").pids.agent not in (None, before.agent), "another agent")
        finally:
            assert bomb.stdin is not None
            bomb.stdin.close()
            bomb.wait(PATIENCE_S)
    # The bomb leaves the new agent little processor time, so that only now it must be ready.
    wait_for(lambda: world.loop.run(is_healthy(spec)), "an agent that answers")
    assert world.status("kim").pids.x_server == before.x_server


def processes(world: IsolatedWorld, username: str) -> int:
    """Returns how many processes run in a desktop."""
    return len(container_processes()[world.specs[username].session])


def opens_a_terminal(world: IsolatedWorld, username: str) -> bool:
    code = "import os; os.openpty()"
    return world.run(username, [sys.executable, "-I", "-c", code]).returncode == 0
