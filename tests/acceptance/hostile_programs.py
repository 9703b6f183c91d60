"""Runs hostile programs inside an isolated desktop, after each has succeeded in one without isolation.

`python -m tests.acceptance.hostile_programs [NAME …]`, as root. The value is the number of programs that
succeed in the isolated desktop. A program that does not succeed without isolation proves nothing and does
not count; at least 30 have to. The programs are those of `tests/integration/isolation`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from tests.acceptance.command import exit_with, note, report
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

#: Exit codes of a program that the kernel killed because the desktop's memory was used up.
KILLED = (137, -9)
#: Programs that have to succeed without isolation.
PROGRAMS_MIN = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.hostile_programs", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="by default all programs")
    names = parser.parse_args().names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    loop = BackgroundLoop()
    try:
        with OtherHost() as other:
            outside = run_all(OpenWorld, loop, other, names)
            dangerous = [name for name in names if succeeded(outside[name])]
            inside = run_all(IsolatedWorld, loop, other, dangerous)
    finally:
        loop.close()
    note(f"{len(dangerous)} of {len(names)} programs succeed without isolation")
    for name in names:
        note(f"{name}: {outcome(inside[name]) if name in inside else 'fails without isolation, too'}")
    broken = [name for name, result in inside.items() if not (succeeded(result) or refused(result))]
    if broken:
        raise RuntimeError(f"programs that failed for another reason than a refusal: {', '.join(broken)}")
    escaped = [name for name, result in inside.items() if succeeded(result)]
    return report("hostile-programs", len(escaped), also=len(dangerous) >= PROGRAMS_MIN)


def run_all(
    kind: type[World], loop: BackgroundLoop, other: OtherHost, names: Sequence[str]
) -> dict[str, tuple[int, str]]:
    """Starts two desktops, and runs the programs in one of them. Returns exit codes and outputs."""
    with base_folder() as base:
        world = kind(loop, base)
        try:
            with attack_targets(world, other):
                return {name: attack(world, name) for name in names}
        finally:
            world.close()


def attack(world: World, name: str) -> tuple[int, str]:
    """Runs a hostile program in kim's desktop. Returns its exit code and what it printed."""
    done = world.run("kim", [sys.executable, "-I", "-c", PROGRAMS.read_text(), name, json.dumps(world.facts)])
    return done.returncode, done.stdout


def succeeded(result: tuple[int, str]) -> bool:
    return "succeeded" in result[1]


def refused(result: tuple[int, str]) -> bool:
    """Returns whether the kernel refused what the program did, or killed it because of its memory."""
    code, output = result
    return code in KILLED or (code == 1 and output.split(":")[0].endswith("Error"))


def outcome(result: tuple[int, str]) -> str:
    code, output = result
    return "killed" if code in KILLED else output.strip().splitlines()[-1]


if __name__ == "__main__":
    exit_with(main)
