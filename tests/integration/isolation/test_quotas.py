"""Quotas of real desktops: a full home, full temporary folders, and homes whose person is gone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.errors import DesktopError
from display_server.spawner import layout, mounts
from display_server.spawner.bundle import memory_file_systems_mb
from display_server.spawner.messages import (
    Limits,
    SetHomesAside,
    StartDesktop,
    WipeDeletedHomes,
    WipeHome,
    WipeHomes,
)
from tests.integration.isolation.worlds import PATIENCE_S, BackgroundLoop, IsolatedWorld, base_folder

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root"),
    pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="this host has no loop devices"),
]
LIMITS = Limits(memory_mb=512, processes=200, temporary_mb=64, home_mb=64)
#: Writes into each folder until nothing more fits; prints the error's name and the MiB written.
FILL = """
import errno, os, sys
for folder in sys.argv[1:]:
    written = 0
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as file:
        try:
            while written < 1000:
                file.write(os.urandom(2**20))
                os.fsync(file.fileno())
                written += 1
            print("none", written)
        except OSError as error:
            print(errno.errorcode[error.errno], written)
"""


@pytest.fixture(scope="module")
def world(loop: BackgroundLoop) -> Iterator[IsolatedWorld]:
    with base_folder() as base:
        world = IsolatedWorld(loop, base, limits=LIMITS)
        try:
            world.start("kim")
            world.start("lee")
            yield world
        finally:
            world.close()
            assert not mounts.mounted_below(world.folders.homes)


def fill(world: IsolatedWorld, username: str, *folders: str) -> list[tuple[str, int]]:
    done = world.run(username, [sys.executable, "-c", FILL, *folders])
    assert done.returncode == 0, done.stdout
    return [(name, int(number)) for name, number in map(str.split, done.stdout.splitlines())]


def draws(world: IsolatedWorld, username: str) -> bool:
    command = ["env", "DISPLAY=:0", f"XAUTHORITY={layout.PROGRAM_AUTHORITY}", "xsetroot", "-solid", "#102030"]
    return world.run(username, command).returncode == 0


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_full_home_stops_neither_its_desktop_nor_another(world: IsolatedWorld) -> None:
    pids = world.status("kim").pids
    [(error, written)] = fill(world, "kim", layout.home_folder("kim"))
    assert error == "ENOSPC"
    assert LIMITS.home_mb // 2 < written < LIMITS.home_mb
    assert draws(world, "kim")
    assert world.status("kim").pids == pids
    wrote = world.run(
        "lee", ["sh", "-c", "head -c 1000000 /dev/urandom > $HOME/letter && wc -c $HOME/letter"]
    )
    assert wrote.stdout.startswith("1000000 ")
    assert draws(world, "lee")
    removed = world.run("kim", ["sh", "-c", "rm $HOME/filler && echo again > $HOME/letter"])
    assert removed.returncode == 0, removed.stdout


def test_temporary_folders_are_bounded_in_sum_and_count_as_memory(world: IsolatedWorld) -> None:
    before = memory_bytes(world, "kim")
    filled = fill(world, "kim", "/tmp", "/dev/shm", layout.RUNTIME_FOLDER)
    try:
        assert [error for error, _ in filled] == ["ENOSPC"] * 3
        total_mb = sum(written for _, written in filled)
        assert total_mb <= memory_file_systems_mb(LIMITS.temporary_mb) < LIMITS.memory_mb
        assert memory_bytes(world, "kim") - before >= total_mb * 2**20 * 0.9
        assert draws(world, "kim")
    finally:
        world.run("kim", ["sh", "-c", f"rm /tmp/filler /dev/shm/filler {layout.RUNTIME_FOLDER}/filler"])


def memory_bytes(world: IsolatedWorld, username: str) -> int:
    """Returns the memory of the desktop's cgroup, of version 1 or 2."""
    session = world.specs[username].session
    for path in (
        Path("/sys/fs/cgroup/memory/lightbox") / session / "memory.usage_in_bytes",
        Path("/sys/fs/cgroup/lightbox") / session / "memory.current",
    ):
        if path.exists():
            return int(path.read_text())
    raise AssertionError("the desktop has no cgroup")


def test_a_killed_spawner_leaves_the_home_mounted(world: IsolatedWorld) -> None:
    home = world.folders.homes / "kim" / "blank"
    device = home.stat().st_dev
    process = world.spawner._process
    assert process is not None
    process.kill()
    wait_for(lambda: world.spawner._process is not process and answers(world))
    assert home.stat().st_dev == device
    assert world.run("kim", ["sh", "-c", "echo more > $HOME/letter"]).returncode == 0


def answers(world: IsolatedWorld) -> bool:
    try:
        world.loop.run(SpawnerClient(world.spawner.socket).send(WipeHomes("nobody-of-this-name")))
    except DesktopError:
        return False
    return True


def test_homes_are_set_aside_and_wiped_only_without_desktops(world: IsolatedWorld) -> None:
    world.start("park")
    assert world.run("park", ["ln", "-s", "/etc/passwd", "/home/park/link"]).returncode == 0
    send = SpawnerClient(world.spawner.socket).send
    for request in (SetHomesAside("park"), WipeHomes("park")):
        with pytest.raises(DesktopError, match="uses the homes"):
            world.loop.run(send(request))
    world.loop.run(world.desktops.pop("park").stop())
    homes, deleted = world.folders.homes, world.base / "deleted-homes"
    aside = world.loop.run(send(SetHomesAside("park"))).deleted_homes
    assert aside.startswith("park-")
    assert (deleted / aside / "blank.img").exists()
    assert not (homes / "park").exists()
    assert world.loop.run(send(SetHomesAside("park"))).deleted_homes == ""
    world.loop.run(send(WipeDeletedHomes(aside)))
    assert not (deleted / aside).exists()
    world.start("park")
    assert world.run("park", ["ls", "/home/park/link"]).returncode != 0
    with pytest.raises(DesktopError, match="uses the home of 'park'"):
        world.loop.run(send(WipeHome("park", "blank")))
    second = StartDesktop("second", "park", "blank", 0x7000_0000, "{}")
    with pytest.raises(DesktopError, match="Another desktop uses the home of 'park'"):
        world.loop.run(send(second))
    world.loop.run(world.desktops.pop("park").stop())
    world.loop.run(send(WipeHome("park", "blank")))
    assert list((homes / "park").iterdir()) == []
    world.loop.run(send(WipeHomes("park")))
    assert not (homes / "park").exists()
    assert Path("/etc/passwd").exists()


def test_a_home_of_before_moves_in_when_its_desktop_starts(world: IsolatedWorld) -> None:
    """It belongs to root, as in version 0.1.0, where desktops were not isolated."""
    home = world.folders.homes / "choi" / "blank"
    home.mkdir(parents=True)
    (home / "letter").write_text("Dear colleague")
    (home / "link").symlink_to("/etc/shadow")
    world.start("choi")
    assert world.run("choi", ["cat", "/home/choi/letter"]).stdout == "Dear colleague"
    assert world.run("choi", ["readlink", "/home/choi/link"]).stdout == "/etc/shadow\n"
    assert sorted(path.name for path in home.parent.iterdir()) == ["blank", "blank.img"]
    [(error, written)] = fill(world, "choi", layout.home_folder("choi"))
    assert (error, written < LIMITS.home_mb) == ("ENOSPC", True)
    world.loop.run(world.desktops.pop("choi").stop())
