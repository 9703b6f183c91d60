"""The relay between a WebSocket over TLS and an agent on a Unix socket, both of them real."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import GatewayUnderTest
from tests.fakes.launchers import EchoLauncher


async def close_code(viewer: ClientConnection) -> int | None:
    await asyncio.wait_for(viewer.wait_closed(), 90)
    return viewer.close_code


async def wait_until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def test_relays_messages_unchanged_in_both_directions(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    async with await gateway.open_viewer(client) as viewer:
        assert viewer.subprotocol == "lightbox.1"
        for size in (0, 1, 125, 126, 65535, 65536, 3_000_000):
            message = os.urandom(size)
            await viewer.send(message)
            assert await viewer.recv() == message
        await viewer.send("한글")
        assert await viewer.recv() == "한글"


async def test_the_agent_receives_only_headers_of_the_gateway(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await gateway.sign_in()
    forged = {"Lightbox-User": "root", "Lightbox-Viewer": "forged", "Lightbox-Secret": "x", "X-Other": "1"}
    viewer = await gateway.open_viewer(client, headers=forged)
    async with viewer:
        await viewer.send("send headers")
        heads = json.loads(await viewer.recv())
    names = [name.lower() for name, _ in heads]
    assert [value for name, value in heads if name == "Lightbox-User"] == ["kim"]
    assert names.count("lightbox-viewer") == 1
    assert dict(heads)["Lightbox-Viewer"] != "forged"
    assert dict(heads)["Lightbox-Secret"] == launcher.started[0].spec.secret
    assert dict(heads)["Sec-WebSocket-Protocol"] == "lightbox.1"
    assert not {"cookie", "x-other", "origin"} & set(names)


async def test_rejects_a_used_ticket(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    async with await gateway.open_viewer(client, ticket):
        second = await gateway.open_viewer(client, ticket)
        assert await close_code(second) == CloseCode.TICKET_REJECTED
        assert "used" in (second.close_reason or "")


async def test_rejects_an_expired_ticket(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    person = await gateway.services.web_sessions.find(client.cookies["__Host-lightbox"])
    assert person is not None
    ticket = gateway.services.tickets.issue(
        username="kim", web_session=person.id_hash, session=session, desktop="reading", now_s=time.time() - 31
    )
    viewer = await gateway.open_viewer(client, ticket)
    assert await close_code(viewer) == CloseCode.TICKET_REJECTED
    assert "expired" in (viewer.close_reason or "")


@pytest.mark.parametrize("ticket", ["", "nonsense", "a.b", "e30.e30"])
async def test_rejects_an_invalid_ticket(gateway: GatewayUnderTest, ticket: str) -> None:
    client = await gateway.sign_in()
    assert await close_code(await gateway.open_viewer(client, ticket or "x")) == CloseCode.TICKET_REJECTED


async def test_rejects_a_ticket_of_another_browser(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    thief = await gateway.sign_in("lee")
    assert await close_code(await gateway.open_viewer(thief, ticket)) == CloseCode.TICKET_REJECTED


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://localhost"])
async def test_rejects_pages_of_other_sites(gateway: GatewayUnderTest, origin: str | None) -> None:
    client = await gateway.sign_in()
    assert await close_code(await gateway.open_viewer(client, origin=origin)) == CloseCode.FORBIDDEN


async def test_rejects_an_unknown_protocol_version(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client, subprotocols=("lightbox.9",))
    assert await close_code(viewer) == CloseCode.VERSION_MISMATCH


async def test_reports_that_the_desktop_has_ended(gateway: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    launcher.started[0].crash("the X server died")
    await wait_until(lambda: not gateway.services.sessions.live())
    assert await close_code(await gateway.open_viewer(client, ticket)) == CloseCode.DESKTOP_ENDED


async def test_passes_the_agents_close_code_on(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    await viewer.send("close")
    assert await close_code(viewer) == CloseCode.TAKEN_OVER


async def test_a_killed_agent_disconnects_the_viewer_and_the_next_agent_is_found(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    agent = launcher.started[0].agent
    agent.kill()
    assert await close_code(viewer) == CloseCode.ABNORMAL

    async def restart() -> None:
        await asyncio.sleep(0.1)
        agent.socket.unlink(missing_ok=True)
        await agent.start()

    restarting = asyncio.create_task(restart())
    async with await gateway.open_viewer(client) as again:
        await again.send("still there")
        assert await again.recv() == "still there"
    await restarting


async def test_gives_up_on_an_agent_that_does_not_return(
    gateway: GatewayUnderTest, launcher: EchoLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.gateway.relay.AGENT_CONNECT_TIMEOUT_S", 0.1)
    client = await gateway.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    await launcher.started[0].agent.stop()
    assert await close_code(await gateway.open_viewer(client, ticket)) == CloseCode.GOING_AWAY


async def test_a_slow_browser_pauses_the_agent(gateway: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    viewer.transport.pause_reading()
    size = 32 * 2**20
    await viewer.send(f"send {size} bytes")
    relays = gateway.relays
    seen = -1
    while seen != relays.bytes_to_viewers:
        seen = relays.bytes_to_viewers
        await asyncio.sleep(0.1)
    assert 0 < seen < size // 2  # the agent still holds the rest
    viewer.transport.resume_reading()
    assert len(await viewer.recv()) == size
    await viewer.close()


async def test_a_slow_agent_pauses_the_browser(gateway: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    await viewer.send("stop reading")

    async def send_much() -> None:
        for _ in range(1000):
            await viewer.send(bytes(2**16))

    sending = asyncio.create_task(send_much())
    relays = gateway.relays
    seen = -1
    while seen != relays.bytes_to_agents:
        seen = relays.bytes_to_agents
        await asyncio.sleep(0.1)
    assert not sending.done()
    assert seen < 32 * 2**20
    viewer.transport.abort()
    with pytest.raises(ConnectionClosed):
        await sending


async def test_signing_out_disconnects_the_viewers(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    assert (await client.post("/api/v1/sign-out")).status_code == 200
    assert await close_code(viewer) == CloseCode.ABNORMAL
    assert not gateway.relays.open


async def test_a_browser_that_leaves_releases_the_agent(
    gateway: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await gateway.sign_in()
    viewer = await gateway.open_viewer(client)
    server = launcher.started[0].agent._server
    assert server is not None
    assert len(server.connections) == 1
    viewer.transport.abort()
    await wait_until(lambda: not server.connections)
    assert not gateway.relays.open
