"""Desktops that run when their people are no longer entitled to them, as browsers notice it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from display_server.broker.api.access_watch import AccessWatch, Reviewed
from display_server.broker.desktop_definition import DesktopDefinition
from display_server.broker.people.access_paths import Subject
from display_server.broker.people.entitlements import Entitlements
from display_server.broker.people.groups import Groups
from display_server.broker.people.removal_state import OnRemoval, RemovalPolicy
from display_server.broker.storage_failures import StorageError, StorageFault
from display_server.broker.tables import Removal
from display_server.protocol.close_codes import CloseCode
from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

ENDED = (410, "desktop-ended-not-entitled")


class Clock:
    """Wall-clock time that the test sets, s."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    """A gateway without a network, on which `kim` may open `reading` because of a command."""
    async with running_gateway(folder, launcher, served=False, now_s=clock) as running:
        await use(running, OnRemoval.WARNING)
        await Entitlements(running.services.store).add("reading", Subject.USER, "kim")
        yield running


async def use(gateway: GatewayUnderTest, on_removal: OnRemoval) -> None:
    """Configures the desktop `reading`, to which the configuration entitles nobody."""
    policy = RemovalPolicy(on_removal, 300)
    definition = DesktopDefinition("reading", "Reading room", "radiology", 1280, 720, (), removal=policy)
    await gateway.services.catalogue.replace([definition])


async def opened(client: httpx2.AsyncClient) -> str:
    answer = await client.post("/api/v1/desktops/reading/viewers")
    assert answer.status_code == 201, answer.text
    session: str = answer.json()["session"]
    return session


async def resumed(client: httpx2.AsyncClient, session: str) -> tuple[int, str]:
    answer = await client.post(f"/api/v1/desktops/reading/viewers?resume={session}")
    return answer.status_code, answer.json().get("code", "")


async def removed(gateway: GatewayUnderTest) -> Reviewed:
    await Entitlements(gateway.services.store).remove("reading", Subject.USER, "kim")
    return await gateway.services.access_watch.review()


async def listed(client: httpx2.AsyncClient) -> list[str]:
    return [desktop["name"] for desktop in (await client.get("/api/v1/desktops")).json()]


async def messages(client: httpx2.AsyncClient) -> list[tuple[str, float | None]]:
    found = (await client.get("/api/v1/messages")).json()
    return [(message["code"], message["remaining_s"]) for message in found]


async def test_a_warned_person_goes_on_until_the_deadline(
    gateway: GatewayUnderTest, clock: Clock, launcher: EchoLauncher
) -> None:
    client = await gateway.sign_in()
    session = await opened(client)
    assert await messages(client) == []
    assert await removed(gateway) == Reviewed(warned=1)
    async with asyncio.timeout(90):
        while not launcher.started[0].agent.message_requests:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
    clock.now_s += 60
    assert await messages(client) == [("access-ends", 240)]
    assert await resumed(client, session) == (201, "")
    assert await listed(client) == ["reading"]
    assert await gateway.services.access_watch.review() == Reviewed(), "nothing is new"
    clock.now_s += 240
    assert await gateway.services.access_watch.review() == Reviewed(ended=1)
    assert await resumed(client, session) == ENDED
    assert await listed(client) == []
    assert await messages(client) == []
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 404
    await gateway.services.sessions.close()
    assert launcher.started[0].stops == 1


async def test_the_message_names_the_desktop_in_each_language(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    await opened(client)
    await removed(gateway)
    (message,) = (await client.get("/api/v1/messages")).json()
    assert message["titles"] == {"en": "Reading room", "ko": "Reading room"}
    stranger = await gateway.sign_in("lee")
    assert (await stranger.get("/api/v1/messages")).json() == []


async def test_nobody_displays_a_desktop_after_the_deadline_even_without_a_review(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    client = await gateway.sign_in()
    session = await opened(client)
    await removed(gateway)
    clock.now_s += 300
    assert (await resumed(client, session))[0] == 404
    assert await listed(client) == []


async def test_at_once_disconnects_the_viewers(folder: Path, launcher: EchoLauncher) -> None:
    async with running_gateway(folder, launcher) as gateway:
        await use(gateway, OnRemoval.AT_ONCE)
        await Entitlements(gateway.services.store).add("reading", Subject.USER, "kim")
        client = await gateway.sign_in()
        session = await opened(client)
        viewer = await gateway.open_viewer(client)
        assert await removed(gateway) == Reviewed(ended=1)
        await asyncio.wait_for(viewer.wait_closed(), 90)
        assert viewer.close_code == CloseCode.ABNORMAL, "the viewer reconnects and learns why"
        assert await resumed(client, session) == ENDED
        assert await listed(client) == []


async def test_a_removal_that_nobody_reported_is_found_by_whoever_opens_the_desktop(
    gateway: GatewayUnderTest,
) -> None:
    await use(gateway, OnRemoval.AT_ONCE)
    client = await gateway.sign_in()
    session = await opened(client)
    await Entitlements(gateway.services.store).remove("reading", Subject.USER, "kim")
    assert (await resumed(client, session))[0] == 404
    assert gateway.services.sessions.running("kim", "reading") is None


async def test_a_desktop_goes_on_until_the_person_signs_out(gateway: GatewayUnderTest, clock: Clock) -> None:
    await use(gateway, OnRemoval.SIGN_OUT)
    client, other = await gateway.sign_in(), await gateway.sign_in()
    session = await opened(client)
    assert await removed(gateway) == Reviewed(until_sign_out=1)
    assert await messages(client) == [("access-ends-at-sign-out", None)]
    clock.now_s += 10
    later = await gateway.sign_in()
    await client.post("/api/v1/sign-out")
    assert await gateway.services.access_watch.review() == Reviewed()
    assert await resumed(other, session) == (201, "")
    await other.post("/api/v1/sign-out")
    assert await gateway.services.access_watch.review() == Reviewed(ended=1)
    assert await resumed(later, session) == ENDED


async def test_whoever_is_entitled_again_keeps_the_desktop(gateway: GatewayUnderTest, clock: Clock) -> None:
    client = await gateway.sign_in()
    session = await opened(client)
    await removed(gateway)
    groups = Groups(gateway.services.store)
    await groups.add("ward-3")
    await groups.add_person("ward-3", "kim")
    await Entitlements(gateway.services.store).add("reading", Subject.GROUP, "ward-3")
    await gateway.services.access_watch.review()
    assert await messages(client) == []
    clock.now_s += 400
    assert await gateway.services.access_watch.review() == Reviewed()
    assert gateway.services.sessions.by_id(session) is not None
    await groups.remove_person("ward-3", "kim")
    assert await gateway.services.access_watch.review() == Reviewed(warned=1), "with a deadline of its own"
    clock.now_s += 100
    assert await messages(client) == [("access-ends", 200)]


async def test_a_desktop_that_left_the_configuration_ends_after_a_warning(gateway: GatewayUnderTest) -> None:
    client = await gateway.sign_in()
    await opened(client)
    await gateway.services.catalogue.replace([])
    assert await gateway.services.access_watch.review() == Reviewed(warned=1)
    assert await messages(client) == [("access-ends", 300)]


async def test_the_next_broker_keeps_the_deadline(gateway: GatewayUnderTest, clock: Clock) -> None:
    services = gateway.services
    client = await gateway.sign_in()
    session = await opened(client)
    await removed(gateway)
    clock.now_s += 100

    def restarted() -> AccessWatch:
        return AccessWatch(
            services.store,
            services.catalogue,
            services.sessions,
            services.viewers,
            services.open_desktop,
            now_s=clock,
        )

    watch = restarted()
    await watch.review()
    assert [pending.ends_in_s for pending in watch.pending_ends("kim")] == [200]
    clock.now_s += 200  # it passes while no broker runs
    watch = restarted()
    await watch.review()
    assert watch.pending_ends("kim") == []
    assert services.sessions.running("kim", "reading") is None
    await services.sessions.close()
    assert session not in [pending.session for pending in watch.pending_ends("kim")]
    await watch.review()
    async with services.store.begin() as db:
        assert (await db.scalars(select(Removal))).all() == [], "nothing is kept of a desktop that has ended"


async def test_deadlines_are_kept_while_the_database_cannot_be_used(
    gateway: GatewayUnderTest, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = gateway.services
    client = await gateway.sign_in()
    session = await opened(client)
    await removed(gateway)

    def broken() -> None:
        raise StorageError(StorageFault.UNREADABLE, "the database")

    monkeypatch.setattr(services.store, "begin", broken)
    clock.now_s += 299
    assert await services.access_watch.review() == Reviewed()
    clock.now_s += 1
    assert await services.access_watch.review() == Reviewed(ended=1)
    monkeypatch.undo()
    assert await resumed(client, session) == ENDED


async def test_a_desktop_is_not_started_for_a_person_who_lost_the_entitlement_meanwhile(
    gateway: GatewayUnderTest,
) -> None:
    client = await gateway.sign_in()
    await Entitlements(gateway.services.store).remove("reading", Subject.USER, "kim")
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 404
    assert gateway.services.sessions.live() == []
