"""Hostile programs in a desktop: each one succeeds without isolation, and fails with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

import pytest

from display_server.spawner import layout
from tests.integration.isolation.hostile_programs import PROGRAMS as NAMES
from tests.integration.isolation.worlds import (
    PROGRAMS,
    BackgroundLoop,
    IsolatedWorld,
    OpenWorld,
    OtherHost,
    World,
    attack_targets,
    base_folder,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: How many programs there are at least, so that none gets lost.
PROGRAMS_MIN = 50
#: Exit code of a program that the kernel killed because the desktop's memory was used up.
KILLED = (137, -9)


@pytest.fixture(scope="module")
def loop() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def other_host() -> Iterator[OtherHost]:
    with OtherHost() as other:
        yield other


@pytest.fixture(scope="module")
def open_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[World]:
    with base_folder() as base:
        world = OpenWorld(loop, base)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()


@pytest.fixture(scope="module")
def isolated_world(loop: BackgroundLoop, other_host: OtherHost) -> Iterator[IsolatedWorld]:
    with base_folder() as base:
        world = IsolatedWorld(loop, base)
        try:
            with attack_targets(world, other_host):
                yield world
        finally:
            world.close()


def attack(world: World, name: str) -> tuple[int, str]:
    """Runs a hostile program in kim's desktop. Returns its exit code and what it printed."""
    arguments = [sys.executable, "-I", "-c", PROGRAMS.read_text(), name, json.dumps(world.facts)]
    done = world.run("kim", arguments)
    return done.returncode, done.stdout


def test_there_are_enough_programs() -> None:
    assert len(NAMES) >= PROGRAMS_MIN


@pytest.mark.parametrize("name", NAMES)
def test_succeeds_without_isolation(open_world: World, name: str) -> None:
    assert attack(open_world, name) == (0, "succeeded\n")


@pytest.mark.parametrize("name", NAMES)
def test_fails_in_an_isolated_desktop(isolated_world: IsolatedWorld, name: str) -> None:
    code, output = attack(isolated_world, name)
    assert "succeeded" not in output
    if code not in KILLED:
        assert code == 1, output
        assert output.split(":")[0].endswith("Error"), output  # refused, and not a mistake in the program


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


def test_both_desktops_are_unharmed(isolated_world: IsolatedWorld) -> None:
    """The last test: the desktops still have the X servers and agents that they began with."""
    for username in ("kim", "lee"):
        assert isolated_world.status(username).error is None
    own = isolated_world.status("kim").pids
    assert (own.agent, own.supervisor, own.x_server) == tuple(
        isolated_world.facts[name] for name in ("agent", "supervisor", "x_server")
    )
