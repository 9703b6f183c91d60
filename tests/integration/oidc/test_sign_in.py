"""Signing in and unlocking at a real provider, and everything that has to be refused."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from display_server.broker.audit.entry import Action
from display_server.broker.directory.accounts import AccountConflictError
from display_server.broker.oidc.claims import ProviderPerson
from display_server.broker.oidc.keys import REFETCH_S
from display_server.broker.people.groups import Groups
from display_server.broker.second_factor import totp
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker.tables import AuditRow
from display_server.cli import oidc
from tests.fakes.gateway import PASSWORD as LOCAL_PASSWORD
from tests.fakes.gateway import GatewayUnderTest, running_gateway
from tests.fakes.launchers import EchoLauncher
from tests.fakes.oidc import CLIENT_SECRET, PEOPLE, OidcProvider, client_of, oidc_provider, settings_for
from tests.integration.oidc.people import SERVER, Person

DOCUMENT = Path(__file__).parents[3] / "docs" / "oidc.md"
NEVER = SecondFactorSettings()
ALWAYS = SecondFactorSettings("always", is_inside=lambda _address: True)
Serve = Callable[..., AbstractAsyncContextManager[GatewayUnderTest]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    with oidc_provider(tmp_path_factory.mktemp("oidc") / "provider") as prepared:
        prepared.start([client_of(SERVER, ("hospital", "other"))])
        yield prepared


@pytest.fixture(autouse=True)
def honest(provider: OidcProvider) -> Iterator[None]:
    """Undoes what a test has changed at the provider."""
    yield
    provider.set(people=dict(PEOPLE), disabled=[], tamper=None, acr=None, amr=None)


@pytest.fixture
def serve(folder: Path, provider: OidcProvider) -> Serve:
    @asynccontextmanager
    async def run(
        second_factor: SecondFactorSettings = NEVER, **values: Any
    ) -> AsyncIterator[GatewayUnderTest]:
        # The other provider is another client of the same one; a server would refuse this configuration.
        providers = [settings_for(provider, **values), settings_for(provider, name="other")]
        async with running_gateway(
            folder, EchoLauncher(), served=False, providers=providers, second_factor=second_factor
        ) as running:
            yield running

    return run


@pytest.fixture
async def gateway(serve: Serve) -> AsyncIterator[GatewayUnderTest]:
    async with serve() as running:
        yield running


@pytest.fixture
async def person(gateway: GatewayUnderTest, provider: OidcProvider) -> AsyncIterator[Person]:
    async with visitor(gateway, provider) as one:
        yield one


@asynccontextmanager
async def visitor(
    gateway: GatewayUnderTest, provider: OidcProvider, name: str = "hospital"
) -> AsyncIterator[Person]:
    one = Person(gateway, provider, name)
    try:
        yield one
    finally:
        await one.close()


async def reasons(gateway: GatewayUnderTest) -> list[str]:
    """Returns the reasons of all refused sign-ins in the audit."""
    async with gateway.services.store.reading() as db:
        rows = await db.scalars(
            select(AuditRow.reason).where(
                AuditRow.action == Action.SIGN_IN.value, AuditRow.outcome == "refused"
            )
        )
        return [reason or "" for reason in rows]


async def test_a_person_signs_in_with_groups_of_the_provider(
    gateway: GatewayUnderTest, person: Person
) -> None:
    listed = (await person.client.get("/api/v1/sign-in/oidc")).json()
    assert listed[0] == {"name": "hospital", "title": "Hospital account"}
    status, answer = await person.sign_in()
    assert (status, answer["state"]) == (200, "signed-in"), answer
    assert (answer["username"], answer["display_name"]) == ("park", "박지훈")
    assert await person.is_signed_in()
    groups = Groups(gateway.services.store)
    assert set(await groups.of_person("park")) == {"hospital:doctors", "hospital:radiology"}
    assert {group.origin.value for group in await groups.list_all()} == {"provider"}
    async with gateway.services.store.reading() as db:
        entry = (await db.scalars(select(AuditRow).where(AuditRow.action == Action.SIGN_IN.value))).one()
    assert (entry.account, entry.outcome) == ("park", "done")
    assert "at hospital" in (entry.reason or "")


async def test_claims_apart_from_the_token_and_lost_groups(serve: Serve, provider: OidcProvider) -> None:
    async with serve(userinfo=True) as gateway, visitor(gateway, provider) as person:
        assert (await person.sign_in())[0] == 200
        people = {**PEOPLE, "subject-1": {**PEOPLE["subject-1"], "groups": ["doctors"]}}
        provider.set(people=people)
        assert (await person.sign_in())[0] == 200
        assert set(await Groups(gateway.services.store).of_person("park")) == {"hospital:doctors"}


async def test_the_subject_is_the_person_whatever_the_username(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    await person.sign_in()
    renamed = {"preferred_username": "kim", "name": "박지훈 교수"}
    provider.set(people={**PEOPLE, "subject-1": renamed})
    status, answer = await person.sign_in()
    assert (status, answer["username"], answer["display_name"]) == (200, "park", "박지훈 교수")
    provider.set(people={"subject-9": PEOPLE["subject-1"]})
    assert (await person.sign_in("subject-9"))[1]["code"] == "account-conflict"


async def test_a_provider_never_takes_over_a_local_account(gateway: GatewayUnderTest, person: Person) -> None:
    status, answer = await person.sign_in("subject-kim")
    assert (status, answer["code"]) == (403, "account-conflict")
    assert not await person.is_signed_in()
    signed_in = await person.client.post(
        "/api/v1/sign-in", json={"username": "kim", "password": LOCAL_PASSWORD}
    )
    assert (signed_in.status_code, signed_in.json()["display_name"]) == (200, "kim")
    stranger = ProviderPerson("https://elsewhere.example", "subject-1", "park", "Park", (), False)
    await person.sign_in()
    with pytest.raises(AccountConflictError):
        await gateway.services.oidc.accounts.record_sign_in("elsewhere", stranger)


async def test_nobody_signs_in_with_a_password_that_the_provider_keeps(person: Person) -> None:
    await person.sign_in()
    for password in ("", " ", "the password of everybody"):
        answer = await person.client.post(
            "/api/v1/sign-in", json={"username": "park", "password": password or "x"}
        )
        assert answer.status_code == 401
    answer = await person.client.post("/api/v1/me/proof", json={"password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (409, "password-of-provider")


async def test_who_is_disabled_is_refused(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    provider.set(disabled=["subject-1"])
    status, answer = await person.sign_in()
    assert (status, answer["code"]) == (403, "provider-denied")
    provider.set(disabled=[])
    assert (await person.sign_in())[0] == 200
    await gateway.services.accounts.disable("park")
    status, answer = await person.sign_in()
    assert (status, answer["code"]) == (403, "account-disabled")
    assert not await person.is_signed_in()


TAMPERED = {
    "wrong nonce": {"claims": {"nonce": "of another sign-in"}},
    "no nonce": {"without": ["nonce"]},
    "wrong audience": {"claims": {"aud": "another client"}},
    "another party": {"claims": {"aud": ["lightbox", "other"], "azp": "other"}},
    "other issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "expired": {"claims": {"exp": 1}},
    "no end": {"without": ["exp"]},
    "from the future": {"claims": {"iat": 4_000_000_000, "exp": 4_000_000_600}},
    "older than the sign-in": {"claims": {"iat": 1_000_000_000}},
    "password given long ago": {"claims": {"auth_time": 1_000_000_000}},
    "nobody says when the password was given": {"without": ["auth_time"]},
    "no subject": {"without": ["sub"]},
    "alg none": {"unsigned": True},
    "a key that is not the provider's": {"otherKey": True},
    "an unknown key": {"header": {"kid": "unknown"}},
    "groups of another form": {"claims": {"groups": {"doctors": True}}},
    "a username of another form": {"claims": {"preferred_username": "../kim"}},
}


async def test_tokens_that_are_not_as_expected_sign_nobody_in(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    # One test for all of them: each would start a server of its own.
    for number, (what, tamper) in enumerate(TAMPERED.items(), start=1):
        parameters = await person.visit("subject-1")
        provider.set(tamper=tamper)
        status, answer = await person.finish(parameters)
        provider.set(tamper=None)
        assert (status, answer.get("code")) == (403, "provider-answer"), what
        assert not await person.is_signed_in(), what
        assert len(await reasons(gateway)) == number, what
    assert await gateway.services.accounts.find("park") is None
    provider.set(tamper={"claims": {}})
    assert (await person.sign_in())[0] == 200, "an altered token is accepted if nothing of it is wrong"


async def test_code_and_state_work_once_and_in_one_browser(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    async with visitor(gateway, provider) as attacker:
        stolen = await person.visit("subject-1")
        assert (await attacker.finish(stolen))[1]["code"] == "sign-in-over", "without a cookie"
        own = await attacker.visit("subject-2")
        mixed = {**own, "code": stolen["code"]}
        assert (await attacker.finish(mixed))[1]["code"] == "provider-answer", "the code of another browser"
        assert not await attacker.is_signed_in()
        assert (await person.finish(stolen))[0] == 200, "the browser that began is not kept out"
    again = await person.visit("subject-1")
    wrong = {**again, "state": "x" * 43}
    assert (await person.finish(wrong))[1]["code"] == "sign-in-over"
    cookies = dict(person.client.cookies)
    again = await person.visit("subject-1")
    kept = dict(person.client.cookies)
    assert (await person.finish(again))[0] == 200
    for name, value in {**cookies, **kept}.items():
        person.client.cookies.set(name, value)
    assert (await person.finish(again))[1]["code"] == "sign-in-over", "replayed with its cookie"


async def test_a_sign_in_that_takes_too_long_is_over(gateway: GatewayUnderTest, person: Person) -> None:
    parameters = await person.visit("subject-1")
    gateway.services.oidc.sign_ins._now_s = lambda: time.time() + 600
    assert (await person.finish(parameters))[1]["code"] == "sign-in-over"
    await gateway.services.oidc.delete_expired()


async def test_answers_of_another_provider_are_refused(gateway: GatewayUnderTest, person: Person) -> None:
    parameters = await person.visit("subject-1")
    assert (await person.finish(parameters, name="other"))[1]["code"] == "provider-answer"
    parameters = await person.visit("subject-1")
    elsewhere = {**parameters, "iss": "https://elsewhere.example"}
    assert (await person.finish(elsewhere))[1]["code"] == "provider-answer"
    parameters = await person.visit("subject-1")
    del parameters["iss"]
    assert (await person.finish(parameters))[1]["code"] == "provider-answer", "this one always says it"
    assert (await person.finish(parameters, name="unknown"))[0] == 401
    assert not await person.is_signed_in()
    assert len(await reasons(gateway)) == 4


async def test_keys_are_fetched_again_after_a_rotation(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    assert (await person.sign_in())[0] == 200
    provider.rotate_keys()
    assert (await person.sign_in())[0] == 403, "so that nobody can make this server fetch keys all the time"
    keys = gateway.services.oidc.providers["hospital"].keys
    keys._monotonic_s = lambda: time.monotonic() + REFETCH_S
    assert (await person.sign_in())[0] == 200


async def test_an_outage_leaves_people_signed_in(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    await person.sign_in()
    provider.stop()
    try:
        gateway.services.oidc.providers["hospital"]._metadata = None
        answer = await person.client.post("/api/v1/sign-in/oidc/hospital/begin", json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "provider-away")
        assert await person.is_signed_in()
        health = await person.client.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert health.json()["reasons"][0]["code"] == "provider-away"
        left = (await person.client.post("/api/v1/sign-out", json={})).json()
        assert (left["continue_at"], left["signed_in_at"]) == (None, "Hospital account")
        assert not await person.is_signed_in()
    finally:
        provider.start()


async def test_the_second_factor_of_the_provider_counts_only_if_the_configuration_says_so(
    serve: Serve, provider: OidcProvider
) -> None:
    async with serve(ALWAYS, second_factor_amr=["otp"]) as gateway, visitor(gateway, provider) as person:
        assert (await person.sign_in())[1]["state"] == "enrolment"
        assert not await person.is_signed_in()
        provider.set(amr=["pwd", "otp"])
        assert (await person.sign_in())[1]["state"] == "signed-in"


async def test_without_such_a_configuration_the_second_factor_is_ours(
    serve: Serve, provider: OidcProvider
) -> None:
    provider.set(amr=["pwd", "otp"], acr="two-factors")
    async with serve(ALWAYS) as gateway, visitor(gateway, provider) as person:
        assert (await person.sign_in())[1]["state"] == "enrolment"
        assert not await person.is_signed_in()
        setup = (await person.client.post("/api/v1/sign-in/app/begin")).json()
        secret = base64.b32decode(setup["secret"].replace(" ", ""))
        code = totp.code_at(secret, totp.step_of(time.time()))
        assert (await person.client.post("/api/v1/sign-in/app", json={"code": code})).status_code == 200
        assert await person.is_signed_in()
        state = (await person.client.get("/api/v1/lock")).json()
        assert state["provider"]["name"] == "hospital", "known although the sign-in had two steps"


async def test_the_screen_is_unlocked_at_the_provider(
    gateway: GatewayUnderTest, person: Person, provider: OidcProvider
) -> None:
    await person.sign_in()
    await person.client.post("/api/v1/lock")
    state = (await person.client.get("/api/v1/lock")).json()
    assert (state["state"], state["provider"]["name"]) == ("locked", "hospital")
    answer = await person.client.post("/api/v1/unlock", json={"password": "the password of everybody"})
    assert answer.status_code == 401
    other = await person.visit("subject-2", unlock=True)
    assert (await person.finish(other))[1]["code"] == "provider-answer", "another person"
    assert not await person.is_signed_in()
    assert (await person.finish(await person.visit("subject-1", unlock=True)))[0] == 200
    assert await person.is_signed_in()
    async with visitor(gateway, provider) as stranger:
        begun = await stranger.client.post("/api/v1/sign-in/oidc/hospital/begin", json={"unlock": True})
        assert begun.status_code == 401


async def test_signing_out_goes_on_at_the_provider(person: Person) -> None:
    await person.sign_in()
    left = (await person.client.post("/api/v1/sign-out", json={})).json()
    assert await person.browser.sign_out(left["continue_at"]) == f"{SERVER}/"
    assert left["signed_in_at"] is None


async def test_pages_of_other_sites_begin_nothing(gateway: GatewayUnderTest, person: Person) -> None:
    for headers in ({"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        answer = await person.client.post("/api/v1/sign-in/oidc/hospital/begin", json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
    assert (await person.client.post("/api/v1/sign-in/oidc/unknown/begin", json={})).status_code == 404


def documented(folder: Path, provider: OidcProvider, **values: str) -> Path:
    """Writes the configuration that the document shows, with the provider of the test."""
    text = DOCUMENT.read_text()
    found = re.search(r"```toml\n(\[\[oidc\]\].*?)```", text, re.S)
    assert found is not None
    configuration = found[1]
    own = {"issuer": provider.issuer, "client_secret_file": "secret", "ca_file": str(provider.ca_file)}
    for key, value in (own | values).items():
        configuration, count = re.subn(
            rf"^{key} = .*$", lambda _, line=f'{key} = "{value}"': line, configuration, flags=re.M
        )
        assert count == 1, key
    secret = folder / "secret"
    secret.write_text(CLIENT_SECRET)
    secret.chmod(0o600)
    path = folder / "lightbox.toml"
    path.write_text(f'{configuration}algorithms = ["ES256"]\n')
    path.chmod(0o600)
    return path


def test_the_command_tries_what_a_sign_in_needs(provider: OidcProvider, tmp_path: Path) -> None:
    def run(*arguments: str, **values: str) -> tuple[int, list[dict[str, Any]]]:
        config = documented(tmp_path, provider, **values)
        done = CliRunner().invoke(oidc.app, ["test", "hospital", "--json", "--config", str(config)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, json.loads(done.stdout)

    code, steps = run()
    assert code == 0, steps
    assert [step["name"] for step in steps] == [
        "discovery",
        "keys",
        "client",
        "sign-out there",
        "groups",
        "second factor",
    ]
    code, steps = run(issuer=f"{provider.issuer}/")
    assert (code, steps[-1]["ok"]) == (1, False), "the issuer is compared letter by letter"
    code, steps = run(client_id="unknown")
    assert code == 1
    assert [step["name"] for step in steps if not step["ok"]] == ["client"]
    assert all(step["next_step"] for step in steps if not step["ok"])
    code, steps = run(issuer="https://localhost:9")
    assert (code, steps[-1]["ok"]) == (1, False)
