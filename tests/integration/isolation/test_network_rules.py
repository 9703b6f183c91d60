"""Desktops stay off the network when rules are removed, the spawner is killed, or nft does not work."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from display_server.broker.launchers.launcher import LastingLauncher
from display_server.errors import DesktopError
from display_server.server.isolation import SpawnerProcess
from display_server.spawner.messages import SetNetwork, StopDesktop
from display_server.spawner.network_rules import PREFIX
from tests.integration.isolation.hostile_network_programs import PROGRAMS as NAMES
from tests.integration.isolation.network_hosts import LISTED, OTHER, NetworkHosts
from tests.integration.isolation.network_worlds import (
    ALLOWED,
    CONNECT,
    TCP,
    UDP,
    NetworkWorld,
    access,
    assert_the_listed_is_reached,
    attack,
    inside_facts,
    listener_command,
    listening,
    network_hosts_with_services,
    network_world,
    refused,
    wait_until,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: What somebody who has taken a container over can change there, without gaining anything.
OF_THE_CONTAINER = ("adds_a_route", "adds_an_address", "changes_the_rules", "reads_the_rules")
ATTACKS = [name for name in NAMES if name != "makes_thousands_of_connections"]
FOREIGN = "192.0.2.77"
#: Sends a datagram whose source is another address.
SPOOF = f"""
import socket, struct
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
source, target = socket.inet_aton("{FOREIGN}"), socket.inet_aton("{LISTED}")
payload = struct.pack("!HHHH", 7, {UDP}, 8 + 7, 0) + b"spoofed"
header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, 17, 0, source, target)
raw.sendto(header + payload, ("{LISTED}", 0))
"""
#: Says which of two datagrams leaves the host first.
SNIFF = """
import socket
ETH_P_ALL = 3  # only this one shows packets that leave
packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
packets.bind(("up0", ETH_P_ALL))
print("ready", flush=True)
while True:
    packet = packets.recv(2048)
    for name in (b"spoofed", b"question"):
        if packet.endswith(name):
            print(name.decode(), flush=True)
            raise SystemExit
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[NetworkHosts]:
    with network_hosts_with_services() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def world(hosts: NetworkHosts) -> Iterator[NetworkWorld]:
    """A program of lee listens on all addresses."""
    with network_world(hosts) as world, listening(world.program("lee", listener_command())):
        yield world


def flush_rules_of_the_host(hosts: NetworkHosts) -> None:
    """What `systemctl restart nftables` does as well."""
    assert hosts.run(hosts.host, ["nft", "flush", "ruleset"]).returncode == 0


def set_rules_again(world: NetworkWorld) -> None:
    for username in ("kim", "lee"):
        world.loop.run(world.client.send(SetNetwork(world.specs[username].session, access(ALLOWED))))


def test_nothing_opens_when_the_rules_of_the_host_are_flushed(
    world: NetworkWorld, hosts: NetworkHosts
) -> None:
    def attack_without_rules() -> bool:
        flush_rules_of_the_host(hosts)
        done = world.run("kim", attack(",".join(ATTACKS), inside_facts(world)))
        outcomes = done.stdout.splitlines()
        assert len(outcomes) == len(ATTACKS)
        for name, outcome in zip(ATTACKS, outcomes, strict=True):
            assert outcome.split(":")[0].endswith("Error"), (name, outcome)
        return hosts.tables() == []  # the spawner had not set them again yet

    wait_until(attack_without_rules)
    set_rules_again(world)
    assert_the_listed_is_reached(world)


def test_flushed_rules_are_set_again(world: NetworkWorld, hosts: NetworkHosts) -> None:
    flush_rules_of_the_host(hosts)
    wait_until(lambda: len(hosts.tables()) == 3)  # one for each of two desktops, and the shared one
    assert_the_listed_is_reached(world)


def test_a_container_that_was_taken_over_reaches_nothing_more(
    world: NetworkWorld, hosts: NetworkHosts
) -> None:
    """Without the rules and routes of the container, and with all capabilities in its network namespace."""
    routes = [f"ip {family} route replace default dev net0".split() for family in ("-4", "-6")]
    try:
        for command in (["nft", "flush", "ruleset"], *routes):
            assert world.taken_over("kim", command).returncode == 0
        known = inside_facts(world)
        running = {
            name: world.start_taken_over("kim", attack(name, known))
            for name in ATTACKS
            if name not in OF_THE_CONTAINER
        }
        for name, process in running.items():
            output, _ = process.communicate()
            assert refused(subprocess.CompletedProcess(name, process.returncode, output)), name

        # Nothing but the rules of the host was in the way.
        def reaches_the_gateway() -> bool:
            flush_rules_of_the_host(hosts)
            done = world.taken_over("kim", attack("connects_to_the_gateway", known))
            return done.returncode == 0

        wait_until(reaches_the_gateway)
    finally:
        for route in routes:
            world.taken_over("kim", [word.replace("replace", "delete") for word in route])
        set_rules_again(world)
    assert_the_listed_is_reached(world)


