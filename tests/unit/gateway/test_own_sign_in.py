"""People change their own password and second factors, and need their password for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from display_server.broker.api.own_sign_in_api import FRESH_S
from display_server.broker.second_factor.policy import SecondFactorSettings
from tests.fakes.authenticator import Authenticator
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.person import ALWAYS, Clock, Person

NEW = "quiet river copper lamp"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, served=False, now_s=clock) as running:
        yield running


@pytest.fixture
async def kim(gateway: GatewayUnderTest, clock: Clock) -> Person:
    person = Person(gateway, clock)
    assert (await person.password()).json()["state"] == "signed-in"
    return person


async def test_shows_what_a_person_has_without_secrets(kim: Person, gateway: GatewayUnderTest) -> None:
    await kim.enrol_app("me")
    authenticator = Authenticator("localhost", gateway.url)
    options = (await kim.post("me/passkeys/options")).json()
    answer = await kim.post("me/passkeys", name="내 휴대전화", credential=authenticator.create(options))
    assert (answer.status_code, answer.json()["recovery_codes"]) == (201, None), "there are some already"
    shown = (await kim.http.get("/api/v1/me/sign-in")).json()
    assert (shown["policy"], shown["required_here"], shown["recovery_codes"]) == ("never", False, 10)
    assert [(entry["name"], entry["server"]) for entry in shown["passkeys"]] == [("내 휴대전화", "localhost")]
    assert set(shown) == {
        "policy",
        "required_here",
        "app_since_s",
        "app_used_s",
        "passkeys",
        "recovery_codes",
        "fresh_s",
    }


async def test_a_number_that_no_row_has_is_refused(kim: Person) -> None:
    for number in (2**31, 10**30, 0, -1):
        assert (await kim.post(f"me/passkeys/{number}/remove")).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("me/app/begin", {}),
        ("me/app", {"code": "123456"}),
        ("me/app/remove", {}),
        ("me/passkeys/options", {}),
        ("me/passkeys", {"name": "x", "credential": {}}),
        ("me/passkeys/1/name", {"name": "x"}),
        ("me/passkeys/1/remove", {}),
        ("me/recovery-codes", {}),
    ],
)
async def test_a_change_needs_the_password_once_more(
    kim: Person, clock: Clock, path: str, body: dict[str, object]
) -> None:
    clock.now_s += FRESH_S
    answer = await kim.post(path, **body)
    assert (answer.status_code, answer.json()["code"]) == (403, "proof-due")
    assert (await kim.post("me/proof", password="wrong")).json()["code"] == "wrong-credentials"
    assert (await kim.post(path, **body)).json()["code"] == "proof-due"
    assert (await kim.post("me/proof", password=PASSWORD)).status_code == 204
    answer = await kim.post(path, **body)
    assert answer.status_code < 300 or answer.json()["code"] != "proof-due"


async def test_passkeys_are_renamed_and_removed_by_their_own_person_only(
    kim: Person, gateway: GatewayUnderTest, clock: Clock
) -> None:
    authenticator = Authenticator("localhost", gateway.url)
    options = (await kim.post("me/passkeys/options")).json()
    await kim.post("me/passkeys", name="first", credential=authenticator.create(options))
    [entry] = (await kim.http.get("/api/v1/me/sign-in")).json()["passkeys"]
    lee = Person(gateway, clock)
    await lee.password("lee")
    for act, body in (("name", {"name": "x"}), ("remove", {})):
        answer = await lee.post(f"me/passkeys/{entry['id']}/{act}", **body)
        assert (answer.status_code, answer.json()["code"]) == (404, "no-passkey")
    assert (await kim.post(f"me/passkeys/{entry['id']}/name", name="second")).status_code == 204
    [renamed] = (await kim.http.get("/api/v1/me/sign-in")).json()["passkeys"]
    assert renamed["name"] == "second"
    assert (await kim.post(f"me/passkeys/{entry['id']}/remove")).status_code == 204
    assert (await kim.http.get("/api/v1/me/sign-in")).json()["passkeys"] == []


async def test_the_same_passkey_is_not_stored_twice(kim: Person, gateway: GatewayUnderTest) -> None:
    authenticator = Authenticator("localhost", gateway.url)
    for expected in (201, 403):
        options = (await kim.post("me/passkeys/options")).json()
        answer = await kim.post("me/passkeys", name="x", credential=authenticator.create(options))
        assert answer.status_code == expected
    assert options["excludeCredentials"]


async def test_the_last_factor_stays_where_one_is_required(kim: Person, gateway: GatewayUnderTest) -> None:
    await kim.enrol_app("me")
    gateway.services.second_factor = ALWAYS
    answer = await kim.post("me/app/remove")
    assert (answer.status_code, answer.json()["code"]) == (409, "factor-last")
    authenticator = Authenticator("localhost", gateway.url)
    options = (await kim.post("me/passkeys/options")).json()
    await kim.post("me/passkeys", name="x", credential=authenticator.create(options))
    assert (await kim.post("me/app/remove")).status_code == 204
    gateway.services.second_factor = SecondFactorSettings()


async def test_a_new_password_signs_out_everywhere_else(
    kim: Person, gateway: GatewayUnderTest, clock: Clock
) -> None:
    elsewhere = Person(gateway, clock)
    await elsewhere.password()
    assert (await kim.post("me/password", old=PASSWORD, new=NEW)).status_code == 204
    assert await kim.signed_in()
    assert not await elsewhere.signed_in()
    assert (await elsewhere.password()).status_code == 401
    assert (await elsewhere.post("sign-in", username="kim", password=NEW)).status_code == 200
    assert "password changed" in [event.action for event in await gateway.services.accounts.events("kim")]


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        ("wrong", NEW, 401, "wrong-credentials"),
        (PASSWORD, "password123", 422, "weak-password"),
        (PASSWORD, "short", 422, "weak-password"),
        (PASSWORD, "kim.kim.kim.kim", 422, "weak-password"),
    ],
)
async def test_a_password_is_not_changed(kim: Person, old: str, new: str, status: int, code: str) -> None:
    answer = await kim.post("me/password", old=old, new=new)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await kim.signed_in()
    await kim.sign_out()
    assert (await kim.password()).status_code == 200
