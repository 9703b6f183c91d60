"""The limits of connections, with real connections and small limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from display_server.broker_link.messages import ConnectionLimits
from display_server.gateway.connection_budget import LimitReached
from display_server.gateway.proxies import Networks, PublicAccess, TrustedProxies
from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import MAY_READ_METRICS, NAMES, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
#: The beginning of a TLS handshake.
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


class Flood:
    """Connections that are opened and then left alone. All come from 127.0.0.1."""

    def __init__(self, gateway: GatewayUnderTest) -> None:
        self._gateway = gateway
        self.open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def add(self, count: int, *, tls: bool, sent: bytes = b"") -> None:
        for _ in range(count):
            with contextlib.suppress(OSError):  # it made room for another one before its handshake ended
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1",
                    self._gateway.port,
                    ssl=self._gateway.context if tls else None,
                    server_hostname="localhost" if tls else None,
                )
                writer.write(sent)
                self.open.append((reader, writer))

    async def answers(self) -> list[bytes]:
        """Sends a request on every connection, and returns the beginning of each answer."""
        found = []
        for reader, writer in self.open:
            writer.write(HEAD)
            with contextlib.suppress(OSError):
                found.append(await asyncio.wait_for(reader.read(13), 90))
        return found

    def close(self) -> None:
        for _, writer in self.open:
            writer.transport.abort()


@pytest.fixture
async def flood(gateway: GatewayUnderTest) -> AsyncIterator[Flood]:
    flood = Flood(gateway)
    yield flood
    flood.close()


async def test_a_flood_from_the_same_address_keeps_nobody_out_who_is_signed_in(
    gateway: GatewayUnderTest, flood: Flood
) -> None:
    budget = gateway.gateway.connections
    budget.limits = ConnectionLimits(connections=40, reserved=20, per_address=10)
    client = await gateway.sign_in()
    first = await gateway.open_viewer(client)
    await flood.add(130, tls=False)
    await flood.add(130, tls=False, sent=CLIENT_HELLO)
    await flood.add(40, tls=True)
    assert len(flood.open) >= 290
    # Viewer, tickets and requests all need new connections.
    async with await gateway.open_viewer(client) as viewer:
        await viewer.send("still here")
        assert await viewer.recv() == "still here"
        assert (await client.get("/api/v1/desktops")).status_code == 200
        await first.send("and this one")
        assert await first.recv() == "and this one"
    await first.close()
    assert budget.strangers <= 10
    assert budget.evicted[LimitReached.ADDRESS] >= 290
    client_of_lee = await gateway.sign_in("lee")  # who was a stranger
    assert (await client_of_lee.get("/api/v1/me")).json()["username"] == "lee"


async def test_a_flood_from_many_addresses_leaves_the_reserve(folder: Path, launcher: EchoLauncher) -> None:
    """The only address of the test is shared, so that only the limit of all strangers counts."""
    access = PublicAccess(frozenset(NAMES), shared_networks=Networks.parse(["127.0.0.0/8"]))
    async with running_gateway(folder, launcher, access=access) as gateway:
        budget = gateway.gateway.connections
        budget.limits = ConnectionLimits(connections=30, reserved=20, per_address=1)
        flood = Flood(gateway)
        client = await gateway.sign_in()
        await flood.add(60, tls=False)
        async with await gateway.open_viewer(client) as viewer:
            await viewer.send("still here")
            assert await viewer.recv() == "still here"
        assert budget.strangers <= 10
        assert budget.evicted[LimitReached.STRANGERS] >= 50
        flood.close()


async def test_a_listed_ward_is_not_limited_by_its_address(folder: Path, launcher: EchoLauncher) -> None:
    access = PublicAccess(frozenset(NAMES), shared_networks=Networks.parse(["127.0.0.0/8"]))
    async with running_gateway(folder, launcher, access=access) as gateway:
        gateway.gateway.connections.limits = ConnectionLimits(per_address=4)
        flood = Flood(gateway)
        await flood.add(200, tls=True)
        assert await flood.answers() == [b"HTTP/1.1 200 "] * 200
        assert not gateway.gateway.connections.evicted
        flood.close()


async def test_a_ward_that_is_not_listed_is_limited(gateway: GatewayUnderTest, flood: Flood) -> None:
    gateway.gateway.connections.limits = ConnectionLimits(per_address=4)
    await flood.add(12, tls=True)
    assert (await flood.answers()).count(b"HTTP/1.1 200 ") == 4


async def test_an_incomplete_request_that_makes_room_gets_the_reason(
    gateway: GatewayUnderTest,
) -> None:
    gateway.gateway.connections.limits = ConnectionLimits(per_address=1)
    first = Flood(gateway)
    await first.add(1, tls=True, sent=b"GET / HTTP/1.1\r\nHost: loc")
    reader, _ = first.open[0]
    await wait_until(lambda: gateway.gateway.connections.strangers == 1)
    await asyncio.sleep(0.05)  # until the beginning of the request has arrived
    second = Flood(gateway)
    await second.add(1, tls=True)
    head, _, body = (await asyncio.wait_for(reader.read(), 90)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert json.loads(body)["code"] == "too-many-connections"
    first.close()
    second.close()


async def test_a_device_beyond_its_limit_learns_what_to_do(gateway: GatewayUnderTest) -> None:
    gateway.gateway.connections.limits = ConnectionLimits(per_device=2)
    client = await gateway.sign_in()
    tickets = [(await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"] for _ in range(2)]
    async with await gateway.open_viewer(client, tickets[0]) as viewer:
        rejected = await gateway.open_viewer(client, tickets[1])
        await asyncio.wait_for(rejected.wait_closed(), 90)
        assert rejected.close_code == CloseCode.LIMIT_REACHED
        assert "Close windows" in (rejected.close_reason or "")
        other = gateway.client()
        other.cookies = client.cookies
        answer = await other.get("/api/v1/me")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-connections")
        assert "Close windows" in answer.json()["message"]
        await viewer.send("the first one stays")
        assert await viewer.recv() == "the first one stays"


async def test_viewers_per_person_are_limited(gateway: GatewayUnderTest) -> None:
    gateway.services.viewers_per_person = 2
    client = await gateway.sign_in()
    viewers = [await gateway.open_viewer(client, desktop=desktop) for desktop in ("reading", "office")]
    rejected = await gateway.open_viewer(client)
    await asyncio.wait_for(rejected.wait_closed(), 90)
    assert rejected.close_code == CloseCode.LIMIT_REACHED
    assert "Close one of them" in (rejected.close_reason or "")
    async with await gateway.open_viewer(await gateway.sign_in("lee"), desktop="office") as of_another:
        await of_another.send("another person")
        assert await of_another.recv() == "another person"
    await viewers[0].close()
    await wait_until(lambda: gateway.services.viewers.count_of("kim") == 1)
    async with await gateway.open_viewer(client) as viewer:
        await viewer.send("room again")
        assert await viewer.recv() == "room again"
    await viewers[1].close()
    metrics = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert 'lightbox_viewers_refused_total{reason="viewers of person"} 1.0' in metrics


async def test_the_metrics_count_connections(gateway: GatewayUnderTest, flood: Flood) -> None:
    gateway.gateway.connections.limits = ConnectionLimits(per_address=2)
    client = await gateway.sign_in()
    assert (await client.get("/api/v1/me")).status_code == 200
    await flood.add(4, tls=True)
    metrics = (await client.get("/metrics", headers=MAY_READ_METRICS)).text
    assert 'lightbox_connections{of="signed in"} 1.0' in metrics
    assert 'lightbox_connections{of="strangers"} 2.0' in metrics
    assert 'lightbox_connections_evicted_total{limit="address"} 2.0' in metrics


async def test_people_behind_a_proxy_are_distinguished(folder: Path, launcher: EchoLauncher) -> None:
    access = PublicAccess(frozenset(NAMES), proxies=TrustedProxies.parse(["127.0.0.1"]))
    async with running_gateway(folder, launcher, access=access) as gateway:
        budget = gateway.gateway.connections
        budget.limits = ConnectionLimits(per_address=1)
        flood = Flood(gateway)
        await flood.add(2, tls=True)
        for number, (reader, writer) in enumerate(flood.open):
            forwarded = f"X-Forwarded-For: 192.0.2.{number}\r\nX-Forwarded-Proto: https\r\n\r\n".encode()
            writer.write(HEAD.removesuffix(b"\r\n") + forwarded)
            assert (await asyncio.wait_for(reader.read(13), 90)) == b"HTTP/1.1 200 "
        assert not budget.evicted
        await flood.add(1, tls=True)
        _, writer = flood.open[2]
        writer.write(
            HEAD.removesuffix(b"\r\n") + b"X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n"
        )
        await wait_until(lambda: budget.evicted == {LimitReached.ADDRESS: 1})
        flood.close()


async def test_connections_that_end_are_forgotten(gateway: GatewayUnderTest, flood: Flood) -> None:
    budget = gateway.gateway.connections
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    await flood.add(3, tls=True)
    await flood.add(3, tls=False)
    await wait_until(lambda: budget.strangers == 6)
    assert budget.signed_in == 2
    flood.close()
    await viewer.close()
    await client.aclose()
    await wait_until(lambda: budget.strangers + budget.signed_in == 0)
