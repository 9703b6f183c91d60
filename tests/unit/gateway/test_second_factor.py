"""Signing in takes a second factor where the policy says so, and a right password alone opens nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from fastapi.routing import APIRoute
from sqlalchemy import select

from display_server.broker.api.app import build_app
from display_server.broker.second_factor import totp
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker.second_factor.sign_in_state import LASTS_S, WRONG_MAX, SignInState
from display_server.broker.tables import AuditRow
from display_server.gateway.proxies import PublicAccess, PublicAddress, TrustedProxies
from tests.fakes.authenticator import Authenticator
from tests.fakes.gateway import PASSWORD, GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.person import ALWAYS, FROM_OUTSIDE, INSIDE, OUTSIDE, Clock, Person, is_inside

#: What needs no sign-in. The metrics need their token.
OPEN_TO_ALL = {"/healthz", "/readyz", "/metrics", "/api/v1/downtime", "/api/v1/device"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gateway(folder: Path, launcher: EchoLauncher, clock: Clock) -> AsyncIterator[GatewayUnderTest]:
    async with running_gateway(folder, launcher, served=False, now_s=clock, second_factor=ALWAYS) as running:
        yield running


async def enrolled(gateway: GatewayUnderTest, clock: Clock) -> Person:
    """Returns a person who has set up an app while they signed in, and has signed out again."""
    person = Person(gateway, clock)
    assert (await person.password()).json()["state"] == "enrolment"
    assert (await person.enrol_app()).status_code == 200
    await person.sign_out()
    return person


async def test_a_first_sign_in_leads_through_the_setup(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = Person(gateway, clock)
    answer = await person.password()
    assert answer.json()["state"] == "enrolment"
    assert answer.json()["methods"] == ["passkey", "app"]
    assert not await person.signed_in()
    assert len((await person.enrol_app()).json()["recovery_codes"]) == 10
    assert await person.signed_in()


async def test_a_code_signs_in_and_is_accepted_once(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = await enrolled(gateway, clock)
    answer = await person.password()
    assert (answer.json()["state"], answer.json()["methods"]) == ("factor", ["app", "recovery"])
    assert not await person.signed_in()
    code = person.code()
    assert (
        await person.post("sign-in/code", method="app", code=f" {code[:3]} {code[3:]}")
    ).status_code == 200
    assert await person.signed_in()
    other = Person(gateway, clock)
    await other.password()
    again = await other.post("sign-in/code", method="app", code=code)
    assert (again.status_code, again.json()["code"]) == (403, "factor-wrong")
    assert not await other.signed_in()


async def test_a_recovery_code_signs_in_once(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = await enrolled(gateway, clock)
    for expected in (200, 403):
        await person.password()
        answer = await person.post("sign-in/code", method="recovery", code=person.recovery_codes[0].lower())
        assert answer.status_code == expected
        await person.sign_out()


async def test_the_pending_sign_in_opens_no_route(folder: Path, launcher: EchoLauncher, clock: Clock) -> None:
    async with running_gateway(
        folder, launcher, served=False, now_s=clock, second_factor=ALWAYS, administration=True
    ) as gateway:
        person = await enrolled(gateway, clock)
        await person.password()
        assert [name for name in person.http.cookies if name.endswith("lightbox-sign-in")]
        examined = 0
        for route in build_app(gateway.services).routes:
            if not isinstance(route, APIRoute) or route.path.startswith("/api/v1/sign-in"):
                continue
            path = re.sub(r"\{[^}]*\}", "1", route.path)
            for method in route.methods or ():
                answer = await person.http.request(method, path, json={} if method == "POST" else None)
                if path == "/api/v1/sign-out":
                    assert answer.status_code == 200  # it ends what is there, and nothing is
                elif path in OPEN_TO_ALL:
                    assert answer.status_code == (401 if path == "/metrics" else 200)
                else:
                    assert (answer.status_code, answer.json()["code"]) in {
                        (401, "signed-out"),
                        (422, "malformed"),
                    }
                    examined += 1
        assert examined > 15
        # With bodies that are well-formed, too, for the routes that answered `malformed`.
        bodies: dict[str, dict[str, Any]] = {
            "unlock": {"password": PASSWORD},
            "me/proof": {"password": PASSWORD},
            "me/password": {"old": PASSWORD, "new": "another horse battery"},
            "me/app": {"code": "123456"},
            "me/passkeys": {"name": "x", "credential": {}},
            "me/passkeys/1/name": {"name": "x"},
            "checks": {},
        }
        for path, body in bodies.items():
            answer = await person.post(path, **body)
            assert (answer.status_code, answer.json()["code"]) == (401, "signed-out"), path


async def test_the_cookies_cannot_be_exchanged(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = await enrolled(gateway, clock)
    await person.password()
    [(name, pending)] = [(n, v) for n, v in person.http.cookies.items() if n.endswith("lightbox-sign-in")]
    stranger = gateway.in_process_client(INSIDE)
    stranger.cookies.set(name.removesuffix("-sign-in"), pending)
    assert (await stranger.get("/api/v1/me")).status_code == 401


async def test_who_has_a_factor_cannot_set_up_another_one_instead(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person = await enrolled(gateway, clock)
    for path, body in (
        ("app/begin", {}),
        ("app", {"code": "123456"}),
        ("passkeys/options", {}),
        ("passkeys", {"name": "x", "credential": {}}),
    ):
        await person.password()
        answer = await person.post(f"sign-in/{path}", **body)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-over")


async def test_who_has_to_set_one_up_cannot_give_a_code(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = Person(gateway, clock)
    await person.password()
    answer = await person.post("sign-in/code", method="app", code="123456")
    assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-over")
    assert (await person.post("sign-in/passkey", credential={})).status_code == 401


async def test_wrong_codes_lead_back_to_the_password(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = await enrolled(gateway, clock)
    await person.password()
    codes = []
    for _ in range(WRONG_MAX):
        answer = await person.post("sign-in/code", method="app", code="000000")
        codes.append(answer.json()["code"])
    assert codes == ["factor-wrong"] * (WRONG_MAX - 1) + ["sign-in-over"]
    assert (await person.post("sign-in/code", method="app", code=person.code())).status_code == 401


async def test_an_attacker_who_knows_the_password_does_not_lock_the_person_out(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person = await enrolled(gateway, clock)
    attacker = Person(gateway, clock, OUTSIDE)
    limited = 0
    for _ in range(4):
        await attacker.password()
        for _ in range(WRONG_MAX):
            answer = await attacker.post("sign-in/code", method="app", code="000000")
            limited += answer.status_code == 429
    assert limited
    # The person's own browser is a known device with a budget of its own.
    assert (await person.password()).status_code == 200
    assert (await person.post("sign-in/code", method="app", code=person.code())).status_code == 200


async def test_the_second_step_expires(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = await enrolled(gateway, clock)
    await person.password()
    clock.now_s += LASTS_S[SignInState.FACTOR_DUE]
    answer = await person.post("sign-in/code", method="app", code=person.code())
    assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-over")


async def test_outside_is_refused_without_a_factor_and_says_why(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person = Person(gateway, clock, OUTSIDE)
    answer = await person.password()
    assert (answer.status_code, answer.json()["code"]) == (403, "factor-outside")
    assert "set-cookie" not in answer.headers
    wrong = await person.post("sign-in", username="kim", password="wrong")
    assert wrong.json()["code"] == "wrong-credentials", "only a right password learns of it"


async def test_inside_takes_no_factor_but_opens_nothing_outside(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    gateway.services.second_factor = FROM_OUTSIDE
    person = Person(gateway, clock)
    assert (await person.password()).json()["state"] == "signed-in"
    assert await person.signed_in()
    outside = gateway.in_process_client(OUTSIDE)
    outside.cookies.update(person.http.cookies)
    answer = await outside.get("/api/v1/desktops")
    assert (answer.status_code, answer.json()["code"]) == (401, "inside-only")
    assert (await outside.post("/api/v1/unlock", json={"password": PASSWORD})).status_code == 401
    assert await person.signed_in(), "inside it goes on"


async def test_a_raised_requirement_acts_on_the_next_sign_in(gateway: GatewayUnderTest, clock: Clock) -> None:
    gateway.services.second_factor = SecondFactorSettings()
    person = Person(gateway, clock)
    assert (await person.password()).json()["state"] == "signed-in"
    gateway.services.second_factor = ALWAYS
    assert await person.signed_in()
    await gateway.services.accounts.sign_out("kim")
    assert not await person.signed_in()
    assert (await person.password()).json()["state"] == "enrolment"


async def test_secrets_and_codes_are_in_no_log(gateway: GatewayUnderTest, clock: Clock) -> None:
    with structlog.testing.capture_logs() as lines:
        person = await enrolled(gateway, clock)
        await person.password()
        code = person.code()
        await person.post("sign-in/code", method="app", code=code)
        await person.post("me/recovery-codes")
    written = repr(lines)
    assert "second-factor-added" in written
    for secret in (totp.secret_text(person.secret), code, *person.recovery_codes, PASSWORD):
        assert secret not in written


async def test_unlocking_asks_for_the_factor_only_if_it_is_configured(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person = await enrolled(gateway, clock)
    await person.password()
    await person.post("sign-in/code", method="app", code=person.code())
    await person.post("lock")
    assert (await person.post("unlock", password=PASSWORD)).json()["state"] == "open"
    gateway.services.second_factor = SecondFactorSettings("always", is_inside, at_unlock=True)
    await person.post("lock")
    answer = await person.post("unlock", password=PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (401, "factor-due")
    assert (await person.http.get("/api/v1/me")).status_code == 423
    assert (await person.post("sign-in/state")).json()["methods"] == ["app", "recovery"]
    assert (await person.post("sign-in/code", method="app", code="000000")).status_code == 403
    assert (await person.http.get("/api/v1/me")).status_code == 423
    assert (await person.post("sign-in/code", method="app", code=person.code())).status_code == 200
    assert await person.signed_in()


async def passkey_person(gateway: GatewayUnderTest, clock: Clock) -> tuple[Person, Authenticator]:
    """Returns a person who has set up a passkey while they signed in, and has signed out again."""
    person = Person(gateway, clock)
    await person.password()
    authenticator = Authenticator("localhost", gateway.url)
    options = (await person.post("sign-in/passkeys/options")).json()
    answer = await person.post(
        "sign-in/passkeys", name="Ward phone", credential=authenticator.create(options)
    )
    assert answer.status_code == 200, answer.text
    await person.sign_out()
    return person, authenticator


async def test_a_passkey_signs_in(gateway: GatewayUnderTest, clock: Clock) -> None:
    person, authenticator = await passkey_person(gateway, clock)
    assert (await person.password()).json()["methods"] == ["passkey", "recovery"]
    options = (await person.post("sign-in/passkey/options")).json()
    assert options["rpId"] == "localhost"
    answer = await person.post("sign-in/passkey", credential=authenticator.get(options))
    assert answer.status_code == 200, answer.text
    assert await person.signed_in()


async def refused(person: Person, credential: dict[str, Any]) -> str:
    answer = await person.post("sign-in/passkey", credential=credential)
    assert answer.status_code in {401, 403}
    assert not await person.signed_in()
    code: str = answer.json()["code"]
    return code


async def test_a_challenge_is_for_one_answer_of_one_sign_in(gateway: GatewayUnderTest, clock: Clock) -> None:
    person, authenticator = await passkey_person(gateway, clock)
    await person.password()
    options = (await person.post("sign-in/passkey/options")).json()
    answered = authenticator.get(options)
    broken = {**answered, "response": {**answered["response"], "signature": "AAAA"}}
    assert await refused(person, broken) == "factor-wrong"
    assert await refused(person, answered) == "factor-wrong", "the challenge was used up"
    # The challenge of another sign-in of the same person does not count here.
    other = Person(gateway, clock)
    await other.password()
    theirs = (await other.post("sign-in/passkey/options")).json()
    await person.post("sign-in/passkey/options")
    assert await refused(person, authenticator.get(theirs)) == "factor-wrong"
    # Nor one that is too old.
    late = (await other.post("sign-in/passkey/options")).json()
    clock.now_s += 299
    await other.password()
    clock.now_s += 2
    assert await refused(other, authenticator.get(late)) == "factor-wrong"


async def test_another_origin_and_another_name_are_refused(gateway: GatewayUnderTest, clock: Clock) -> None:
    person, authenticator = await passkey_person(gateway, clock)
    for origin, rp_id in (
        ("https://evil.example", "localhost"),
        (gateway.url.replace("https", "http"), "localhost"),
        (gateway.url, "evil.example"),
    ):
        await person.password()
        options = (await person.post("sign-in/passkey/options")).json()
        authenticator.origin, authenticator.rp_id = origin, rp_id
        assert await refused(person, authenticator.get(options)) == "factor-wrong"


async def test_a_counter_that_goes_back_is_refused_and_recorded(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person, authenticator = await passkey_person(gateway, clock)
    authenticator.counter = 7
    await person.password()
    options = (await person.post("sign-in/passkey/options")).json()
    assert (await person.post("sign-in/passkey", credential=authenticator.get(options))).status_code == 200
    await person.sign_out()
    for counter in (7, 3, 0):
        authenticator.counter = counter
        await person.password()
        options = (await person.post("sign-in/passkey/options")).json()
        assert await refused(person, authenticator.get(options)) == "factor-wrong"
    async with gateway.services.store.begin() as db:
        rows = (await db.scalars(select(AuditRow).where(AuditRow.outcome == "refused"))).all()
    assert [(row.account, row.action, row.address) for row in rows] == [
        ("kim", "second-factor-used", INSIDE)
    ] * 3
    assert all("counter went from 7" in str(row.reason) for row in rows)


async def test_a_passkey_without_a_counter_is_accepted(gateway: GatewayUnderTest, clock: Clock) -> None:
    person = Person(gateway, clock)
    await person.password()
    authenticator = Authenticator("localhost", gateway.url, counter=0)
    options = (await person.post("sign-in/passkeys/options")).json()
    await person.post("sign-in/passkeys", name="Synced", credential=authenticator.create(options))
    for _ in range(2):
        await person.sign_out()
        await person.password()
        options = (await person.post("sign-in/passkey/options")).json()
        assert (
            await person.post("sign-in/passkey", credential=authenticator.get(options))
        ).status_code == 200


async def test_somebody_elses_passkey_is_refused(gateway: GatewayUnderTest, clock: Clock) -> None:
    _, authenticator = await passkey_person(gateway, clock)
    lee = Person(gateway, clock)
    await lee.password("lee")
    own = Authenticator("localhost", gateway.url)
    options = (await lee.post("sign-in/passkeys/options")).json()
    await lee.post("sign-in/passkeys", name="own", credential=own.create(options))
    await lee.sign_out()
    await lee.password("lee")
    options = (await lee.post("sign-in/passkey/options")).json()
    assert await refused(lee, authenticator.get(options)) == "factor-wrong"


async def test_user_verification_is_required_if_it_is_configured(
    gateway: GatewayUnderTest, clock: Clock
) -> None:
    person, authenticator = await passkey_person(gateway, clock)
    authenticator.verifies = False
    gateway.services.second_factor = SecondFactorSettings("always", is_inside, user_verification="required")
    await person.password()
    options = (await person.post("sign-in/passkey/options")).json()
    assert options["userVerification"] == "required"
    assert await refused(person, authenticator.get(options)) == "factor-wrong"


@pytest.mark.parametrize("credential", [{}, {"id": 5}, {"id": "!"}, {"id": "AAAA", "response": []}])
async def test_malformed_answers_are_refused(
    gateway: GatewayUnderTest, clock: Clock, credential: dict[str, Any]
) -> None:
    person, _ = await passkey_person(gateway, clock)
    await person.password()
    await person.post("sign-in/passkey/options")
    assert await refused(person, credential) == "factor-wrong"


async def test_there_are_no_passkeys_at_an_ip_address(gateway: GatewayUnderTest, clock: Clock) -> None:
    url = gateway.url.replace("localhost", "127.0.0.1")
    person = Person(gateway, clock)
    person.http.headers["Origin"] = url
    person.http.base_url = httpx2.URL(url)
    assert (await person.password()).json()["methods"] == ["app"]
    answer = await person.post("sign-in/passkeys/options")
    assert (answer.status_code, answer.json()["code"]) == (409, "no-passkey")


PUBLIC = "https://hospital.example"
PROXY = "10.0.3.1"


async def test_behind_a_proxy_the_public_name_and_the_clients_address_count(
    folder: Path, launcher: EchoLauncher, clock: Clock
) -> None:
    access = PublicAccess(
        frozenset({"hospital.example", "internal.example", "localhost"}),
        PublicAddress.parse(f"{PUBLIC}/lightbox/"),
        TrustedProxies.parse([PROXY]),
    )
    async with running_gateway(
        folder, launcher, served=False, now_s=clock, access=access, second_factor=FROM_OUTSIDE
    ) as gateway:
        person = Person(gateway, clock, PROXY)
        # The proxy changes the header Host, and leaves the prefix in requests.
        person.http.headers.update({"Origin": PUBLIC, "Host": "internal.example"})
        person.http.base_url = httpx2.URL("https://internal.example/lightbox/")

        async def post(path: str, address: str, body: dict[str, Any]) -> httpx2.Response:
            return await person.http.post(f"api/v1/{path}", json=body, headers={"X-Forwarded-For": address})

        password = {"username": "kim", "password": PASSWORD}
        assert (await post("sign-in", OUTSIDE, password)).json()["code"] == "factor-outside"
        inside = await post("sign-in", INSIDE, password)
        assert inside.json()["state"] == "signed-in"
        options = (await post("me/passkeys/options", INSIDE, {})).json()
        assert options["rp"]["id"] == "hospital.example"
        authenticator = Authenticator("hospital.example", PUBLIC)
        body = {"name": "x", "credential": authenticator.create(options)}
        assert (await post("me/passkeys", INSIDE, body)).status_code == 201
        answer = await post("sign-in", OUTSIDE, password)
        assert answer.json()["state"] == "factor"
        assert "Path=/lightbox" in answer.headers["set-cookie"]
        options = (await post("sign-in/passkey/options", OUTSIDE, {})).json()
        proof = {"credential": authenticator.get(options)}
        assert (await post("sign-in/passkey", OUTSIDE, proof)).status_code == 200
