"""Desktops with a network on a host of their own, and what their programs are asked to reach."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from display_server.broker.launchers.desktop_network import NameAddresses, access_of
from display_server.desktop.network_access import parse_entries
from display_server.server.isolation import SpawnerProcess
from display_server.spawner.network_messages import NetworkAccess
from display_server.spawner.network_rules import CONNECTIONS_MAX, PREFIX
from tests.integration.isolation import hostile_network_programs, network_hosts
from tests.integration.isolation.network_hosts import LISTED, LISTED_V6, NetworkHosts
from tests.integration.isolation.worlds import PATIENCE_S, BackgroundLoop, IsolatedWorld, base_folder

TCP, UDP, OTHER_PORT, NETWORK_PORT, GATEWAY = 104, 53, 105, 8100, 9443
INSIDE_PORT = 6000
ALLOWED = (
    f"{LISTED}:{TCP}",
    f"udp:{LISTED}:{UDP}",
    f"[{LISTED_V6}]:{TCP}",
    f"udp:[{LISTED_V6}]:{UDP}",
    "198.51.100.0/24:8000-8999",
    "udp:198.51.100.0/24:8000-8999",
    f"archive.test:{TCP}",
)
PROGRAM_TEXT = Path(hostile_network_programs.__file__).read_text()
#: Answers whoever connects to a port, at every address. Ends with its input.
LISTENER = (
    "import socket, sys\n"
    "listener = socket.create_server(('::', int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)\n"
    "print('ready', flush=True)\n"
    "import threading\n"
    "def serve():\n"
    "    while True:\n"
    "        connection, _ = listener.accept()\n"
    "        connection.sendall(b'inside')\n"
    "        connection.close()\n"
    "threading.Thread(target=serve, daemon=True).start()\n"
    "sys.stdin.read()\n"
)
CONNECT = (
    "import socket, sys\n"
    "with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2) as connection:\n"
    "    print(connection.recv(64).decode())\n"
)
ASK = (
    "import socket, sys\n"
    "asking = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)\n"
    "asking.settimeout(2)\n"
    "asking.connect((sys.argv[1], int(sys.argv[2])))\n"
    "asking.send(b'question')\n"
    "print(asking.recv(64).decode())\n"
)


class NetworkWorld(IsolatedWorld):
    """Desktops of a spawner that runs on a host of its own."""

    def __init__(self, loop: BackgroundLoop, base: Path, hosts: NetworkHosts) -> None:
        self.hosts = hosts
        self.addresses = {"archive.test": [LISTED]}
        super().__init__(loop, base)

    def make_spawner(self) -> SpawnerProcess:
        spawner = super().make_spawner()
        spawner._command = (*self.hosts.entering(self.hosts.host), *spawner._command)
        return spawner

    async def look_up(self, name: str) -> Sequence[str]:
        return self.addresses[name]

    def python(self, username: str, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.run(username, [sys.executable, "-I", "-c", code, *map(str, arguments)])

    def taken_over(self, username: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Runs a program in the network namespace of a desktop, with all capabilities there."""
        with self.start_taken_over(username, arguments) as process:
            output, _ = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    def start_taken_over(self, username: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["nsenter", f"--net=/proc/{self.init_pid(username)}/ns/net", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def spawner_pid(self) -> int:
        assert self.spawner._process is not None
        return self.spawner._process.pid

    def interface(self, username: str) -> str:
        """Returns the name of a desktop's interface on the host."""
        return PREFIX + "".join(f"{int(part):02x}" for part in self.address(username).split("."))

    def address(self, username: str) -> str:
        bundle = self.spawner.folder / "bundles" / self.specs[username].session
        return str(json.loads((bundle / "network.json").read_bytes())["address"])


def ipv6_of(address: str) -> str:
    digits = "".join(f"{int(part):02x}" for part in address.split("."))
    return f"fd6c:6967:6874:626f::{digits[:4]}:{digits[4:]}"


@contextlib.contextmanager
def network_hosts_with_services() -> Iterator[NetworkHosts]:
    with NetworkHosts() as hosts:
        ports = (TCP, OTHER_PORT, UDP, NETWORK_PORT)
        hosts.serve(hosts.listed, ports, ports)
        hosts.serve(hosts.other, ports, ports)
        hosts.serve(hosts.host, (GATEWAY, NETWORK_PORT), (NETWORK_PORT,))
        yield hosts


@contextlib.contextmanager
def network_world(
    hosts: NetworkHosts, kind: type[NetworkWorld] = NetworkWorld, desktops: Sequence[str] = ("kim", "lee")
) -> Iterator[NetworkWorld]:
    """The desktops of kim and lee. Fails if they left anything on their host, or reached this machine."""
    before = interfaces_of_desktops()
    loop = BackgroundLoop()
    try:
        with base_folder() as base:
            world = kind(loop, base, hosts)
            try:
                for username in desktops:
                    world.start(username, network=ALLOWED)
                yield world
                # The interfaces of the tests are on hosts of their own; nothing could leave this machine.
                assert interfaces_of_desktops() <= before
                assert hosts.run(hosts.host, ["ip", "route", "show", "default"]).stdout == ""
            finally:
                world.close()
    finally:
        loop.close()


def listener_command() -> list[str]:
    return [sys.executable, "-I", "-c", LISTENER, str(INSIDE_PORT)]


@contextlib.contextmanager
def listening(process: subprocess.Popen[str]) -> Iterator[None]:
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.communicate("")


def facts(**more: Any) -> dict[str, Any]:
    return {
        "listed": LISTED,
        "listed_v6": LISTED_V6,
        "other": network_hosts.OTHER,
        "other_v6": network_hosts.OTHER_V6,
        "host": network_hosts.HOST,
        "host_v6": network_hosts.HOST_V6,
        "host_elsewhere": network_hosts.HOST_ELSEWHERE,
        "host_second": network_hosts.HOST_SECOND,
        "host_second_v6": network_hosts.HOST_SECOND_V6,
        "broadcast": network_hosts.BROADCAST,
        "tcp_port": TCP,
        "udp_port": UDP,
        "other_port": OTHER_PORT,
        "network_port": NETWORK_PORT,
        "gateway_port": GATEWAY,
        "neighbour_port": INSIDE_PORT,
        "connections": CONNECTIONS_MAX + 200,
        **more,
    }


def outside_facts() -> dict[str, Any]:
    """Without isolation all desktops have the addresses of the host."""
    return facts(
        neighbour=network_hosts.HOST,
        neighbour_v6=network_hosts.HOST_V6,
        interface="up0",
        own=network_hosts.HOST,
        asked=LISTED,
    )


def inside_facts(world: NetworkWorld) -> dict[str, Any]:
    neighbour = world.address("lee")
    return facts(
        neighbour=neighbour,
        neighbour_v6=ipv6_of(neighbour),
        interface="net0",
        own=world.address("kim"),
        asked=neighbour,
    )


def access(texts: Sequence[str]) -> NetworkAccess:
    """Returns a list as the broker sends it to the spawner."""
    addresses = NameAddresses()
    addresses.add("archive.test", [LISTED], 0.0)
    return access_of(parse_entries(texts), addresses)


def attack(name: str, known: dict[str, Any]) -> list[str]:
    return [sys.executable, "-I", "-c", PROGRAM_TEXT, name, json.dumps(known)]


def refused(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a hostile program was refused. Anything else, such as a mistake in the program, is an error."""
    assert done.returncode in (0, 1), done.stdout
    assert done.returncode == 0 or done.stdout.split(":")[0].endswith("Error"), done.stdout
    return done.returncode == 1


def assert_the_listed_is_reached(world: NetworkWorld, username: str = "kim") -> None:
    for code, address, port in (
        (CONNECT, LISTED, TCP),
        (ASK, LISTED, UDP),
        (CONNECT, LISTED_V6, TCP),
        (ASK, LISTED_V6, UDP),
        (CONNECT, LISTED, NETWORK_PORT),
        (ASK, LISTED, NETWORK_PORT),
        (CONNECT, "archive.test", TCP),
    ):
        done = world.python(username, code, address, port)
        # The other host sees the address of the host of Lightbox.
        expected = network_hosts.HOST_V6 if ":" in address else network_hosts.HOST
        seen = {expected, network_hosts.HOST_SECOND_V6} if ":" in address else {expected}
        assert done.stdout.strip() in seen, (address, port, done.stdout)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def interfaces_of_desktops() -> set[str]:
    """Returns those of this machine. Other tests make others at the same time."""
    return {path.name for path in Path("/sys/class/net").iterdir() if path.name.startswith(PREFIX)}
