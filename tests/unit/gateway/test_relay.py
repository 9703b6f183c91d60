"""The relay between a real browser-side WebSocket over TLS and an agent on a Unix socket."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.fakes.gateway import DoorUnderTest
from tests.fakes.launchers import EchoLauncher


async def close_code(viewer: ClientConnection) -> int | None:
    await asyncio.wait_for(viewer.wait_closed(), 10)
    return viewer.close_code


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_bytes_pass_unchanged_both_ways(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    async with await door.view(client) as viewer:
        assert viewer.subprotocol == "lightbox.1"
        for size in (0, 1, 125, 126, 65535, 65536, 3_000_000):
            message = os.urandom(size)
            await viewer.send(message)
            assert await viewer.recv() == message
        await viewer.send("한글")
        assert await viewer.recv() == "한글"


async def test_agent_gets_the_gateways_word_and_nothing_of_the_browsers(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    viewer = await door.view(
        client, headers={"Lightbox-User": "root", "Lightbox-Viewer": "forged", "X-Other": "1"}
    )
    async with viewer:
        await viewer.send("heads")
        heads = json.loads(await viewer.recv())
    names = [name.lower() for name, _ in heads]
    assert [value for name, value in heads if name == "Lightbox-User"] == ["kim"]
    assert names.count("lightbox-viewer") == 1
    assert dict(heads)["Lightbox-Viewer"] != "forged"
    assert dict(heads)["Sec-WebSocket-Protocol"] == "lightbox.1"
    assert not {"cookie", "x-other", "origin"} & set(names)


async def test_ticket_is_good_for_one_connection(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    async with await door.view(client, ticket):
        second = await door.view(client, ticket)
        assert await close_code(second) == 4401
        assert "used" in (second.close_reason or "")


async def test_expired_ticket(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    session = (await client.post("/api/v1/desktops/reading/viewers")).json()["session"]
    person = await door.door.web_sessions.find(client.cookies["__Host-lightbox"])
    assert person is not None
    ticket = door.door.tickets.issue(
        username="kim", web_session=person.id_hash, session=session, desktop="reading", now_s=time.time() - 31
    )
    viewer = await door.view(client, ticket)
    assert await close_code(viewer) == 4401
    assert "expired" in (viewer.close_reason or "")


@pytest.mark.parametrize("ticket", ["", "nonsense", "a.b", "e30.e30"])
async def test_wrong_ticket(door: DoorUnderTest, ticket: str) -> None:
    client = await door.signed_in()
    assert await close_code(await door.view(client, ticket or "x")) == 4401


async def test_ticket_works_only_in_the_browser_it_was_issued_to(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    thief = await door.signed_in("lee")
    assert await close_code(await door.view(thief, ticket)) == 4401


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "http://localhost"])
async def test_wrong_origin(door: DoorUnderTest, origin: str | None) -> None:
    client = await door.signed_in()
    assert await close_code(await door.view(client, origin=origin)) == 4403


async def test_no_common_version(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    assert await close_code(await door.view(client, subprotocols=("lightbox.9",))) == 4426


async def test_desktop_that_ended(door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client = await door.signed_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    launcher.started[0].crash("the X server died")
    await until(lambda: not door.door.sessions.live())
    assert await close_code(await door.view(client, ticket)) == 4404


async def test_agents_close_code_arrives(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    await viewer.send("bye")
    assert await close_code(viewer) == 4409


async def test_agent_killed_ends_the_viewer_and_its_successor_is_found(
    door: DoorUnderTest, launcher: EchoLauncher
) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    agent = launcher.started[0].agent
    agent.kill()
    assert await close_code(viewer) == 1006

    async def restart() -> None:
        await asyncio.sleep(0.1)
        agent.socket.unlink(missing_ok=True)
        await agent.start()

    restarting = asyncio.create_task(restart())
    async with await door.view(client) as again:
        await again.send("still there")
        assert await again.recv() == "still there"
    await restarting


async def test_agent_that_stays_away(
    door: DoorUnderTest, launcher: EchoLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("display_server.gateway.relay.AGENT_CONNECT_S", 0.1)
    client = await door.signed_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    await launcher.started[0].agent.stop()
    assert await close_code(await door.view(client, ticket)) == 1001


async def test_slow_browser_pauses_the_agent(door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    viewer.transport.pause_reading()
    size = 32 * 2**20
    await viewer.send(f"flood {size}")
    relays = door.door.relays
    seen = -1
    while seen != relays.bytes_to_viewers:
        seen = relays.bytes_to_viewers
        await asyncio.sleep(0.1)
    assert 0 < seen < size // 2  # the rest waits in the agent
    viewer.transport.resume_reading()
    assert len(await viewer.recv()) == size
    await viewer.close()


async def test_slow_agent_pauses_the_browser(door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    await viewer.send("fall silent")

    async def send_much() -> None:
        for _ in range(1000):
            await viewer.send(bytes(2**16))

    sending = asyncio.create_task(send_much())
    relays = door.door.relays
    seen = -1
    while seen != relays.bytes_to_agents:
        seen = relays.bytes_to_agents
        await asyncio.sleep(0.1)
    assert not sending.done()
    assert seen < 32 * 2**20
    viewer.transport.abort()
    with pytest.raises(ConnectionClosed):
        await sending


async def test_signing_out_ends_the_viewers(door: DoorUnderTest) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    assert (await client.post("/api/v1/sign-out")).status_code == 204
    assert await close_code(viewer) == 1006
    assert not door.door.relays.open


async def test_browser_that_leaves_frees_the_agent(door: DoorUnderTest, launcher: EchoLauncher) -> None:
    client = await door.signed_in()
    viewer = await door.view(client)
    server = launcher.started[0].agent._server
    assert server is not None
    assert len(server.connections) == 1
    viewer.transport.abort()
    await until(lambda: not server.connections)
    assert not door.door.relays.open
