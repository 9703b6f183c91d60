"""Enrolled devices over HTTP: the cookie, what it opens, and what it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2

from display_server.broker.audit.actor import operator_actor
from display_server.broker.audit.reading import Filter, newest
from display_server.broker_link.cookies import hash_of
from display_server.server.operator_requests import DevicesChanged, Done
from display_server.server.operator_socket import devices_changed
from tests.fakes.administration import administration
from tests.fakes.gateway import PASSWORD, GatewayUnderTest

PARK = operator_actor("park")
COOKIE = "__Host-lightbox-enrolled-device"
UNKNOWN: dict[str, Any] = {"enrolled": False, "name": None, "place": None, "tags": [], "badge": None}
WARD: dict[str, Any] = {
    "enrolled": True,
    "name": "ward-3-07",
    "place": "Ward 3",
    "tags": ["diagnostic", "ward-3"],
    "badge": None,
}


async def enrol(gateway: GatewayUnderTest, client: httpx2.AsyncClient) -> httpx2.Response:
    code = await gateway.services.devices.make_code("ward-3-07", "Ward 3", ["ward-3", "diagnostic"], PARK)
    return await client.post("/api/v1/device/enrol", json={"code": code})


async def sign_in(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/v1/sign-in", json={"username": "kim", "password": PASSWORD})
    assert answer.status_code == 200


async def test_a_code_enrols_the_browser_that_enters_it(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    assert (await client.get("/api/v1/device")).json() == UNKNOWN
    answer = await enrol(local_gateway, client)
    assert answer.json() == WARD
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(COOKIE)
    for part in ("HttpOnly", "Secure", "SameSite=Strict", "Max-Age=34560000"):
        assert part in cookie
    assert (await client.get("/api/v1/device")).json() == WARD
    stranger = local_gateway.in_process_client()
    assert (await stranger.get("/api/v1/device")).json() == UNKNOWN


async def test_wrong_codes_are_recorded_and_slowed_down(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client("192.0.2.7")
    answers = [await client.post("/api/v1/device/enrol", json={"code": "0000-0000-0000"}) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [403] * 20 + [429] * 2
    assert answers[0].json()["code"] == "enrolment-code-wrong"
    assert (await enrol(local_gateway, client)).status_code == 429
    async with local_gateway.services.store.reading() as db:
        rows = await newest(db, Filter(), 100)
    refused = [row for row in rows if row.outcome == "refused"]
    assert len(refused) == 20
    assert {(row.action, row.role, row.address) for row in refused} == {
        ("device-enrolled", "nobody", "192.0.2.7")
    }


async def test_a_sign_in_belongs_to_its_device(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    await enrol(local_gateway, client)
    await sign_in(client)
    assert (await client.get("/api/v1/me")).status_code == 200
    [user] = [
        await local_gateway.services.web_sessions.find(value)
        for name, value in client.cookies.items()
        if name.endswith("lightbox")
    ]
    assert user is not None
    assert user.device is not None
    assert (user.device.name, sorted(user.device.tags)) == ("ward-3-07", ["diagnostic", "ward-3"])
    client.cookies.delete(COOKIE)
    copied = await client.get("/api/v1/me")
    assert (copied.status_code, copied.json()["code"]) == (401, "other-device")


async def test_a_sign_in_elsewhere_does_not_become_one_of_the_device(local_gateway: GatewayUnderTest) -> None:
    """Unknown devices stay unknown: their web sessions get no place by a cookie that is added later."""
    enrolled, other = local_gateway.in_process_client(), local_gateway.in_process_client()
    await enrol(local_gateway, enrolled)
    await sign_in(other)
    other.cookies.set(COOKIE, enrolled.cookies[COOKIE])
    [secret] = [value for name, value in other.cookies.items() if name.endswith("lightbox")]
    user = await local_gateway.services.web_sessions.find(secret)
    assert user is not None
    assert user.device is None


async def test_whoever_is_signed_in_while_the_device_is_enrolled_stays_so(
    local_gateway: GatewayUnderTest,
) -> None:
    client = local_gateway.in_process_client()
    await sign_in(client)
    await enrol(local_gateway, client)
    assert (await client.get("/api/v1/me")).status_code == 200
    [listed] = await local_gateway.services.devices.list_all()
    assert listed.people == ("kim",)


async def test_a_revocation_signs_out_at_once_and_disconnects(gateway: GatewayUnderTest) -> None:
    client = gateway.client()
    await enrol(gateway, client)
    await sign_in(client)
    async with await gateway.open_viewer(client) as viewer:
        _, ended = await gateway.services.devices.revoke("ward-3-07", PARK)
        request = DevicesChanged("revoked", "park", [id_hash.hex() for id_hash in ended])
        assert await devices_changed(gateway.services, request) == Done(viewers=1)
        await viewer.wait_closed()
    assert (await client.get("/api/v1/me")).status_code == 401
    assert (await client.get("/api/v1/device")).json() == UNKNOWN


async def test_an_administrator_enrols_and_revokes_over_http(folder: Path) -> None:
    async with administration(folder) as found:
        made = await found.ask(
            "park", "POST", "devices", {"name": "icu-1", "place": "ICU", "tags": ["diagnostic"]}
        )
        assert made.status_code == 201
        client = found.gateway.in_process_client()
        enrolled = await client.post("/api/v1/device/enrol", json={"code": made.json()["code"]})
        assert enrolled.json()["tags"] == ["diagnostic"]
        await sign_in(client)
        [listed] = (await found.ask("park", "GET", "devices", q="icu")).json()["items"]
        assert (listed["name"], listed["place"], listed["person"]) == ("icu-1", "ICU", "kim")
        address = f"devices/{listed['id']}"
        changed = await found.ask("park", "POST", f"{address}/change", {"place": "ICU 2", "tags": []})
        assert changed.status_code == 204
        assert (await client.get("/api/v1/device")).json()["place"] == "ICU 2"
        assert (await found.ask("park", "POST", f"{address}/revoke")).status_code == 204
        assert (await client.get("/api/v1/me")).status_code == 401
        assert (await found.ask("park", "POST", f"{address}/revoke")).status_code == 404


async def test_each_sign_in_renews_the_cookie_with_the_newest_key(local_gateway: GatewayUnderTest) -> None:
    client = local_gateway.in_process_client()
    await enrol(local_gateway, client)
    before = client.cookies[COOKIE]
    await sign_in(client)
    assert local_gateway.services.devices.id_of(client.cookies[COOKIE]) == before.split(".")[1]


async def test_the_audit_names_the_device_of_changes_of_ones_own_sign_in(
    local_gateway: GatewayUnderTest,
) -> None:
    client = await local_gateway.sign_in()
    [secret] = [value for name, value in client.cookies.items() if name.endswith("lightbox")]
    assert (await client.post("/api/v1/me/recovery-codes")).status_code == 201
    changed = await client.post(
        "/api/v1/me/password", json={"old": PASSWORD, "new": "another horse, another battery"}
    )
    assert changed.status_code == 204
    async with local_gateway.services.store.reading() as db:
        rows = await newest(db, Filter(), 2)
    assert {row.action for row in rows} == {"recovery-codes-made", "account-password-changed"}
    for row in rows:
        assert (row.address, row.device) == ("127.0.0.1", hash_of(secret).hex()[:32])
