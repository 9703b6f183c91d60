"""A desktop of `lightbox serve` reaches what the configuration lists for it, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.integration.isolation.network_hosts import HOST, HOST_V6, LISTED, LISTED_V6, OTHER, NetworkHosts
from tests.integration.isolation.network_worlds import (
    GATEWAY,
    OTHER_PORT,
    TCP,
    UDP,
    interfaces_of_desktops,
    network_hosts_with_services,
)
from tests.integration.isolation.servers import PASSWORD, Server

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="isolation needs root")
#: Tries all destinations at the same time. Prints those that answer.
REACH = """
import concurrent.futures, json, socket, sys
def reaches(destination):
    protocol, address, port = destination
    try:
        if protocol == "tcp":
            socket.create_connection((address, port), timeout=5).close()
        else:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.settimeout(5)
                asking.connect((address, port))
                asking.send(b"question")
                asking.recv(64)
    except OSError:
        return False
    return True
destinations = json.loads(sys.argv[1])
with concurrent.futures.ThreadPoolExecutor(len(destinations)) as pool:
    answers = list(pool.map(reaches, destinations))
print(json.dumps([one for one, answer in zip(destinations, answers) if answer]))
"""
#: What a person's browser does: signs in and opens the desktop. Prints the session.
OPEN = """
import json, ssl, sys
import httpx2
url, root, password = sys.argv[1:]
with httpx2.Client(
    base_url=url, verify=ssl.create_default_context(cafile=root), headers={"Origin": url}, timeout=120,
    trust_env=False,
) as client:
    client.post("/api/v1/sign-in", json={"username": "kim", "password": password}).raise_for_status()
    answer = client.post("/api/v1/desktops/blank/viewers").raise_for_status()
print(answer.json()["session"])
"""

Destination = tuple[str, str, int]
#: What the desktop may reach, as the configuration has it.
NETWORK = f'network = ["{LISTED}:{TCP}", "udp:{LISTED}:{UDP}"]\n'
ALLOWED: tuple[Destination, ...] = (("tcp", LISTED, TCP), ("udp", LISTED, UDP))


class ServerElsewhere(Server):
    """A server on the host of `NetworkHosts`, which no network joins to this machine."""

    def __init__(self, folder: Path, hosts: NetworkHosts) -> None:
        self._hosts = hosts
        super().__init__(folder)
        self.config.write_text(self.config.read_text() + NETWORK)

    def command(self, *words: str) -> list[str]:
        return [*self._hosts.entering(self._hosts.host), *super().command(*words)]

    def open_desktop(self) -> str:
        """Signs in and opens the desktop; returns its session."""
        root = str(self.state / "tls" / "ca.crt")
        command = [sys.executable, "-c", OPEN, self.url, root, PASSWORD]
        done = subprocess.run(
            [*self._hosts.entering(self._hosts.host), *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def hosts() -> Iterator[NetworkHosts]:
    with network_hosts_with_services() as hosts:
        yield hosts


@pytest.fixture
def server(hosts: NetworkHosts) -> Iterator[ServerElsewhere]:
    with tempfile.TemporaryDirectory(prefix="lb", dir="/dev/shm") as path:
        running = ServerElsewhere(Path(path), hosts)
        try:
            yield running
        finally:
            running.close()


def reach_command(destinations: Sequence[Destination]) -> list[str]:
    return [sys.executable, "-I", "-c", REACH, json.dumps(destinations)]


def test_a_desktop_reaches_what_the_configuration_lists_and_nothing_else(
    server: ServerElsewhere, hosts: NetworkHosts
) -> None:
    before = interfaces_of_desktops()
    server.start()
    port = int(server.url.rpartition(":")[2])
    others: list[Destination] = [
        ("tcp", LISTED, OTHER_PORT),
        ("udp", LISTED, TCP),
        ("tcp", LISTED_V6, TCP),
        ("tcp", OTHER, TCP),
        ("udp", OTHER, UDP),
        ("tcp", HOST, GATEWAY),
        ("tcp", HOST_V6, GATEWAY),
        ("tcp", "127.0.0.1", port),
    ]
    everything = [*ALLOWED, *others]
    # Without isolation a program on the host of Lightbox reaches all of them.
    done = hosts.run(hosts.host, reach_command(everything))
    assert [tuple(one) for one in json.loads(done.stdout)] == everything, done.stdout

    session = server.open_desktop()
    printed = server.execute(session, reach_command(everything), stdout=subprocess.PIPE)
    assert [tuple(one) for one in json.loads(printed)] == list(ALLOWED), printed
    assert interfaces_of_desktops() <= before
