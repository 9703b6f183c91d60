"""Networks that the configuration names, and which of them an address is in."""

from __future__ import annotations

import pytest

from display_server.broker_link.named_networks import NamedNetworks
from display_server.errors import ConfigurationError

NETWORKS = NamedNetworks.parse(
    {
        "hospital": ["10.0.0.0/8", "2001:db8::/32"],
        "wards": ["10.1.0.0/16", "10.1.2.0/24"],
        "desk": ["10.1.2.3"],
    }
)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("10.1.2.3", {"hospital": 104, "wards": 120, "desk": 128}),
        ("10.1.9.9", {"hospital": 104, "wards": 112}),
        ("::ffff:10.2.0.1", {"hospital": 104}),
        ("2001:db8::1%eth0", {"hospital": 32}),
        ("192.0.2.1", {}),
        ("", {}),
        ("nonsense", {}),
    ],
)
def test_an_address_is_in_all_networks_that_have_it(address: str, found: dict[str, int]) -> None:
    assert NETWORKS.of(address) == found


@pytest.mark.parametrize(
    "named",
    [
        {"Wards": ["10.0.0.0/8"]},
        {"anywhere": ["10.0.0.0/8"]},
        {"wards": []},
        {"wards": ["10.1.2.3/8"]},
        {"wards": ["ward-3"]},
    ],
)
def test_a_mistake_is_named_with_the_next_step(named: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        NamedNetworks.parse(named)
    assert "networks" in refused.value.cause
    assert refused.value.hint


def test_names_are_known() -> None:
    assert list(NETWORKS) == ["hospital", "wards", "desk"]
    assert "wards" in NETWORKS
    assert "guests" not in NETWORKS
