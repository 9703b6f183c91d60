from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
import pytest

from display_server.errors import DesktopError
from display_server.spawner.network_messages import (
    DEFAULT_NETWORK_RANGE,
    Destination,
    NetworkAccess,
    check_access,
)
from display_server.spawner.network_rules import (
    IPV6_RANGE,
    DesktopAddress,
    desktop_rules,
    inside_rules,
    inside_up_script,
    list_of_hosts,
    resolver_configuration,
    shared_rules,
    uplinks_of,
)

ADDRESS = DesktopAddress(ipaddress.IPv4Address("100.127.1.2"))
HOST = [ipaddress.ip_network("10.2.0.1")]
PACS = Destination("tcp", "10.2.0.5/32", 104, 104, "address")
WARD = Destination("udp", "10.2.0.0/16", 8000, 8999, "network")
EMR = Destination("tcp", "2001:db8::80/128", 443, 443, "name")
NET = Destination("tcp", "0.0.0.0/0", 80, 80, "network")


def lines(script: str) -> list[str]:
    return [line.strip() for line in script.split("\n")]


def test_an_address_names_what_belongs_to_it() -> None:
    assert ADDRESS.interface == "lbox-647f0102"
    assert ADDRESS.mac == "02:4c:64:7f:01:02"
    assert str(ADDRESS.ipv6) == "fd6c:6967:6874:626f::647f:102"
    assert ADDRESS.ipv6 in IPV6_RANGE
    assert len(DesktopAddress(ipaddress.IPv4Address("255.255.255.255")).interface) <= 15


@pytest.mark.parametrize("rules", [inside_rules, desktop_rules])
def test_only_what_is_written_as_an_address_comes_before_what_is_forbidden(rules: Any) -> None:
    script = lines(rules(ADDRESS, NetworkAccess([WARD, EMR, PACS]), HOST))
    [explicit] = [
        script.index(line) for line in script if line.startswith("ip daddr 10.2.0.5/32 tcp dport 104")
    ]
    [own] = [script.index(line) for line in script if line.startswith("ip daddr 10.2.0.1/32")]
    ward = script.index("ip daddr 10.2.0.0/16 udp dport 8000-8999 accept")
    emr = script.index("ip6 daddr 2001:db8::80/128 tcp dport 443 accept")
    assert explicit < own < ward < emr
    assert [line for line in script if "accept" in line and "daddr" not in line] == (
        ['iifname "lo" accept', "ct state established,related accept", 'oifname "lo" accept']
        if rules is inside_rules
        else []
    )
    assert sum("policy drop" in line for line in script) == (3 if rules is inside_rules else 1)
    assert "policy accept" not in "".join(script)


def test_an_interface_whose_forwarding_was_turned_on_forwards_nothing_else() -> None:
    script = lines(shared_rules("lightbox-1", DEFAULT_NETWORK_RANGE, ["eth0"]))
    answers = next(i for i, line in enumerate(script) if "forward oifname" in line and "established" in line)
    assert answers < script.index('add rule inet lightbox-1 forward iifname "eth0" drop')
    assert not any("eth0" in line for line in lines(shared_rules("lightbox-1", DEFAULT_NETWORK_RANGE, [])))


def test_routes_follow_the_list() -> None:
    first = lines(inside_up_script(ADDRESS, NetworkAccess([PACS]), None))
    assert "address replace 100.127.1.2/32 dev net0" in first
    assert "route replace 10.2.0.5/32 dev net0 src 100.127.1.2" in first
    assert not any("default" in line or ":" in line for line in first)
    second = lines(inside_up_script(ADDRESS, NetworkAccess([EMR]), NetworkAccess([PACS])))
    assert "route delete 10.2.0.5/32 dev net0" in second
    assert f"route replace 2001:db8::80/128 dev net0 src {ADDRESS.ipv6}" in second
    assert f"address replace {ADDRESS.ipv6}/128 dev net0 nodad" in second


ROUTES = [
    (ipaddress.ip_network(network), device)
    for network, device in (
        ("0.0.0.0/0", "eth0"),
        ("10.2.0.0/24", "eth1"),
        ("10.2.7.0/24", "eth2"),
        ("100.127.0.9/32", "lbox-647f0009"),
    )
]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (PACS, {"eth1"}),
        (WARD, {"eth0", "eth1", "eth2"}),
        (NET, {"eth0", "eth1", "eth2"}),
        (EMR, set()),
        (Destination("tcp", "192.0.2.9/32", 1, 1, "address"), {"eth0"}),
        (Destination("tcp", "10.2.0.1/32", 1, 1, "address"), set()),  # the host itself
    ],
)
def test_finds_the_interfaces_that_lead_to_a_destination(
    destination: Destination, expected: set[str]
) -> None:
    assert uplinks_of(NetworkAccess([destination]), ROUTES, {"10.2.0.1"}) == expected


def test_without_a_route_no_interface_is_found() -> None:
    assert uplinks_of(NetworkAccess([PACS]), [], set()) == set()


def test_names_are_in_the_list_of_hosts() -> None:
    text = list_of_hosts("127.0.0.1 localhost\n", {"emr": ["10.2.0.80", "2001:db8::80"], "pacs": []})
    assert text == "127.0.0.1 localhost\n10.2.0.80 emr\n2001:db8::80 emr\n"


def test_servers_for_names_are_those_that_are_listed() -> None:
    dns = Destination("udp", "10.2.0.53/32", 53, 53, "address")
    assert NetworkAccess([dns, PACS, WARD]).name_servers == ["10.2.0.53"]
    assert resolver_configuration(["10.2.0.53"]) == "nameserver 10.2.0.53\n"
    assert "nameserver" not in resolver_configuration(NetworkAccess([PACS]).name_servers)


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "10.2.0.5"},
        {"network": "10.2.0.5/24"},
        {"network": "10.2.0.0/255.255.255.0"},
        {"network": "127.0.0.1/32"},
        {"network": "::1/128"},
        {"network": "::ffff:a02:5/128"},
        {"network": "169.254.169.254/32"},
        {"network": "100.127.0.9/32"},
        {"network": "100.127.1.0/24", "written_as": "network"},
        {"network": "fd6c:6967:6874:626f::1/128"},
        {"network": "10.2.0.0/16"},
        {"network": "10.2.0.0/16", "written_as": "name"},
        {"network": "2001:DB8::5/128"},
        {"network": "2001:db8:0::5/128"},
        {"first_port": 105},
        {"network": ":" * 9},
    ],
)
def test_the_spawner_refuses_destinations(changes: dict[str, Any]) -> None:
    check_access(NetworkAccess([PACS]), (DEFAULT_NETWORK_RANGE, IPV6_RANGE))
    wrong = msgspec.structs.replace(PACS, **changes)
    with pytest.raises(DesktopError, match="refused"):
        check_access(NetworkAccess([wrong]), (DEFAULT_NETWORK_RANGE, IPV6_RANGE))


def test_the_spawner_refuses_addresses_of_names() -> None:
    with pytest.raises(DesktopError, match="no address"):
        check_access(NetworkAccess([], {"emr": ["10.2.0"]}), ())


def test_ipv6_addresses_of_names_can_be_left_out() -> None:
    access = NetworkAccess([PACS, EMR], {"emr": ["10.2.0.80", "2001:db8::80"]})
    assert access.without_ipv6() == NetworkAccess([PACS], {"emr": ["10.2.0.80"]})
