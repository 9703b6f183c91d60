"""Desktops of profiles that name a browser: programs may make namespaces there, and gain nothing from it."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from tests.integration.isolation.hostile_programs import PROGRAMS as HOSTILE_NAMES
from tests.integration.isolation.nested_programs import PROGRAMS as NESTED_NAMES
from tests.integration.isolation.worlds import (
    NESTED_PROGRAMS,
    PROGRAMS,
    IsolatedWorld,
    World,
    assert_refused,
    attack,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: How many programs there are at least, so that none gets lost.
PROGRAMS_MIN = 20
#: What such a profile allows, and no other.
ALLOWED = "makes_a_user_namespace"
#: IPT_SO_SET_REPLACE at the levels SOL_IP and SOL_IPV6: replaces all rules of iptables.
REPLACE_RULES = 64
#: Prints the error of one option of a socket in a network namespace of its own.
OPTION_PROGRAM = """
import ctypes, os, socket, sys
family, level, option = map(int, sys.argv[1:])
assert ctypes.CDLL(None).unshare(0x50000000) == 0
try:
    socket.socket(family, socket.SOCK_DGRAM).setsockopt(level, option, bytes(4))
except OSError as error:
    print(error.errno)
else:
    print(0)
"""


def test_there_are_enough_programs() -> None:
    assert len(NESTED_NAMES) >= PROGRAMS_MIN


@pytest.mark.parametrize("name", NESTED_NAMES)
def test_succeeds_without_isolation(open_world: World, name: str) -> None:
    assert attack(open_world, NESTED_PROGRAMS, name) == (0, "succeeded\n")


@pytest.mark.parametrize("name", NESTED_NAMES)
def test_gains_nothing_from_a_nested_namespace(nested_world: IsolatedWorld, name: str) -> None:
    assert_refused(attack(nested_world, NESTED_PROGRAMS, name))


def test_a_program_may_make_a_user_namespace(nested_world: IsolatedWorld) -> None:
    """Otherwise the tests above would show nothing."""
    assert attack(nested_world, PROGRAMS, ALLOWED) == (0, "succeeded\n")


@pytest.mark.parametrize("name", [name for name in HOSTILE_NAMES if name != ALLOWED])
def test_every_other_hostile_program_fails_as_without_a_browser(
    nested_world: IsolatedWorld, name: str
) -> None:
    assert_refused(attack(nested_world, PROGRAMS, name))


@pytest.mark.parametrize(
    ("family", "level", "option", "expected"),
    [(2, 0, REPLACE_RULES, errno.EPERM), (10, 41, REPLACE_RULES, errno.EPERM), (2, 0, 1, 0), (10, 41, 67, 0)],
)
def test_no_option_of_a_socket_reaches_the_packet_filter(
    nested_world: IsolatedWorld, family: int, level: int, option: int, expected: int
) -> None:
    """Whether the kernel has iptables or not: EPERM comes from the filter of system calls."""
    arguments = [sys.executable, "-I", "-c", OPTION_PROGRAM, *map(str, (family, level, option))]
    assert nested_world.run("kim", arguments).stdout == f"{expected}\n"


def test_the_desktops_are_unharmed(nested_world: IsolatedWorld) -> None:
    """The last test: the desktops still have the X servers and agents that they began with."""
    for username in ("kim", "lee"):
        assert nested_world.status(username).error is None
    own = nested_world.status("kim").pids
    assert (own.agent, own.supervisor, own.x_server) == tuple(
        nested_world.facts[name] for name in ("agent", "supervisor", "x_server")
    )