@pytest.mark.parametrize("rules", ["with rules", "without rules"])
def test_no_packet_leaves_with_another_source(world: NetworkWorld, hosts: NetworkHosts, rules: str) -> None:
    """The packets of a program that has all capabilities in its network namespace."""
    command = [*hosts.entering(hosts.host), sys.executable, "-I", "-c", SNIFF]
    with contextlib.ExitStack() as stack:
        sniffer = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert sniffer.stdout is not None
        stack.callback(sniffer.kill)
        assert sniffer.stdout.readline() == "ready\n"
        assert world.taken_over("kim", ["nft", "flush", "ruleset"]).returncode == 0
        if rules == "without rules":
            flush_rules_of_the_host(hosts)
        assert world.taken_over("kim", [sys.executable, "-I", "-c", SPOOF]).stdout == ""
        set_rules_again(world)
        assert_the_listed_is_reached(world)
        assert sniffer.stdout.readline() == ("question\n" if rules == "with rules" else "spoofed\n")


def test_networks_survive_the_spawner(world: NetworkWorld, hosts: NetworkHosts) -> None:
    before = hosts.interfaces(), sorted(hosts.tables())
    pid = world.spawner_pid()
    os.kill(pid, signal.SIGKILL)
    assert_the_listed_is_reached(world)
    wait_until(lambda: world.spawner_pid() != pid)
    assert (hosts.interfaces(), sorted(hosts.tables())) == before
    for name in ("connects_to_another_port", "connects_to_the_gateway", "connects_to_another_desktop"):
        assert refused(world.run("kim", attack(name, inside_facts(world))))
    # The next spawner knows the network.
    world.loop.run(world.client.send(SetNetwork(world.specs["kim"].session, access([f"{LISTED}:1"]))))
    assert world.python("kim", CONNECT, LISTED, TCP).returncode == 1
    world.loop.run(world.client.send(SetNetwork(world.specs["kim"].session, access(ALLOWED))))
    assert_the_listed_is_reached(world)


def test_the_next_server_follows_the_network_of_a_desktop(world: NetworkWorld) -> None:
    launcher = world.launcher()
    assert isinstance(launcher, LastingLauncher)
    [spec] = [spec for spec in world.loop.run(launcher.running()) if spec.user == "kim"]
    assert spec.network == list(ALLOWED)
    # The names have other addresses by now, and the spawner gets them at once.
    world.addresses["archive.test"] = [OTHER]
    desktop = world.loop.run(launcher.adopt(spec))
    wait_until(lambda: world.python("kim", CONNECT, OTHER, TCP).returncode == 0)
    assert world.python("kim", CONNECT, "archive.test", TCP).returncode == 0
    world.loop.run(desktop.release())
    set_rules_again(world)


def test_a_new_spawner_removes_the_rules_of_desktops_that_have_ended(
    world: NetworkWorld, hosts: NetworkHosts
) -> None:
    world.start("park", network=ALLOWED)
    interface = world.interface("park")
    assert f"table netdev {interface}" in hosts.tables()
    spawner = world.spawner_pid()
    os.kill(spawner, signal.SIGSTOP)
    os.kill(world.init_pid("park"), signal.SIGKILL)
    wait_until(lambda: interface not in hosts.interfaces())
    os.kill(spawner, signal.SIGKILL)
    wait_until(lambda: f"table netdev {interface}" not in hosts.tables())
    assert_the_listed_is_reached(world)


def test_nothing_remains_of_desktops_that_end(world: NetworkWorld, hosts: NetworkHosts) -> None:
    """The last test with these desktops."""
    assert hosts.forwarding("up0") == "1"
    for username in ("park", "kim"):
        world.loop.run(world.client.send(StopDesktop(world.specs[username].session)))
    assert len([name for name in hosts.interfaces() if name.startswith(PREFIX)]) == 1
    assert len(hosts.tables()) == 2
    assert hosts.forwarding("up0") == "1"
    world.loop.run(world.client.send(StopDesktop(world.specs["lee"].session)))
    assert not [name for name in hosts.interfaces() if name.startswith(PREFIX)]
    assert hosts.tables() == []
    assert (hosts.forwarding("up0"), hosts.forwarding("up1")) == ("0", "0")


class BrokenWorld(NetworkWorld):
    """On its host, `nft` fails."""

    replacement = "/bin/false"

    def make_spawner(self) -> SpawnerProcess:
        spawner = super().make_spawner()
        script = f'mount --bind {self.replacement} {shutil.which("nft")} && exec "$@"'
        spawner._command = ("unshare", "--mount", "sh", "-c", script, "sh", *spawner._command)
        return spawner


class LackingWorld(BrokenWorld):
    """On its host, `nft` is not installed: there is something that cannot be executed."""

    replacement = "/etc/passwd"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(BrokenWorld, "could not be set up"), (LackingWorld, "This host lacks nft"), (NetworkWorld, "IPv6")],
)
def test_a_desktop_whose_network_cannot_be_limited_does_not_start(
    hosts: NetworkHosts, kind: type[NetworkWorld], reason: str
) -> None:
    with network_world(hosts, kind, desktops=()) as world:
        hosts.run(hosts.host, ["sysctl", "-qw", f"net.ipv6.conf.all.forwarding={int(reason != 'IPv6')}"])
        with pytest.raises(DesktopError, match=reason):
            world.start("kim", network=ALLOWED)
        assert not list((world.spawner.folder / "bundles").iterdir())
        assert not [name for name in hosts.interfaces() if name.startswith(PREFIX)]
        assert hosts.tables() == []
        assert hosts.forwarding("up0") == "0"
