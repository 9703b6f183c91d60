"""Whatever a request says about a network is refused, or becomes rules that allow just that."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from display_server.desktop.network_access import parse_entry
from display_server.errors import DesktopError
from display_server.spawner.network_messages import (
    DEFAULT_NETWORK_RANGE,
    UNREACHABLE,
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
)
from tests.examples import examples

ADDRESS = DesktopAddress(ipaddress.IPv4Address("100.127.0.1"))
#: The only rules that accept what a program sends to another host.
ACCEPTING = re.compile(r" +ip6? daddr [0-9a-f.:/]+ (tcp|udp) dport \d+(-\d+)? accept")
#: Accepted inside, whatever the list has: loopback, and answers.
ALWAYS = {'    iifname "lo" accept', "    ct state established,related accept", '    oifname "lo" accept'}
NETWORKS = st.one_of(
    st.ip_addresses().map(lambda address: str(ipaddress.ip_network(address))),
    st.sampled_from([str(network) for network in (*UNREACHABLE, DEFAULT_NETWORK_RANGE, IPV6_RANGE)]),
    st.sampled_from(
        ["0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.1/8", "1.2.3.4 tcp dport 1 accept", "\n", "}"]
    ),
    st.text(alphabet="0123456789abcdef.:/ \n;{}", max_size=20),
)
DESTINATIONS = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["tcp", "udp", "icmp", "tcp dport 1-65535 accept #"]),
        "network": NETWORKS,
        "first_port": st.integers(-1, 70_000),
        "last_port": st.integers(-1, 70_000),
        "written_as": st.sampled_from(["address", "network", "name", "other"]),
    }
)
NAMES = st.dictionaries(
    st.one_of(st.just("emr.example"), st.text(alphabet="ab-. \n1", max_size=8)),
    st.lists(st.one_of(st.just("10.2.0.5"), st.text(alphabet="01.: \na", max_size=8)), max_size=2),
    max_size=2,
)


@examples(1000)
@given(st.lists(DESTINATIONS, max_size=4), NAMES)
def test_accepts_only_what_is_listed(destinations: list[dict[str, Any]], names: dict[str, list[str]]) -> None:
    body = json.dumps({"destinations": destinations, "names": names})
    try:
        access = msgspec.json.decode(body, type=NetworkAccess)
        check_access(access, (DEFAULT_NETWORK_RANGE, IPV6_RANGE))
    except (msgspec.MsgspecError, DesktopError):
        return
    for rules in (inside_rules, desktop_rules):
        script = rules(ADDRESS, access, [])
        accepting = [line for line in script.split("\n") if "accept" in line and line not in ALWAYS]
        assert len(accepting) == len(access.destinations)
        assert all(ACCEPTING.fullmatch(line) for line in accepting)
        assert script.count("{") == script.count("}")
    routes = [line for line in inside_up_script(ADDRESS, access, None).splitlines() if "route" in line]
    assert len(routes) == len({destination.network for destination in access.destinations})
    lines = list_of_hosts("", access.names).splitlines()
    assert len(lines) == sum(map(len, access.names.values()))
    assert all(len(line.split()) == 2 for line in lines)


@examples(1000)
@given(
    st.one_of(
        st.text(max_size=40), st.from_regex(r"(udp:)?[a-z0-9.:/\[\]-]{1,30}:[0-9]{1,5}", fullmatch=True)
    )
)
def test_an_entry_is_refused_or_understood(text: str) -> None:
    try:
        entry = parse_entry(text)
    except ValueError:
        return
    assert 1 <= entry.first_port <= entry.last_port <= 65_535
    if isinstance(entry.host, str):
        assert re.fullmatch(r"[a-z0-9.-]+", entry.host)
