"""A gateway whose broker dies and comes back, and what each of the two believes of the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from display_server.broker import gateway_sockets
from display_server.broker_link.cookies import CookieScope
from display_server.broker_link.forwarded import FORWARDED_HEADER, Forwarded
from display_server.broker_link.messages import Hello
from display_server.gateway import broker_link
from display_server.gateway.agent_sockets import PassedAgentSockets
from display_server.gateway.broker_http import BrokerHttp
from display_server.gateway.broker_presence import BrokerAway, BrokerPresence
from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import GatewayUnderTest

OTHER_USER = 12345


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def test_viewers_go_on_without_a_broker_and_are_known_to_the_next_one(
    gateway: GatewayUnderTest,
) -> None:
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client) as viewer:
        (known,) = gateway.services.viewers.open
        await gateway.broker.close()
        await until(lambda: not gateway.services.viewers.open)
        await viewer.send("still here")
        assert await viewer.recv() == "still here"
        await gateway.broker.open()
        await until(lambda: gateway.services.viewers.open == [known])
        await viewer.send("still here")
        assert await viewer.recv() == "still here"
    await until(lambda: not gateway.services.viewers.open)


async def test_without_a_broker_requests_and_new_viewers_are_refused_with_the_reason(
    gateway: GatewayUnderTest,
) -> None:
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    await gateway.broker.close()
    refused = await client.get("/api/v1/me")
    assert (refused.status_code, refused.json()["code"]) == (503, "broker-away")
    assert refused.headers["retry-after"] == "3"
    health = await client.get("/healthz")
    assert health.status_code == 503
    assert [reason["code"] for reason in health.json()["reasons"]] == ["broker-away"]
    assert (await client.get("/metrics")).status_code == 503
    assert (await client.get("/")).status_code == 200, "the page itself needs no broker"
    async with await gateway.open_viewer(client, ticket) as viewer:
        await asyncio.wait_for(viewer.wait_closed(), 90)
    assert viewer.close_code == CloseCode.GOING_AWAY
    await gateway.broker.open()
    assert (await client.get("/api/v1/me")).status_code == 200
    assert (await client.get("/healthz")).status_code == 200


async def test_a_viewer_whose_sign_in_ended_meanwhile_is_disconnected_by_the_next_broker(
    gateway: GatewayUnderTest,
) -> None:
    client = await gateway.sign_in()
    other = await gateway.sign_in("lee")
    viewer = await gateway.open_viewer(client)
    async with await gateway.open_viewer(other, desktop="office") as stays:
        await gateway.broker.close()
        await until(lambda: not gateway.services.viewers.open)
        (id_hash,) = [
            id_hash
            for id_hash in await gateway.services.web_sessions.unlocked()
            if (user := await gateway.services.web_sessions.find_by_hash(id_hash)) and user.username == "kim"
        ]
        await gateway.services.web_sessions.delete(id_hash)
        await gateway.broker.open()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(viewer.recv(), 90)
        await stays.send("still here")
        assert await stays.recv() == "still here"


async def test_without_a_broker_for_long_nobody_keeps_a_picture(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_link, "WITHOUT_BROKER_S", 0.1)
    monkeypatch.setattr(broker_link, "INTERVAL_S", 0.05)
    viewer = await gateway.open_viewer(await gateway.sign_in())
    await gateway.broker.close()
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(viewer.recv(), 90)
    await gateway.broker.open()
    assert gateway.services.viewers.open == []


async def test_a_viewer_that_leaves_while_the_broker_decides_is_not_kept(
    gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await gateway.sign_in()
    asked, decided = asyncio.Event(), asyncio.Event()
    find = gateway.services.web_sessions.find_by_hash

    async def slow(id_hash: bytes) -> object:
        user = await find(id_hash)
        asked.set()
        await decided.wait()
        return user

    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    monkeypatch.setattr(gateway.services.web_sessions, "find_by_hash", slow)
    opening = asyncio.create_task(gateway.open_viewer(client, ticket))
    await asyncio.wait_for(asked.wait(), 90)
    opening.cancel()
    await until(lambda: not gateway.relays.open)
    decided.set()
    monkeypatch.undo()
    async with await gateway.open_viewer(client) as again:
        await until(lambda: len(gateway.services.viewers.open) == 1)
        await again.send("I am the only one")
        assert await again.recv() == "I am the only one"


async def test_a_browser_cannot_pretend_to_be_a_gateway(local_gateway: GatewayUnderTest) -> None:
    client = await local_gateway.sign_in()
    forged = Forwarded("192.0.2.1", CookieScope()).encode().decode()
    answer = await client.get("/api/v1/me", headers={FORWARDED_HEADER.decode(): forged})
    assert answer.status_code == 200, "the gateway's own header counts, and it is the only one"


@pytest.mark.parametrize("forwarded", [[], [b"{}"], [b"nonsense"], [b'{"address":"","cookies":{}}'] * 2])
async def test_the_broker_refuses_requests_without_one_header_of_a_gateway(
    local_gateway: GatewayUnderTest, forwarded: list[bytes]
) -> None:
    headers = [(b"host", b"localhost"), *((FORWARDED_HEADER, value) for value in forwarded)]
    answer = await BrokerHttp(local_gateway.broker.requests, BrokerPresence()).request(
        "GET", b"/healthz", headers, b""
    )
    assert answer.status == 400


async def test_processes_of_other_users_are_refused(
    local_gateway: GatewayUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = local_gateway.broker
    paths = (broker.requests, broker.links, broker.agents)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    monkeypatch.setattr(gateway_sockets, "peer_uid", lambda _connection: os.geteuid() + OTHER_USER)
    headers = [(FORWARDED_HEADER, Forwarded("", CookieScope()).encode())]
    with pytest.raises(BrokerAway):
        await BrokerHttp(broker.requests, BrokerPresence()).request("GET", b"/healthz", headers, b"")
    reader, writer = await asyncio.open_unix_connection(str(broker.links))
    writer.write(msgspec.json.encode(Hello()) + b"\n")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 90) == b""
    writer.close()
    with pytest.raises(ConnectionError):
        await PassedAgentSockets(broker.agents).connect("viewer")
