"""Hostile programs in a desktop: each one succeeds without isolation, and fails with it."""

from __future__ import annotations

import os
import platform
import signal
import sys

import pytest

from display_server.spawner import layout
from tests.integration.isolation.hostile_programs import PROGRAMS as NAMES
from tests.integration.isolation.worlds import (
    CALLS_32_BIT,
    PROGRAMS,
    IsolatedWorld,
    World,
    assert_refused,
    attack,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: How many programs there are at least, so that none gets lost.
PROGRAMS_MIN = 50


def test_there_are_enough_programs() -> None:
    assert len(NAMES) >= PROGRAMS_MIN


@pytest.mark.parametrize("name", NAMES)
def test_succeeds_without_isolation(open_world: World, name: str) -> None:
    assert attack(open_world, PROGRAMS, name) == (0, "succeeded\n")


@pytest.mark.parametrize("name", NAMES)
def test_fails_in_an_isolated_desktop(isolated_world: IsolatedWorld, name: str) -> None:
    assert_refused(attack(isolated_world, PROGRAMS, name))


def test_programs_use_mit_shm_as_ever(isolated_world: IsolatedWorld) -> None:
    """Their segments have mode 0600, and the X server runs as another user."""
    code = (
        "import asyncio, pathlib\n"
        "from display_server.agent.capture.xshm import XshmSource\n"
        f"source = XshmSource(':0', pathlib.Path('{layout.PROGRAM_AUTHORITY}'))\n"
        "async def read():\n"
        "    await source.open()\n"
        "    print(source.read(source.take_damage()).shape)\n"
        "asyncio.run(read())\n"
    )
    done = isolated_world.run("kim", [sys.executable, "-c", code])
    assert done.stdout == "(480, 640, 4)\n"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the calls are those of x86")
def test_32_bit_calls_are_refused(open_world: World, isolated_world: IsolatedWorld) -> None:
    """Their arguments are in memory, where the filter of system calls cannot read them."""
    arguments = [sys.executable, "-I", "-c", CALLS_32_BIT.read_text()]
    outside = open_world.run("kim", arguments)
    if outside.returncode != 0:
        pytest.skip("the kernel runs no 32-bit programs")
    assert int(outside.stdout) > 0
    inside = isolated_world.run("kim", arguments)
    assert (inside.returncode, inside.stdout) == (128 + signal.SIGSYS, "")


def test_both_desktops_are_unharmed(isolated_world: IsolatedWorld) -> None:
    """The last test: the desktops still have the X servers and agents that they began with."""
    for username in ("kim", "lee"):
        assert isolated_world.status(username).error is None
    own = isolated_world.status("kim").pids
    assert (own.agent, own.supervisor, own.x_server) == tuple(
        isolated_world.facts[name] for name in ("agent", "supervisor", "x_server")
    )
