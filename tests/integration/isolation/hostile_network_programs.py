"""Programs that try to reach more over the network than the list of their desktop allows, one function each.

A function that returns has succeeded. The file is also a program, as `hostile_programs.py` is:
`hostile_network_programs.py NAMES FACTS`, which prints a line for each.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

Facts = dict[str, Any]
#: Options that let a socket have an address that is none of this host. They need no privilege.
IP_FREEBIND, IPV6_FREEBIND = 15, 78
#: How long a program waits for an answer, s. A refusal arrives at once, unless packets are dropped.
TIMEOUT_S = 2.0


def connect(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=TIMEOUT_S) as connection:
        assert connection.recv(64)


def ask(address: str, port: int, source: str = "") -> str:
    """Sends a datagram. Returns the answer, which is the address of the sender as the other host sees it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIMEOUT_S)
        if source and family == socket.AF_INET:
            asking.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        elif source:
            asking.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        if source:
            asking.bind((source, 0))
        asking.connect((address, port))
        asking.send(b"hostile")
        return asking.recv(64).decode()


# Other ports and protocols of a host that is listed


def connects_to_another_port(facts: Facts) -> None:
    connect(facts["listed"], facts["other_port"])


def connects_to_another_port_by_ipv6(facts: Facts) -> None:
    connect(facts["listed_v6"], facts["other_port"])


def asks_another_port(facts: Facts) -> None:
    ask(facts["listed"], facts["other_port"])


def asks_by_udp_where_tcp_is_listed(facts: Facts) -> None:
    ask(facts["listed"], facts["tcp_port"])


def connects_by_tcp_where_udp_is_listed(facts: Facts) -> None:
    connect(facts["listed"], facts["udp_port"])


# Other hosts


def connects_to_another_host(facts: Facts) -> None:
    connect(facts["other"], facts["tcp_port"])


def connects_to_another_host_by_ipv6(facts: Facts) -> None:
    connect(facts["other_v6"], facts["tcp_port"])


def asks_another_host(facts: Facts) -> None:
    ask(facts["other"], facts["udp_port"])


def connects_to_a_mapped_address(facts: Facts) -> None:
    """An IPv4 address in the form of an IPv6 address."""
    connect(f"::ffff:{facts['other']}", facts["tcp_port"])


# The host on which the desktops are


def connects_to_the_gateway(facts: Facts) -> None:
    connect(facts["host"], facts["gateway_port"])


def connects_to_the_gateway_at_another_address(facts: Facts) -> None:
    connect(facts["host_elsewhere"], facts["gateway_port"])


def connects_to_the_gateway_by_ipv6(facts: Facts) -> None:
    connect(facts["host_v6"], facts["gateway_port"])


def connects_to_the_host_where_its_network_is_listed(facts: Facts) -> None:
    connect(facts["host"], facts["network_port"])


def asks_a_service_of_the_host(facts: Facts) -> None:
    ask(facts["host"], facts["network_port"])


def asks_all_hosts_of_the_network(facts: Facts) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIMEOUT_S)
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asking.sendto(b"hostile", (facts["broadcast"], facts["network_port"]))
        asking.recv(64)


# Another desktop


def connects_to_another_desktop(facts: Facts) -> None:
    connect(facts["neighbour"], facts["neighbour_port"])


def connects_to_another_desktop_by_ipv6(facts: Facts) -> None:
    connect(facts["neighbour_v6"], facts["neighbour_port"])


# Packets that are not what they seem


def sends_from_another_address(facts: Facts) -> None:
    assert ask(facts["listed"], facts["udp_port"], facts["host_second"]) == facts["host_second"]


def sends_from_another_address_by_ipv6(facts: Facts) -> None:
    assert ask(facts["listed_v6"], facts["udp_port"], facts["host_second_v6"]) == facts["host_second_v6"]


def sends_a_packet_of_its_own_making(facts: Facts) -> None:
    """The kernel adds only the header of IP. Another socket with that port gets the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(TIMEOUT_S)
        receiver.bind(("0.0.0.0", 0))
        port = receiver.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            header = struct.pack("!HHHH", port, facts["other_port"], 8 + 7, 0)
            raw.sendto(header + b"hostile", (facts["listed"], 0))
        receiver.recv(64)


def names_a_detour_in_its_packets(facts: Facts) -> None:
    """Sets an option of IPv4, as a source route is one. This one only records the route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(TIMEOUT_S)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes((7, 39, 4, *(0,) * 36, 0)))
        asking.connect((facts["listed"], facts["udp_port"]))
        asking.send(b"hostile")
        asking.recv(64)


def asks_the_neighbours_for_a_hardware_address(facts: Facts) -> None:
    """ARP, in frames of its own making."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as packets:
        packets.settimeout(TIMEOUT_S)
        packets.bind((facts["interface"], 0x0806))
        own = packets.getsockname()[4]
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + socket.inet_aton(facts["own"])
        frame = b"\xff" * 6 + own + b"\x08\x06" + request + bytes(6) + socket.inet_aton(facts["asked"])
        packets.send(frame)
        while True:
            answer = packets.recv(1500)
            if answer[20:22] == b"\0\2":
                return


# The interface and its rules


def adds_a_route(facts: Facts) -> None:
    run("ip", "route", "add", "192.0.2.9/32", "dev", facts["interface"])
    run("ip", "route", "delete", "192.0.2.9/32", "dev", facts["interface"])


def adds_an_address(facts: Facts) -> None:
    run("ip", "address", "add", "192.0.2.8/32", "dev", facts["interface"])
    run("ip", "address", "delete", "192.0.2.8/32", "dev", facts["interface"])


def changes_the_rules(facts: Facts) -> None:
    run("nft", "add", "table", "inet", "hostile")
    run("nft", "delete", "table", "inet", "hostile")


def reads_the_rules(facts: Facts) -> None:
    run("nft", "list", "tables")


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    if done.returncode != 0:
        raise PermissionError(1, done.stderr.decode())


def makes_thousands_of_connections(facts: Facts) -> None:
    """The table of connections belongs to the whole host."""
    for _ in range(facts["connections"]):
        ask(facts["listed"], facts["udp_port"])


PROGRAMS: dict[str, Callable[[Facts], None]] = {
    name: value
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", None) == __name__
    and name not in ("connect", "ask", "run")
}

if __name__ == "__main__":
    refused = False
    for name in sys.argv[1].split(","):
        try:
            PROGRAMS[name](json.loads(sys.argv[2]))
        except OSError as error:
            print(f"{type(error).__name__}: {error}".replace("\n", " "))
            refused = True
        else:
            print("succeeded")
    sys.exit(refused)
