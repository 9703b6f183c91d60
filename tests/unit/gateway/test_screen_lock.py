"""Screens are locked without input, whatever the page asks, and only the password unlocks them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed

from display_server.broker.api.lock_watch import INTERVAL_S, LONGEST_INTERVAL_S
from display_server.broker.screen_lock import OVERDUE_S, LockLimits
from display_server.broker.web_sessions import device_of
from display_server.protocol.agent_pages import DeviceReport
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher

LIMITS = LockLimits(after_s=600, warning_s=60, take_back_s=60, blank_s=7)


class Clock:
    now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def local(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, served=False, lock=LIMITS, now_s=clock) as running:
        yield running


@pytest.fixture
async def served(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, lock=LIMITS, now_s=clock) as running:
        yield running


async def pass_time(gateway: GatewayUnderTest, clock: Clock, seconds: float) -> None:
    clock.now_s += seconds
    await gateway.services.lock_watch.run_once()


async def device(gateway: GatewayUnderTest) -> str:
    """Returns the name of the only browser that is signed in."""
    [id_hash] = await gateway.services.web_sessions.unlocked()
    return device_of(id_hash)


async def state(client: httpx2.AsyncClient) -> tuple[str, str | None]:
    answer = (await client.get("/api/v1/lock")).json()
    return answer["state"], answer["reason"]


async def test_a_list_that_is_polled_is_locked(local: GatewayUnderTest, clock: Clock) -> None:
    client = await local.sign_in()
    for _ in range(9):
        await pass_time(local, clock, LIMITS.after_s / 10)
        assert (await client.get("/api/v1/desktops")).status_code == 200
    await pass_time(local, clock, LIMITS.after_s / 10)
    answer = await client.get("/api/v1/desktops")
    assert (answer.status_code, answer.json()["code"]) == (423, "locked")
    assert await state(client) == ("locked", "idle")


async def test_an_open_viewer_without_input_is_locked(
    served: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await served.sign_in()
    viewer = await served.open_viewer(client)
    await viewer.send("hello")
    assert await viewer.recv() == "hello"
    [desktop] = launcher.started
    # The agent knows the device, which displays the desktop but does nothing.
    desktop.agent.devices = [DeviceReport(await device(served), None, None)]
    await pass_time(served, clock, LIMITS.after_s)
    with pytest.raises(ConnectionClosed):
        await viewer.recv()
    answer = await client.post("/api/v1/desktops/reading/viewers")
    assert (answer.status_code, answer.json()["code"]) == (423, "locked")


async def test_input_that_the_agent_reports_keeps_the_screen_open(
    served: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await served.sign_in()
    viewer = await served.open_viewer(client)
    [desktop] = launcher.started
    name = await device(served)
    for _ in range(5):
        desktop.agent.devices = [DeviceReport(name, 10.0, None)]
        await pass_time(served, clock, LIMITS.after_s - 20)
    assert await state(client) == ("open", None)
    await viewer.send("still here")
    assert await viewer.recv() == "still here"
    await viewer.close()


async def test_input_of_another_device_counts_for_that_one_only(
    local: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await local.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    launcher.started[0].agent.devices = [DeviceReport("f" * 32, 0.1, None)]
    await pass_time(local, clock, LIMITS.after_s)
    assert await state(client) == ("locked", "idle")


async def test_an_agent_that_does_not_answer_keeps_no_screen_open(
    local: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await local.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    launcher.started[0].agent.devices = None
    await pass_time(local, clock, LIMITS.after_s)
    assert await state(client) == ("locked", "idle")


async def test_input_on_a_page_itself_counts(local: GatewayUnderTest, clock: Clock) -> None:
    client = await local.sign_in()
    await pass_time(local, clock, LIMITS.after_s - 30)
    assert await state(client) == ("warned", None)
    assert (await client.post("/api/v1/input")).status_code == 204
    assert await state(client) == ("open", None)
    await pass_time(local, clock, LIMITS.after_s)
    assert (await client.post("/api/v1/input")).status_code == 423
    assert await state(client) == ("locked", "idle")


async def test_a_web_session_counts_as_locked_when_nothing_locks_it(
    local: GatewayUnderTest, clock: Clock
) -> None:
    client = await local.sign_in()
    clock.now_s += LIMITS.after_s + OVERDUE_S
    assert (await client.get("/api/v1/me")).status_code == 423


async def test_the_lock_says_who_is_signed_in_and_what_the_limits_are(
    local: GatewayUnderTest, clock: Clock
) -> None:
    client = await local.sign_in()
    clock.now_s += 550
    answer = (await client.get("/api/v1/lock")).json()
    assert answer == {
        "username": "kim",
        "display_name": "kim",
        "state": "warned",
        "reason": None,
        "remaining_s": 50.0,
        "after_s": 600.0,
        "warning_s": 60.0,
        "take_back_s": 60.0,
        "blank_s": 7.0,
        "provider": None,
    }
    assert (await local.in_process_client().get("/api/v1/lock")).status_code == 401


async def test_the_password_unlocks(local: GatewayUnderTest, clock: Clock) -> None:
    client = await local.sign_in()
    await pass_time(local, clock, LIMITS.after_s)
    wrong = await client.post("/api/v1/unlock", json={"password": "wrong password"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-credentials")
    assert await state(client) == ("locked", "idle")
    right = await client.post("/api/v1/unlock", json={"password": PASSWORD})
    assert (right.status_code, right.json()["state"]) == (200, "open")
    assert (await client.get("/api/v1/desktops")).status_code == 200


async def test_unlocking_is_limited_like_signing_in(local: GatewayUnderTest, clock: Clock) -> None:
    client = await local.sign_in()
    await pass_time(local, clock, LIMITS.after_s)
    for _ in range(5):
        await client.post("/api/v1/unlock", json={"password": "wrong password"})
    answer = await client.post("/api/v1/unlock", json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (429, "slow-down")
    assert await state(client) == ("locked", "idle")


async def test_every_route_of_the_person_refuses_while_locked(
    folder: Path, launcher: EchoLauncher, clock: Clock
) -> None:
    """Open are only the routes that lead out of the lock."""
    async with running_gateway(
        folder, launcher, served=False, lock=LIMITS, now_s=clock, administration=True
    ) as local:
        client = await local.sign_in()
        await client.post("/api/v1/lock")
        open_routes = {
            ("GET", "/api/v1/downtime"),
            ("GET", "/api/v1/lock"),
            ("POST", "/api/v1/lock"),
            ("POST", "/api/v1/unlock"),
            ("POST", "/api/v1/sign-out"),
        }
        refused = []
        for path, methods in (await client.get("/api/v1/openapi.json")).json()["paths"].items():
            for method in methods:
                route = method.upper(), path
                # A sign-in begins anew; test_second_factor.py says what a pending one opens. A device is
                # enrolled by an administrator, whoever is signed in there.
                if (
                    path.startswith(("/api/v1/sign-in", "/api/v1/device", "/api/v1/badge"))
                    or route in open_routes
                ):
                    continue
                address = path.replace("{name}", "reading").replace("{passkey}", "1")
                answer = await client.request(route[0], address, json={})
                assert answer.status_code == 423, route
                refused.append(route)
        assert ("GET", "/api/v1/desktops") in refused


async def test_a_locked_person_can_sign_out(local: GatewayUnderTest, clock: Clock) -> None:
    client = await local.sign_in()
    assert (await client.post("/api/v1/lock")).json()["reason"] == "person"
    assert (await client.post("/api/v1/sign-out")).status_code == 200
    assert (await client.get("/api/v1/lock")).status_code == 401


async def test_a_ticket_of_before_the_lock_opens_nothing(
    served: GatewayUnderTest, launcher: EchoLauncher
) -> None:
    client = await served.sign_in()
    ticket = (await client.post("/api/v1/desktops/reading/viewers")).json()["ticket"]
    await client.post("/api/v1/lock")
    viewer = await served.open_viewer(client, ticket)
    with pytest.raises(ConnectionClosed):
        await viewer.recv()
    assert viewer.close_code == 4401


async def test_a_device_that_lost_the_desktop_is_locked(
    local: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await local.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    agent, name = launcher.started[0].agent, await device(local)
    agent.devices = [DeviceReport(name, 59.0, 59.0)]
    await pass_time(local, clock, 59)
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 201, "soon enough"
    agent.devices = [DeviceReport(name, 0.5, 60.0)]
    await pass_time(local, clock, 1)
    assert await state(client) == ("locked", "moved")
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 423
    clock.now_s += 30
    agent.devices = [DeviceReport(name, 30.0, 90.0)]
    await client.post("/api/v1/unlock", json={"password": PASSWORD})
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 201
    await pass_time(local, clock, 0)
    assert await state(client) == ("open", None)


async def test_the_watch_returns_when_the_next_lock_is_due(local: GatewayUnderTest, clock: Clock) -> None:
    """Often enough to lock on time, and seldom otherwise: each time every agent is asked."""
    watch = local.services.lock_watch
    assert await watch.run_once() == LONGEST_INTERVAL_S
    await local.sign_in()
    assert await watch.run_once() == LONGEST_INTERVAL_S
    clock.now_s += LIMITS.after_s - 7
    assert await watch.run_once() == 7
    clock.now_s += 6.5
    assert await watch.run_once() == INTERVAL_S


async def test_an_agent_that_was_restarted_forgets_no_loss(
    local: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await local.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    agent = launcher.started[0].agent
    agent.devices = [DeviceReport(await device(local), 1.0, 1.0)]
    await pass_time(local, clock, 2)
    agent.devices = []
    clock.now_s += LIMITS.take_back_s
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 423


async def test_a_device_that_displays_another_desktop_proves_only_to_take_back(
    served: GatewayUnderTest, launcher: EchoLauncher, clock: Clock
) -> None:
    client = await served.sign_in()
    await client.post("/api/v1/desktops/reading/viewers")
    viewer = await served.open_viewer(client, desktop="office")
    name = await device(served)
    launcher.started[0].agent.devices = [DeviceReport(name, 70.0, 70.0)]
    await pass_time(served, clock, 70)
    await viewer.send("still here")
    assert await viewer.recv() == "still here"
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 423
    assert await state(client) == ("locked", "moved")
    with pytest.raises(ConnectionClosed):
        await viewer.recv()


async def test_another_person_at_a_locked_screen_meets_no_desktop_of_the_first(
    local: GatewayUnderTest, clock: Clock
) -> None:
    client = await local.sign_in("kim")
    await client.post("/api/v1/lock")
    other = {"username": "lee", "password": PASSWORD}
    assert (await client.post("/api/v1/unlock", json={"password": "lee's password"})).status_code == 401
    assert (await client.post("/api/v1/sign-in", json=other)).status_code == 200
    listed = [entry["name"] for entry in (await client.get("/api/v1/desktops")).json()]
    assert listed == ["office"]
    assert (await client.post("/api/v1/desktops/reading/viewers")).status_code == 404
    assert len(await local.services.web_sessions.unlocked()) == 1, "the first person is signed out"


async def test_ten_hostile_addresses_refuse_no_known_device(local: GatewayUnderTest) -> None:
    """The attackers guess all the time, also at the same time as the person signs in."""
    local.services.monotonic_s = lambda: 0.0  # no wait ends while the test runs
    known = await local.sign_in()
    guess = {"username": "kim", "password": "a guess of a stranger"}
    right = {"username": "kim", "password": PASSWORD}
    hostile = [local.in_process_client(f"192.0.2.{number}") for number in range(10)]
    refused = 0
    for _ in range(100):
        answers = await asyncio.gather(
            *(client.post("/api/v1/sign-in", json=guess) for client in hostile),
            known.post("/api/v1/sign-in", json=right),
        )
        refused += answers[-1].status_code != 200
    assert refused == 0
    unknown = local.in_process_client("198.51.100.1")
    assert (await unknown.post("/api/v1/sign-in", json=right)).status_code == 429
