"""Signing in with a badge over HTTP: where it works, what it needs, and what it does to an open screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.chain import Row
from display_server.broker.audit.reading import Filter, newest
from display_server.broker.badges.badge_state import BadgeSettings
from display_server.broker.second_factor.policy import SecondFactorSettings
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.person import FROM_OUTSIDE, INSIDE, OUTSIDE, Clock

PARK = operator_actor("park")
KIM, LEE = "0012345678", "0087654321"
PIN = "4071"
BADGE = BadgeSettings(enabled=True, pin_s=900.0, tries=3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(
        folder, launcher, served=False, now_s=clock, badge=BADGE, administration=True
    ) as running:
        await running.services.badges.add("kim", KIM, "", PARK)
        await running.services.badges.add("lee", LEE, "", PARK)
        yield running


async def device(
    gateway: GatewayUnderTest, name: str = "ward-3-07", address: str = INSIDE
) -> httpx2.AsyncClient:
    """Returns the browser of a device that is enrolled."""
    client = gateway.in_process_client(address)
    code = await gateway.services.devices.make_code(name, "Ward 3", [], PARK)
    assert (await client.post("/api/v1/device/enrol", json={"code": code})).status_code == 200
    return client


async def tap(client: httpx2.AsyncClient, number: str = KIM, **given: Any) -> httpx2.Response:
    return await client.post("/api/v1/badge", json={"number": number, **given})


async def first_tap(client: httpx2.AsyncClient, number: str = KIM) -> None:
    """Taps for the first time, chooses a PIN and signs out again."""
    assert (await tap(client, number, password=PASSWORD, new_pin=PIN)).json()["state"] == "signed-in"
    await client.post("/api/v1/sign-out")


async def who(client: httpx2.AsyncClient) -> str | None:
    answer = await client.get("/api/v1/me")
    return answer.json()["username"] if answer.status_code == 200 else None


async def rows_of(gateway: GatewayUnderTest, count: int = 50) -> list[Row]:
    async with gateway.services.store.reading() as db:
        return await newest(db, Filter(), count)


async def test_the_first_tap_takes_the_password_and_a_pin(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    assert (await client.get("/api/v1/device")).json()["badge"] == {
        "prefix": ";",
        "digits_min": 6,
        "digits_max": 20,
    }
    answer = await tap(client)
    assert answer.json() == {"state": "new-pin", "username": "kim", "display_name": "kim", "locked": False}
    weak = await tap(client, password=PASSWORD, new_pin="1234")
    assert (weak.status_code, weak.json()["code"]) == (422, "weak-pin")
    wrong = await tap(client, password="wrong", new_pin=PIN)
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-credentials")
    assert await who(client) is None
    assert (await tap(client, password=PASSWORD, new_pin=PIN)).json()["state"] == "signed-in"
    assert await who(client) == "kim"
    [row] = [row for row in await rows_of(gateway) if row.action == "sign-in" and row.outcome == "done"]
    assert row.reason is not None
    assert "badge with password and new PIN, on ward-3-07, Ward 3" in row.reason


async def test_a_tap_needs_the_pin_again_after_its_time(gateway: GatewayUnderTest, clock: Clock) -> None:
    client = await device(gateway)
    await first_tap(client)
    clock.now_s += BADGE.pin_s - 1
    assert (await tap(client)).json()["state"] == "signed-in"
    await client.post("/api/v1/sign-out")
    clock.now_s += 1
    assert (await tap(client)).json()["state"] == "pin"
    assert await who(client) is None
    assert (await tap(client, pin=PIN)).json()["state"] == "signed-in"
    assert await who(client) == "kim"


async def test_badges_work_on_enrolled_devices_alone(gateway: GatewayUnderTest) -> None:
    client, stranger = await device(gateway), gateway.in_process_client()
    await first_tap(client)
    refused = [await tap(stranger), await tap(stranger, pin=PIN)]
    await gateway.services.devices.revoke("ward-3-07", PARK)
    refused.append(await tap(client))
    gateway.services.badge_settings = BadgeSettings()
    refused.append(await tap(await device(gateway, "ward-3-08")))
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(403, "badge-not-here")}
    assert (await stranger.get("/api/v1/device")).json()["badge"] is None


async def test_wrong_pins_lock_the_badge_and_not_the_account(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    await first_tap(client)
    gateway.services.badge_settings = BadgeSettings(enabled=True, pin_s=0, tries=3)
    codes = [(await tap(client, pin="4072")).json()["code"] for _ in range(3)]
    assert codes == ["pin-wrong", "pin-wrong", "badge-locked"]
    for given in ({"pin": PIN}, {}, {"password": PASSWORD, "new_pin": "5082"}):
        assert (await tap(client, **given)).json()["code"] == "badge-locked"
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    assert answer.status_code == 200
    reasons = [row.reason or "" for row in await rows_of(gateway) if row.outcome == "refused"]
    assert sum("wrong PIN," in reason for reason in reasons) == 2
    assert sum("too many wrong PINs" in reason for reason in reasons) == 4


async def test_unknown_badges_are_slowed_down_per_device(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    answers = [await tap(client, f"00000{number:03}") for number in range(21)]
    assert [answer.json()["code"] for answer in answers] == ["badge-unknown"] * 20 + ["slow-down"]
    assert (await tap(client)).status_code == 429
    assert (await tap(await device(gateway, "ward-3-08"))).json()["state"] == "new-pin"


async def test_another_persons_tap_locks_the_open_screen_at_once(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    await first_tap(client)
    await tap(client)
    assert await who(client) == "kim"
    answer = (await tap(client, LEE)).json()
    assert (answer["state"], answer["username"], answer["locked"]) == ("new-pin", "lee", True)
    assert (await client.get("/api/v1/me")).status_code == 423
    lock = (await client.get("/api/v1/lock")).json()
    assert (lock["username"], lock["reason"]) == ("kim", "badge")
    assert (await tap(client)).json()["state"] == "signed-in", "the person's own badge unlocks it"
    assert await who(client) == "kim"
    assert (await tap(client, LEE, password=PASSWORD, new_pin=PIN)).json()["locked"] is True
    assert await who(client) == "lee"
    actions = [row.action for row in await rows_of(gateway)][::-1]
    assert actions[-5:] == ["screen-unlocked", "screen-locked", "badge-pin-set", "sign-out", "sign-in"]


async def test_unknown_and_revoked_badges_lock_nothing(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    await first_tap(client)
    await tap(client)
    [lee] = await gateway.services.badges.list_all("lee")
    await gateway.services.badges.revoke(lee.id, PARK)
    for number in (LEE, "000000"):
        assert (await tap(client, number)).json()["code"] == "badge-unknown"
    assert await who(client) == "kim"


async def test_a_tap_of_ones_own_unlocks_and_over_an_open_screen_changes_nothing(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    client = await device(gateway)
    await first_tap(client)
    await tap(client)
    assert (await tap(client)).json()["state"] == "open"
    await client.post("/api/v1/lock")
    clock.now_s += BADGE.pin_s
    assert (await tap(client)).json()["state"] == "pin"
    assert (await client.get("/api/v1/me")).status_code == 423
    assert (await tap(client, pin=PIN)).json()["state"] == "signed-in"
    assert await who(client) == "kim"


async def test_a_badge_is_no_password_for_changes(gateway: GatewayUnderTest, clock: Clock) -> None:
    client = await device(gateway)
    await first_tap(client)
    await tap(client)
    assert (await client.get("/api/v1/me/sign-in")).json()["fresh_s"] == 0
    assert (await client.post("/api/v1/me/recovery-codes")).json()["code"] == "proof-due"
    assert (await client.post("/api/v1/admin/people/lee/sign-out")).json()["code"] == "proof-due"
    clock.now_s += 1
    assert (await client.post("/api/v1/me/proof", json={"password": PASSWORD})).status_code == 204
    assert (await client.post("/api/v1/me/recovery-codes")).status_code == 201


async def test_a_disabled_account_has_no_badge(gateway: GatewayUnderTest) -> None:
    client = await device(gateway)
    await first_tap(client)
    await gateway.services.accounts.disable("kim")
    assert (await tap(client)).json()["code"] == "account-disabled"
    assert await who(client) is None


async def test_outside_of_the_listed_networks_badges_do_not_take_the_place_of_the_second_factor(
    gateway: GatewayUnderTest,
) -> None:
    outside: SecondFactorSettings = FROM_OUTSIDE
    gateway.services.second_factor = outside
    client = await device(gateway, address=OUTSIDE)
    assert (await tap(client)).json()["code"] == "badge-not-here"
    inside = await device(gateway, "ward-3-08")
    await first_tap(inside)
    assert (await tap(inside)).json()["state"] == "signed-in"
