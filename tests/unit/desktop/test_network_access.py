from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from display_server.desktop.network_access import ENTRIES_MAX, host_names, parse_entries, parse_entry


def network(text: str) -> Any:
    return ipaddress.ip_network(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.2.0.5:104", ("tcp", network("10.2.0.5/32"), 104, 104)),
        ("tcp:10.2.0.5:104", ("tcp", network("10.2.0.5/32"), 104, 104)),
        ("udp:10.2.0.53:53", ("udp", network("10.2.0.53/32"), 53, 53)),
        ("10.2.1.0/24:11112-11119", ("tcp", network("10.2.1.0/24"), 11112, 11119)),
        ("[2001:db8::5]:443", ("tcp", network("2001:db8::5/128"), 443, 443)),
        ("udp:[2001:db8::/64]:1-65535", ("udp", network("2001:db8::/64"), 1, 65535)),
        ("0.0.0.0/0:443", ("tcp", network("0.0.0.0/0"), 443, 443)),
        ("EMR.Hospital.Example:443", ("tcp", "emr.hospital.example", 443, 443)),
        ("emr.hospital.example.:443", ("tcp", "emr.hospital.example", 443, 443)),
        ("pacs-2:104", ("tcp", "pacs-2", 104, 104)),
    ],
)
def test_reads_destinations(text: str, expected: tuple[Any, ...]) -> None:
    entry = parse_entry(text)
    assert (entry.protocol, entry.host, entry.first_port, entry.last_port) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a destination with a port"),
        ("10.2.0.5", "not a destination with a port"),
        ("icmp:10.2.0.5:1", "not a destination with a port"),
        ("http://emr.example:80", "not a destination with a port"),
        ("2001:db8::5:443", "not a destination with a port"),
        ("10.2.0.5:0", "ports are from 1 to 65535"),
        ("10.2.0.5:70000", "ports are from 1 to 65535"),
        ("10.2.0.5:20-10", "begins with the smaller one"),
        ("10.2.0.300:104", "10.2.0.300"),
        ("10.2.0:104", "10.2.0"),
        ("10.2.1.5/24:104", "host bits"),
        ("[10.2.0.5]:104", "brackets"),
        ("[fe80::1]:443", "cannot reach"),
        ("[::1]:443", "cannot reach"),
        ("[::ffff:10.2.0.5]:443", "cannot reach"),
        ("127.0.0.1:631", "cannot reach"),
        ("169.254.169.254:80", "cannot reach"),
        ("224.0.0.251:5353", "cannot reach"),
        ("localhost:80", "another host"),
        ("*.hospital.example:443", "neither an address nor the name"),
        ("-emr:443", "neither an address nor the name"),
        ("emr..example:443", "neither an address nor the name"),
        ("emr; drop:443", "neither an address nor the name"),
        ("example.1:443", "another host"),
        ("a" * 64 + ":443", "neither an address nor the name"),
    ],
)
def test_says_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="(?i)" + reason):
        parse_entry(text)


def test_the_list_is_limited_and_has_no_doubles() -> None:
    assert len(parse_entries(["10.2.0.5:104", "tcp:10.2.0.5:104"])) == 1
    with pytest.raises(ValueError, match="at most"):
        parse_entries(["10.2.0.5:104"] * (ENTRIES_MAX + 1))


def test_each_name_is_looked_up_once() -> None:
    assert host_names(parse_entries(["emr:443", "emr:80", "10.2.0.5:104", "pacs:104"])) == ["emr", "pacs"]
