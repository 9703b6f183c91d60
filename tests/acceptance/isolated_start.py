"""Compares the start and the memory of a desktop with isolation and without.

`python -m tests.acceptance.isolated_start time|memory [--times 20] [--profile blank]`, as root. Desktops
with and without isolation are started in turn, each in a new home. A start lasts from the order to the
launcher until the agent welcomes a viewer. Memory is the proportional set size of all processes of a
desktop once it has been at rest, in which shared memory, such as the framebuffer, counts once. The value
is a ratio of medians for `time`, and a difference of medians, in MB, for `memory`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil

from display_server.desktop.session_processes import session_processes
from tests.acceptance.command import exit_with, note, report
from tests.fakes.viewer import FakeViewer
from tests.integration.isolation.worlds import BackgroundLoop, IsolatedWorld, OpenWorld, World, base_folder

#: How long a desktop is at rest before its memory is read, s.
REST_S = 4.0
#: Starts that are not counted, because caches are cold.
WARM_UP = 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.isolated_start", description=__doc__)
    parser.add_argument("figure", choices=("time", "memory"))
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--profile", default="blank")
    arguments = parser.parse_args()
    loop = BackgroundLoop()
    try:
        with ExitStack() as stack:
            worlds = [
                started(stack, kind(loop, stack.enter_context(base_folder())))
                for kind in (OpenWorld, IsolatedWorld)
            ]
            open_values, isolated_values = measure(worlds, arguments)
    finally:
        loop.close()
    without, isolated = statistics.median(open_values), statistics.median(isolated_values)
    unit = "s" if arguments.figure == "time" else "MB"
    note(f"without isolation {without:.3f} {unit}, with isolation {isolated:.3f} {unit}")
    if arguments.figure == "time":
        return report("isolation-start-time", isolated / without)
    return report("isolation-memory", isolated - without)


def started(stack: ExitStack, world: World) -> World:
    stack.callback(world.close)
    return world


def measure(worlds: Sequence[World], arguments: argparse.Namespace) -> list[list[float]]:
    """Returns the values of each world."""
    values: list[list[float]] = [[] for _ in worlds]
    for number in range(WARM_UP + arguments.times):
        for world, found in zip(worlds, values, strict=True):
            name = f"p{number}"
            seconds = start(world, name, arguments.profile)
            value = seconds
            if arguments.figure == "memory":
                time.sleep(REST_S)
                value = memory_mb(world, name)
            world.loop.run(world.desktops.pop(name).stop())
            if number >= WARM_UP:
                note(f"{type(world).__name__} {number}: {seconds:.3f} s, {value:.3f}")
                found.append(value)
    return values


def start(world: World, name: str, profile: str) -> float:
    """Starts a desktop and returns how long it took until its agent welcomed a viewer, s."""

    async def see_welcome() -> None:
        spec = world.specs[name]
        async with FakeViewer(spec.socket, secret=spec.secret) as viewer:
            await viewer.until(lambda: bool(viewer.received("welcome")))

    began = time.monotonic()
    world.start(name, profile)
    world.loop.run(see_welcome())
    return time.monotonic() - began


def memory_mb(world: World, name: str) -> float:
    """Returns the memory of all processes of a desktop, MB (10⁶ bytes)."""
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids(world, name)) / 1e6


def pids(world: World, name: str) -> set[int]:
    """Returns all processes of a desktop."""
    if isinstance(world, IsolatedWorld):
        namespace = Path(f"/proc/{world.init_pid(name)}/ns/pid").readlink()
        return {pid for pid in psutil.pids() if namespace_of(pid) == namespace}
    return {world.status(name).pids.supervisor, *session_processes(world.specs[name].session)}


def namespace_of(pid: int) -> Path | None:
    try:
        return Path(f"/proc/{pid}/ns/pid").readlink()
    except OSError:
        return None  # it has ended


if __name__ == "__main__":
    exit_with(main)
