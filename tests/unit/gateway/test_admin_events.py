"""Server-sent events of the administration API: the newest state, coalesced, for whoever may see it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from display_server.broker.api.admin import event_routes
from display_server.broker.api.admin.event_hub import PER_NAME_MAX, EventHub, Topic
from tests.fakes.administration import Administration, administration

#: Nothing in these tests takes so long, s.
TIMEOUT_S = 20.0


@pytest.fixture
async def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Administration]:
    monkeypatch.setattr(event_routes, "INTERVAL_S", 0.02)
    monkeypatch.setattr(event_routes, "HEARTBEAT_S", 0.1)
    async with administration(folder, served=True) as running:
        yield running


class Events:
    """Reads the events of one stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self, name: str) -> Any:
        """Returns the data of the next event of this name."""
        event = ""
        async with asyncio.timeout(TIMEOUT_S):
            async for line in self._lines:
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: ") and event == name:
                    return json.loads(line.removeprefix("data: "))
        raise EOFError(name)


@contextlib.asynccontextmanager
async def listening(client: httpx2.AsyncClient) -> AsyncIterator[Events]:
    async with client.stream("GET", "/api/v1/admin/events", timeout=TIMEOUT_S) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer.aiter_lines())


async def test_sends_the_state_at_first_and_whenever_it_changed(found: Administration) -> None:
    client = await found.gateway.sign_in("park")
    async with listening(client) as events:
        assert (await events.next("overview"))["sessions"] == 0
        assert (await events.next("sessions"))["items"] == []
        session = await found.session_of("lee")
        while not (sessions := await events.next("sessions"))["items"] or (
            sessions["items"][0]["state"] != "ready"
        ):
            pass
        assert [item["id"] for item in sessions["items"]] == [session]
        await found.gateway.services.pools.set_maintenance("ward", True)
        while (await events.next("pools"))["items"][0]["state"] != "maintenance":
            pass


async def test_a_helpdesk_hears_of_its_scope_alone(found: Administration) -> None:
    client = await found.gateway.sign_in("yoon")
    async with listening(client) as events:
        await events.next("sessions")
        await found.session_of("shin")
        own = await found.session_of("lee")
        seen = await events.next("sessions")
        while not any(item["state"] == "ready" for item in seen["items"]):
            seen = await events.next("sessions")
        assert [item["id"] for item in seen["items"]] == [own]


async def test_the_stream_ends_when_the_person_signs_out(found: Administration) -> None:
    client = await found.gateway.sign_in("park")
    async with listening(client) as events:
        await events.next("overview")
        await found.ask("park", "POST", "people/park/sign-out")
        with pytest.raises(EOFError):
            await events.next("nothing")
    answer = await client.get("/api/v1/admin/events")
    assert (answer.status_code, answer.json()["code"]) == (401, "signed-out")


async def test_one_person_cannot_take_all_places(found: Administration) -> None:
    client = await found.gateway.sign_in("park")
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(PER_NAME_MAX):
            await stack.enter_async_context(listening(client))
        answer = await client.get("/api/v1/admin/events")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-connections")
        other = await found.gateway.sign_in("ahn")
        await stack.enter_async_context(listening(other))


async def test_a_listener_that_reads_slowly_gets_the_newest_state_once() -> None:
    hub = EventHub()
    listener = hub.join("park")
    assert listener is not None
    assert await listener.changes(1) == list(Topic)
    for _ in range(10_000):
        hub.changed(Topic.SESSIONS)
    assert await listener.changes(1) == [Topic.SESSIONS]
    assert await listener.changes(0.001) == []
    hub.leave(listener)
    assert hub.count == 0
