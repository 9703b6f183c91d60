"""Hosts for the tests of networks: network namespaces that lead nowhere else, so that no packet leaves.

```
 listed host ── 198.51.100.0/24 ── the host of Lightbox ── 203.0.113.0/24 ── other host
```
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

LISTED, LISTED_V6 = "198.51.100.5", "2001:db8:1::5"
OTHER, OTHER_V6 = "203.0.113.7", "2001:db8:2::7"
HOST, HOST_SECOND, HOST_ELSEWHERE = "198.51.100.1", "198.51.100.2", "203.0.113.1"
HOST_V6, HOST_SECOND_V6 = "2001:db8:1::1", "2001:db8:1::2"
BROADCAST = "198.51.100.255"
#: Answers on every port, to whoever connects or asks, with the address of the sender. Ends with its input.
SERVICE = """
import selectors, socket, sys, json
selector = selectors.DefaultSelector()
tcp, udp = json.loads(sys.argv[1])
for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for kind, ports in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
        for port in ports:
            listener = socket.socket(family, kind)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((any_address, port))
            if kind == socket.SOCK_STREAM:
                listener.listen(64)
            selector.register(listener, selectors.EVENT_READ, kind)
selector.register(sys.stdin, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.data is None:
            sys.exit()
        if key.data == socket.SOCK_STREAM:
            connection, peer = key.fileobj.accept()
            connection.sendall(peer[0].encode())
            connection.close()
        else:
            data, peer = key.fileobj.recvfrom(2048)
            try:
                key.fileobj.sendto(peer[0].encode(), peer)
            except OSError:
                pass  # a sender whose address leads nowhere
"""


def command(text: str) -> str:
    return subprocess.run(shlex.split(text), check=True, capture_output=True, text=True).stdout


class NetworkHosts:
    """Three hosts. `host` is the one on which the spawner runs."""

    def __init__(self) -> None:
        self.host, self.listed, self.other = (f"lbn{os.getpid()}{name}" for name in ("host", "pacs", "else"))
        self._services: list[subprocess.Popen[str]] = []

    def __enter__(self) -> NetworkHosts:
        for name in (self.host, self.listed, self.other):
            command(f"ip netns add {name}")
            command(f"ip -n {name} link set lo up")
        self._join("up0", self.listed, (f"{HOST}/24", f"{HOST_V6}/64"), (f"{LISTED}/24", f"{LISTED_V6}/64"))
        self._join(
            "up1", self.other, (f"{HOST_ELSEWHERE}/24", "2001:db8:2::1/64"), (f"{OTHER}/24", f"{OTHER_V6}/64")
        )
        command(f"ip -n {self.host} address add {HOST_SECOND}/24 dev up0")
        command(f"ip -n {self.host} address add {HOST_SECOND_V6}/64 dev up0 nodad")
        self.run(self.host, ["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"])
        return self

    def __exit__(self, *_: object) -> None:
        for service in self._services:
            service.communicate("")
        for name in (self.host, self.listed, self.other):
            command(f"ip netns delete {name}")

    def _join(self, interface: str, other: str, here: Sequence[str], there: Sequence[str]) -> None:
        command(f"ip -n {self.host} link add {interface} type veth peer name eth0 netns {other}")
        for name, device, addresses in ((self.host, interface, here), (other, "eth0", there)):
            for address in addresses:
                command(
                    f"ip -n {name} address add {address} dev {device}" + (" nodad" if ":" in address else "")
                )
            command(f"ip -n {name} link set {device} up")

    def entering(self, name: str) -> tuple[str, ...]:
        """Returns the beginning of a command that runs on one of the hosts."""
        return "nsenter", f"--net=/run/netns/{name}"

    def start(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.entering(name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, name: str, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.entering(name), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def serve(self, name: str, tcp: Sequence[int], udp: Sequence[int]) -> None:
        """Starts services on all addresses of a host; returns when they listen."""
        service = subprocess.Popen(
            [*self.entering(name), sys.executable, "-I", "-c", SERVICE, json.dumps([tcp, udp])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._services.append(service)
        assert service.stdout is not None
        assert service.stdout.readline() == "ready\n"

    def interfaces(self) -> set[str]:
        """Returns the interfaces of the host of Lightbox."""
        return {link["ifname"] for link in json.loads(command(f"ip -n {self.host} -json link show"))}

    def tables(self) -> list[str]:
        """Returns the tables of rules on the host of Lightbox."""
        return self.run(self.host, ["nft", "list", "tables"]).stdout.split("\n")[:-1]

    def forwarding(self, interface: str) -> str:
        setting = f"net.ipv4.conf.{interface}.forwarding"
        return self.run(self.host, ["sysctl", "-n", setting]).stdout.strip()
