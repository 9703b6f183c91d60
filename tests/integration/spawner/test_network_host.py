"""What `lightbox doctor` says about networks of desktops on this host."""

from __future__ import annotations

import ipaddress

import pytest

from display_server.spawner import network_host
from display_server.spawner.network_host import examine_network

UNUSED = ipaddress.IPv4Network("100.127.0.0/16")


def test_this_host_has_what_networks_of_desktops_need() -> None:
    facts = {fact.name: fact for fact in examine_network(UNUSED, ipv6=False)}
    assert set(facts) == {"ip", "nft", "nsenter", "addresses of desktops"}
    assert all(fact.ok for fact in facts.values())


def test_addresses_that_the_host_has_are_not_for_desktops() -> None:
    [fact] = examine_network(ipaddress.IPv4Network("127.0.0.0/8"), ipv6=False)[-1:]
    assert (fact.name, fact.ok) == ("addresses of desktops", False)
    assert "this host is 127.0.0.1" in fact.found
    assert "network_range" in fact.hint


@pytest.mark.parametrize("forwards", [True, False])
def test_ipv6_has_to_be_forwarded(monkeypatch: pytest.MonkeyPatch, forwards: bool) -> None:
    monkeypatch.setattr(network_host, "forwards_ipv6", lambda: forwards)
    [fact] = examine_network(UNUSED, ipv6=True)[-1:]
    assert (fact.name, fact.ok) == ("IPv6", forwards)
    assert "net.ipv6.conf.all.forwarding" in fact.hint


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_host, "SEARCH_PATH", "/nonexistent")
    facts = examine_network(UNUSED, ipv6=False)
    assert [(fact.name, fact.ok, *fact.packages) for fact in facts] == [
        ("ip", False, "iproute2"),
        ("nft", False, "nftables"),
        ("nsenter", False, "util-linux"),
    ]
