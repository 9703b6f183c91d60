from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from display_server.broker.launchers import desktop_network
from display_server.broker.launchers.desktop_network import (
    ADDRESSES_MAX,
    KEPT_S,
    DesktopNetwork,
    NameAddresses,
)
from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.errors import DesktopError
from display_server.spawner.messages import Answer, Request, SetNetwork
from display_server.spawner.network_messages import Destination

EMR, PACS = "10.2.0.80", "10.2.0.5"


class Names:
    """A server for names."""

    def __init__(self, **found: Sequence[str]) -> None:
        self.found = dict(found)

    async def look_up(self, name: str) -> Sequence[str]:
        try:
            return self.found[name]
        except KeyError:
            raise OSError(f"{name} is not known") from None


class FakeSpawner(SpawnerClient):
    """Remembers what it was ordered; refuses everything while `refusing` is set."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refusing = False

    async def send(self, request: Request) -> Answer:
        if self.refusing:
            raise DesktopError("It does not answer.")
        self.requests.append(request)
        return Answer()

    def latest(self) -> set[str]:
        request = self.requests[-1]
        assert isinstance(request, SetNetwork)
        return {destination.network for destination in request.network.destinations}


def test_an_address_stays_reachable_for_a_while() -> None:
    addresses = NameAddresses()
    addresses.add("emr", ["10.2.0.1"], 0.0)
    addresses.add("emr", ["10.2.0.2"], KEPT_S)
    assert addresses.of("emr") == ["10.2.0.2", "10.2.0.1"]
    assert addresses.latest("emr") == ["10.2.0.2"]
    addresses.add("emr", ["10.2.0.2"], KEPT_S + 1)
    assert addresses.of("emr") == ["10.2.0.2"]


def test_addresses_of_the_desktop_itself_are_left_out() -> None:
    addresses = NameAddresses()
    addresses.add("emr", ["127.0.0.1", "::1", "fe80::1%eth0", "169.254.169.254", EMR], 0.0)
    assert addresses.of("emr") == [EMR]


def test_the_addresses_of_a_name_are_limited() -> None:
    addresses = NameAddresses()
    addresses.add("emr", [f"10.2.0.{number}" for number in range(50)], 0.0)
    assert len(addresses.of("emr")) == ADDRESSES_MAX


async def test_a_desktop_starts_with_the_addresses_of_its_names() -> None:
    names = Names(emr=[EMR, "2001:db8::80"])
    network = DesktopNetwork(["emr:443", f"{PACS}:104", "10.3.0.0/16:1-9"], look_up=names.look_up)
    access = await network.first_access()
    assert access.destinations == [
        Destination("tcp", "10.2.0.5/32", 104, 104, "address"),
        Destination("tcp", "10.2.0.80/32", 443, 443, "name"),
        Destination("tcp", "10.3.0.0/16", 1, 9, "network"),
        Destination("tcp", "2001:db8::80/128", 443, 443, "name"),
    ]
    assert access.names == {"emr": [EMR, "2001:db8::80"]}


async def test_a_name_without_an_address_is_no_obstacle_and_allows_nothing() -> None:
    network = DesktopNetwork(["emr:443", f"{PACS}:104"], look_up=Names().look_up)
    access = await network.first_access()
    assert [destination.network for destination in access.destinations] == ["10.2.0.5/32"]
    assert access.names == {"emr": []}


async def test_a_server_for_names_that_is_silent_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(_name: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(desktop_network, "LOOK_UP_TIMEOUT_S", 0.01)
    access = await DesktopNetwork(["emr:443"], look_up=never).first_access()
    assert access.destinations == []


async def test_a_wrong_list_is_refused() -> None:
    with pytest.raises(DesktopError, match="list `network`"):
        DesktopNetwork(["emr"])


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are looked up again at once."""
    for name in ("LOOK_UP_INTERVAL_S", "RETRY_INTERVAL_S"):
        monkeypatch.setattr(desktop_network, name, 0.0)


async def following(network: DesktopNetwork, spawner: FakeSpawner, condition: Callable[[], bool]) -> None:
    """Follows the names until the condition holds."""
    task = asyncio.create_task(network.follow("bcd", spawner))
    while not condition():
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()


async def test_new_addresses_are_allowed_while_the_desktop_runs(at_once: None) -> None:
    names, spawner = Names(emr=["10.2.0.1"]), FakeSpawner()
    network = DesktopNetwork(["emr:443"], look_up=names.look_up)
    await network.first_access()
    names.found["emr"] = ["10.2.0.2"]
    await following(network, spawner, lambda: bool(spawner.requests))
    assert spawner.latest() == {"10.2.0.1/32", "10.2.0.2/32"}
    assert len(spawner.requests) == 1  # and only once


async def test_the_former_addresses_stay_while_nobody_answers(at_once: None) -> None:
    names, spawner = Names(emr=["10.2.0.1"], pacs=["10.2.0.5"]), FakeSpawner()
    network = DesktopNetwork(["emr:443", "pacs:104"], look_up=names.look_up)
    await network.first_access()
    names.found = {"pacs": ["10.2.0.6"]}
    await following(network, spawner, lambda: bool(spawner.requests))
    assert spawner.latest() == {"10.2.0.1/32", "10.2.0.5/32", "10.2.0.6/32"}


async def test_a_spawner_that_refuses_is_asked_again(at_once: None) -> None:
    names, spawner = Names(emr=["10.2.0.1"]), FakeSpawner()
    network = DesktopNetwork(["emr:443"], look_up=names.look_up)
    await network.first_access()
    names.found["emr"] = ["10.2.0.2"]
    spawner.refusing = True
    task = asyncio.create_task(network.follow("bcd", spawner))
    for _ in range(50):
        await asyncio.sleep(0)
    spawner.refusing = False
    while not spawner.requests:
        assert not task.done()
        await asyncio.sleep(0)
    task.cancel()


async def test_an_adopted_desktop_gets_its_addresses_at_once() -> None:
    names, spawner = Names(emr=["10.2.0.1"]), FakeSpawner()
    network = DesktopNetwork(["emr:443"], look_up=names.look_up)
    await following(network, spawner, lambda: bool(spawner.requests))
    assert spawner.latest() == {"10.2.0.1/32"}


async def test_a_list_without_names_is_not_followed() -> None:
    await DesktopNetwork([f"{PACS}:104"]).follow("bcd", FakeSpawner())
