"""Programs of a desktop with a list of what they may reach: they reach that, and nothing else.

Every hostile program first succeeds where there is no isolation: on the host of Lightbox, as root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from display_server.spawner.messages import SetNetwork
from tests.integration.isolation.hostile_network_programs import PROGRAMS as NAMES
from tests.integration.isolation.network_hosts import HOST, HOST_V6, LISTED, NetworkHosts
from tests.integration.isolation.network_worlds import (
    CONNECT,
    GATEWAY,
    INSIDE_PORT,
    TCP,
    NetworkWorld,
    access,
    assert_the_listed_is_reached,
    attack,
    inside_facts,
    ipv6_of,
    listener_command,
    listening,
    network_hosts_with_services,
    network_world,
    outside_facts,
    refused,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: Uses up the connections of its desktop for half a minute, so it comes last.
LAST = "makes_thousands_of_connections"


@pytest.fixture(scope="module")
def hosts() -> Iterator[NetworkHosts]:
    with network_hosts_with_services() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def world(hosts: NetworkHosts) -> Iterator[NetworkWorld]:
    """A program of lee listens on all addresses."""
    with network_world(hosts) as world, listening(world.program("lee", listener_command())):
        yield world


@pytest.fixture(scope="module")
def outside_listener(hosts: NetworkHosts) -> Iterator[None]:
    command = [*hosts.entering(hosts.host), *listener_command()]
    with listening(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)):
        yield


@pytest.mark.parametrize("name", NAMES)
def test_succeeds_without_isolation(hosts: NetworkHosts, outside_listener: None, name: str) -> None:
    done = hosts.run(hosts.host, attack(name, outside_facts()))
    assert (done.returncode, done.stdout) == (0, "succeeded\n")


def test_reaches_what_is_listed(world: NetworkWorld) -> None:
    assert_the_listed_is_reached(world)


@pytest.mark.parametrize("name", [name for name in NAMES if name != LAST])
def test_fails_in_an_isolated_desktop(world: NetworkWorld, name: str) -> None:
    assert refused(world.run("kim", attack(name, inside_facts(world))))


def test_nobody_reaches_a_port_that_a_program_opens(
    world: NetworkWorld, hosts: NetworkHosts, outside_listener: None
) -> None:
    own = world.address("lee")
    hosts.run(hosts.listed, ["ip", "route", "replace", own, "via", HOST])
    hosts.run(hosts.listed, ["ip", "route", "replace", ipv6_of(own), "via", HOST_V6])
    assert world.python("lee", CONNECT, "127.0.0.1", INSIDE_PORT).stdout == "inside\n"

    def connect(name: str, address: str) -> subprocess.Popen[str]:
        return hosts.start(name, [sys.executable, "-I", "-c", CONNECT, address, str(INSIDE_PORT)])

    running = []
    for name in (hosts.listed, hosts.host):
        assert connect(name, HOST).communicate()[0] == "inside\n"  # without isolation
        running += [connect(name, address) for address in (own, ipv6_of(own))]
    for process in running:
        assert "TimeoutError" in process.communicate()[0]


def test_the_list_changes_while_programs_run(world: NetworkWorld) -> None:
    def allow(*texts: str) -> None:
        world.loop.run(world.client.send(SetNetwork(world.specs["kim"].session, access(texts))))

    def reaches(address: str, port: int) -> bool:
        return world.python("kim", CONNECT, address, port).returncode == 0

    assert not reaches(HOST, GATEWAY)
    allow(f"{HOST}:{GATEWAY}")
    assert reaches(HOST, GATEWAY)  # an address of the host that is listed as such
    assert not reaches(LISTED, TCP)
    assert not reaches("archive.test", TCP)
    allow(f"archive.test:{GATEWAY}", f"{LISTED}:{TCP}")
    assert not reaches(HOST, GATEWAY)
    assert reaches("archive.test", TCP)
    allow(*world.specs["kim"].network)
    assert_the_listed_is_reached(world)


def test_connections_are_limited(world: NetworkWorld) -> None:
    assert refused(world.run("kim", attack(LAST, inside_facts(world))))
    assert_the_listed_is_reached(world, "lee")
