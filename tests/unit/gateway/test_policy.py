"""Policies at work: at sign-in, when desktops are opened, and while they are displayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select

from display_server.broker.audit.actor import operator_actor
from display_server.broker.policy.resolution import ConfiguredValues
from display_server.broker.policy.rules import Conditions
from display_server.broker.policy.session_limits import WARNING_S
from display_server.broker.screen_lock import LockLimits
from display_server.broker.tables import AuditRow
from display_server.broker.web_sessions import device_of
from display_server.broker_link.named_networks import NamedNetworks
from display_server.protocol.agent_pages import DeviceReport
from display_server.protocol.subprotocol import POLICY_HEADER
from display_server.server.operator_requests import (
    PoliciesReviewed,
    PolicyShown,
    Refused,
    SetPolicy,
    ShowPolicy,
)
from display_server.server.policy_requests import set_policy, show_policy
from display_server.server.unattended_watch import end_overdue, end_unattended
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.person import FROM_OUTSIDE, INSIDE, OUTSIDE, Clock

ROOT = operator_actor("root")
NETWORKS = NamedNetworks.parse({"hospital": ["10.0.0.0/8", "127.0.0.0/8"], "wards": ["10.1.0.0/16"]})
LIMITS = LockLimits(after_s=600, warning_s=60, take_back_s=60, blank_s=7)
HOUR_S = 3600.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def local(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, served=False, now_s=clock, lock=LIMITS) as running:
        running.services.policies.use(ConfiguredValues(), NETWORKS)
        yield running


@pytest.fixture
async def served(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, now_s=clock, lock=LIMITS) as running:
        running.services.policies.use(ConfiguredValues(), NETWORKS)
        yield running


async def put(
    gateway: GatewayUnderTest, name: str, conditions: Conditions | None = None, **values: object
) -> int:
    """Sets a policy as an operator does. Returns how many viewers were disconnected."""
    await gateway.services.policies.put(name, conditions or Conditions(), values, ROOT)
    return await gateway.services.policy_watch.review()


async def remove(gateway: GatewayUnderTest, name: str) -> None:
    await gateway.services.policies.remove(name, ROOT)
    await gateway.services.policy_watch.review()


async def sign_in(gateway: GatewayUnderTest, address: str, username: str = "kim") -> httpx2.AsyncClient:
    client = gateway.in_process_client(address)
    answer = await client.post("/api/v1/sign-in", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return client


async def open_desktop(client: httpx2.AsyncClient, name: str = "office") -> tuple[int, str]:
    """Returns the status, and the code of an error or the session."""
    answer = await client.post(f"/api/v1/desktops/{name}/viewers")
    return answer.status_code, answer.json().get("code") or answer.json()["session"]


async def acts(gateway: GatewayUnderTest, action: str) -> list[tuple[str | None, str | None, str | None]]:
    async with gateway.services.store.reading() as db:
        rows = await db.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.seq))
        return [(row.address, row.object, row.reason) for row in rows]


async def test_work_is_allowed_only_from_the_named_networks(local: GatewayUnderTest) -> None:
    kim = await sign_in(local, OUTSIDE)
    await put(local, "inside", allowed_networks=["hospital"])
    assert await open_desktop(kim) == (403, "network-not-allowed")
    body = {"username": "lee", "password": PASSWORD}
    refused = await local.in_process_client(OUTSIDE).post("/api/v1/sign-in", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "network-not-allowed")
    assert (await open_desktop(await sign_in(local, INSIDE)))[0] == 201
    await put(local, "office", Conditions(desktop="office"), allowed_networks="anywhere")
    assert (await open_desktop(kim, "office"))[0] == 201
    assert await open_desktop(kim, "reading") == (403, "network-not-allowed")
    assert await acts(local, "network-refused") == [
        (OUTSIDE, "desktop:kim/office", "policy inside"),
        (OUTSIDE, "account:lee", "policy inside"),
        (OUTSIDE, "desktop:kim/reading", "policy inside"),
    ]


async def test_viewers_where_work_is_not_allowed_any_more_are_disconnected(served: GatewayUnderTest) -> None:
    client = await served.sign_in()
    viewer = await served.open_viewer(client, desktop="office")
    assert await put(served, "reading", Conditions(desktop="reading"), allowed_networks=["wards"]) == 0
    assert await put(served, "office", Conditions(desktop="office"), allowed_networks=["wards"]) == 1
    await asyncio.wait_for(viewer.wait_closed(), 90)
    assert await open_desktop(client) == (403, "network-not-allowed"), "the viewer learns why"
    assert (await acts(served, "network-refused"))[0][1:] == ("desktop:kim/office", "policy office")


async def test_an_agent_gets_the_policy_at_once_and_again_when_it_changes(
    served: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    await put(served, "copying", Conditions(network="hospital"), clipboard_to_desktop="text", monitors=2)
    client = await served.sign_in()
    [id_hash] = await served.services.web_sessions.owners()
    async with await served.open_viewer(client, desktop="office") as viewer:
        await viewer.send("send headers")
        headers = dict(json.loads(await viewer.recv()))
        policy = json.loads(headers[POLICY_HEADER])
        assert (policy["clipboard"]["to_desktop"], policy["monitors"]) == ("text", 2)
        agent = launcher.started[0].agent
        await served.services.policy_watch.review()
        assert agent.policies == [], "it has that policy already"
        await put(served, "copying", clipboard_from_desktop="text-and-images", picture_mode="exact")
        device, found = agent.policies[-1]
        assert device == device_of(id_hash)
        assert (found.clipboard.to_desktop, found.clipboard.from_desktop) == ("nothing", "text-and-images")
        assert (found.picture, found.monitors) == ("exact", 6)
        await remove(served, "copying")
        assert agent.policies[-1][1].clipboard.from_desktop == "nothing"
        assert agent.policies[-1][1].picture is None


async def test_a_viewer_whose_agent_does_not_take_a_policy_is_disconnected(
    served: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await served.sign_in()
    viewer = await served.open_viewer(client, desktop="office")
    launcher.started[0].agent.takes_policies = False
    assert await put(served, "one", monitors=1) == 1
    await asyncio.wait_for(viewer.wait_closed(), 90)
    async with await served.open_viewer(client, desktop="office") as again:
        await again.send("send headers")
        assert json.loads(dict(json.loads(await again.recv()))[POLICY_HEADER])["monitors"] == 1


async def test_without_a_policy_nothing_is_sent(served: GatewayUnderTest, launcher: EchoLauncher) -> None:
    client = await served.sign_in()
    async with await served.open_viewer(client, desktop="office") as viewer:
        await viewer.send("send headers")
        assert POLICY_HEADER not in dict(json.loads(await viewer.recv()))
        assert await served.services.policy_watch.review() == 0
        assert launcher.started[0].agent.policies == []


async def test_screens_are_locked_by_the_policy_of_each(local: GatewayUnderTest, clock: Clock) -> None:
    kim, lee = await sign_in(local, INSIDE), await sign_in(local, OUTSIDE, "lee")
    for client in (kim, lee):
        assert (await client.get("/api/v1/lock")).json()["after_s"] == LIMITS.after_s
    await put(local, "outside", Conditions(), idle_lock_minutes=2)
    await put(local, "wards", Conditions(network="wards"), idle_lock_minutes=60)
    assert (await kim.get("/api/v1/lock")).json()["after_s"] == HOUR_S
    assert (await lee.get("/api/v1/lock")).json()["after_s"] == 120
    clock.now_s += 120
    await local.services.lock_watch.run_once()
    assert (await lee.get("/api/v1/lock")).json()["state"] == "locked"
    clock.now_s += LIMITS.after_s
    await local.services.lock_watch.run_once()
    assert (await kim.get("/api/v1/lock")).json()["state"] == "open", "longer than the configuration says"
    await remove(local, "wards")
    await local.services.lock_watch.run_once()
    assert (await kim.get("/api/v1/lock")).json()["state"] == "locked"


async def test_a_screen_is_locked_by_its_policy_without_the_database(
    local: GatewayUnderTest, clock: Clock
) -> None:
    await sign_in(local, INSIDE)
    await put(local, "all", idle_lock_minutes=60)
    await local.services.lock_watch.run_once()
    clock.now_s += LIMITS.after_s
    await local.services.lock_watch._lock_without_database([DeviceReport("other", 0.0, None)])
    assert await local.services.web_sessions.unlocked(), "its own limit is not reached"
    clock.now_s += HOUR_S
    await local.services.lock_watch._lock_without_database([])
    assert not await local.services.web_sessions.unlocked()


async def test_a_person_may_have_one_desktop(local: GatewayUnderTest) -> None:
    kim, lee = await sign_in(local, INSIDE), await sign_in(local, INSIDE, "lee")
    for name in ("office", "reading"):
        assert (await open_desktop(kim, name))[0] == 201
    await put(local, "one", several_desktops=False)
    assert (await open_desktop(kim, "office"))[0] == 201, "desktops that run may be used on"
    await kim.post("/api/v1/desktops/office/end")
    assert await open_desktop(kim, "office") == (409, "one-desktop")
    assert (await open_desktop(lee, "office"))[0] == 201, "desktops of others do not matter"
    await kim.post("/api/v1/desktops/reading/end")
    opened = await asyncio.gather(open_desktop(kim, "office"), open_desktop(kim, "reading"))
    assert sorted(status for status, _ in opened) == [201, 409]


async def test_a_person_may_not_end_their_desktop(local: GatewayUnderTest) -> None:
    client = await sign_in(local, INSIDE)
    await open_desktop(client)
    await put(local, "keep", Conditions(desktop="office"), restart_desktop=False)
    answer = await client.post("/api/v1/desktops/office/end")
    assert (answer.status_code, answer.json()["code"]) == (403, "restart-not-allowed")
    await remove(local, "keep")
    assert (await client.post("/api/v1/desktops/office/end")).status_code == 204


async def test_a_desktop_ends_at_its_longest_time_after_a_warning(
    local: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    services = local.services
    client = await sign_in(local, INSIDE)
    session = (await open_desktop(client))[1]
    await put(local, "shift", Conditions(desktop="office"), session_hours=0.25)
    assert (await client.get("/api/v1/messages")).json() == []
    clock.now_s += 900 - WARNING_S
    await client.post("/api/v1/input")
    for _ in range(2):
        await services.policy_watch.warn()
    assert launcher.started[0].agent.message_requests == 1
    (message,) = (await client.get("/api/v1/messages")).json()
    assert (message["code"], message["desktop"], message["remaining_s"]) == ("time-ends", "office", WARNING_S)
    clock.now_s += WARNING_S - 1
    end_overdue(services)
    assert (await open_desktop(client))[1] == session
    clock.now_s += 1
    end_overdue(services)
    answer = await client.post(f"/api/v1/desktops/office/viewers?resume={session}")
    assert (answer.status_code, answer.json()["code"]) == (410, "desktop-ended-time-limit")


async def test_the_limit_of_unattended_desktops_is_that_of_the_policy(local: GatewayUnderTest) -> None:
    services, now_s = local.services, 0.0
    services.monotonic_s = lambda: now_s
    client = await sign_in(local, INSIDE)
    await open_desktop(client)
    await open_desktop(client, "reading")
    services.unattended.use_limit(2 * HOUR_S)
    await put(local, "short", Conditions(desktop="office"), unattended_hours=1)
    await put(local, "long", Conditions(desktop="reading"), unattended_hours="unlimited")
    end_unattended(services)

    async def ends() -> dict[str, float | None]:
        return {one["name"]: one["ends_in_s"] for one in (await client.get("/api/v1/desktops")).json()}

    assert await ends() == {"office": HOUR_S, "reading": None}
    await remove(local, "long")
    end_unattended(services)
    assert await ends() == {"office": HOUR_S, "reading": 2 * HOUR_S}
    now_s = HOUR_S
    end_unattended(services)
    assert [session.spec.desktop for session in services.sessions.live() if not session.stopping] == [
        "reading"
    ]


async def test_a_second_factor_is_required_of_a_group_or_a_network(
    folder: Path, launcher: EchoLauncher, clock: Clock
) -> None:
    never = FROM_OUTSIDE
    async with running_gateway(folder, launcher, served=False, now_s=clock, second_factor=never) as gateway:
        gateway.services.policies.use(ConfiguredValues(), NETWORKS)
        kim = await sign_in(gateway, INSIDE)
        await put(gateway, "wards", Conditions(network="wards"), second_factor="always")
        await put(gateway, "home", Conditions(), second_factor="never")
        outside = await gateway.in_process_client(OUTSIDE).post(
            "/api/v1/sign-in", json={"username": "lee", "password": PASSWORD}
        )
        assert outside.json()["state"] == "signed-in"
        ward = await gateway.in_process_client(INSIDE).post(
            "/api/v1/sign-in", json={"username": "lee", "password": PASSWORD}
        )
        assert ward.json()["state"] == "enrolment"
        moved = await kim.get("/api/v1/me")
        assert (moved.status_code, moved.json()["code"]) == (401, "inside-only")


async def test_a_new_rule_for_everywhere_interrupts_nobody(local: GatewayUnderTest) -> None:
    await put(local, "never", second_factor="never")
    client = await sign_in(local, INSIDE)
    await put(local, "always", Conditions(), second_factor="always")
    await remove(local, "never")
    assert (await client.get("/api/v1/me")).status_code == 200


async def test_an_operator_sets_and_shows_policies(local: GatewayUnderTest) -> None:
    services = local.services
    done = await set_policy(services, SetPolicy("ward", {"network": "wards"}, {"monitors": 2}, "root"))
    assert done == PoliciesReviewed()
    shown = await show_policy(services, ShowPolicy("kim", "office", INSIDE))
    assert isinstance(shown, PolicyShown)
    assert {one.key: (one.value, one.origin) for one in shown.values}["monitors"] == (2, "policy ward")
    for request in (
        SetPolicy("zero", {}, {"idle_lock_minutes": 0}, "root"),
        SetPolicy("unknown", {"network": "none"}, {"monitors": 2}, "root"),
        SetPolicy("kind", {"person": "kim"}, {"monitors": 2}, "root"),
        SetPolicy("locked-out", {}, {"allowed_networks": ["wards"]}, "root", "kim", OUTSIDE),
        SetPolicy("factor", {}, {"second_factor": "always"}, "root", "kim", OUTSIDE),
        SetPolicy("author", {}, {"monitors": 1}, "root", "nobody", OUTSIDE),
    ):
        refused = await set_policy(services, request)
        assert isinstance(refused, Refused), request
        assert refused.next_step
    assert [rule.name for rule in services.policies.rules] == ["ward"]


async def test_a_tag_of_the_device_decides_where_the_person_signed_in(local: GatewayUnderTest) -> None:
    client = local.in_process_client(INSIDE)
    code = await local.services.devices.make_code("ward-3-07", "Ward 3", ["kiosk"], ROOT)
    assert (await client.post("/api/v1/device/enrol", json={"code": code})).status_code == 200
    assert (await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})).is_success
    other = await sign_in(local, INSIDE, "lee")
    await put(local, "kiosk", Conditions(tag="Kiosk"), allowed_networks=["hospital"], restart_desktop=False)
    for browser, status in ((client, 403), (other, 204)):
        assert (await open_desktop(browser))[0] == 201
        assert (await browser.post("/api/v1/desktops/office/end")).status_code == status
