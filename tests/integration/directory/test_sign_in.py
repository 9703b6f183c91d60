"""Signing in, leaving and downtime over HTTP, with real directory servers."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from display_server.broker.directory.directory import Directory
from display_server.broker.directory.server_choice import RETRY_S
from display_server.broker.directory.settings import DirectorySettings
from display_server.broker.people.groups import Groups
from tests.fakes.gateway import MAY_READ_METRICS, GatewayUnderTest, running_gateway
from tests.fakes.gateway import PASSWORD as LOCAL_PASSWORD
from tests.fakes.launchers import EchoLauncher
from tests.fakes.slapd import PASSWORD, PEOPLE, Slapd, person_entry

Servers = tuple[Slapd, Slapd]


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lb") as path:
        yield Path(path)


@pytest.fixture
async def gateway(
    folder: Path, settings: Callable[..., DirectorySettings]
) -> AsyncIterator[GatewayUnderTest]:
    """A gateway with the local accounts kim and lee, and a directory that has people of these names too."""
    found = settings(connect_seconds=0.5, answer_seconds=0.5, cached_sign_in_hours=8)
    async with running_gateway(folder, EchoLauncher(), served=False, directory=found) as running:
        yield running


def directory_of(gateway: GatewayUnderTest) -> Directory:
    assert gateway.services.directory is not None
    return gateway.services.directory


async def sign_in(
    client: httpx2.AsyncClient, username: str, password: str = PASSWORD
) -> tuple[int, dict[str, str]]:
    answer = await client.post("/api/v1/sign-in", json={"username": username, "password": password})
    return answer.status_code, answer.json()


@pytest.mark.parametrize("username", [r"HOSPITAL\Park", "PARK@hospital.example", "park"])
async def test_a_person_signs_in_by_any_form_of_the_name(gateway: GatewayUnderTest, username: str) -> None:
    client = gateway.in_process_client()
    status, answer = await sign_in(client, username)
    assert (status, answer["username"], answer["display_name"]) == (200, "park", "박지훈")
    names = [desktop["name"] for desktop in (await client.get("/api/v1/desktops")).json()]
    assert names == ["office"], "everybody with an account may open it"
    assert set(await Groups(gateway.services.store).of_person("park")) == {"staff", "doctors"}


async def test_a_local_account_is_never_that_of_the_directory(gateway: GatewayUnderTest) -> None:
    client = gateway.in_process_client()
    assert (await sign_in(client, "kim"))[0] == 401
    status, answer = await sign_in(client, "kim", LOCAL_PASSWORD)
    assert (status, answer["display_name"]) == (200, "kim")


async def test_forms_of_a_name_share_their_failed_attempts(gateway: GatewayUnderTest) -> None:
    client = gateway.in_process_client()
    for username in (r"HOSPITAL\nurse1", "nurse1", "NURSE1", "nurse1@hospital.example", "Nurse1"):
        assert (await sign_in(client, username, "wrong"))[0] == 401
    assert (await sign_in(client, "nurse1"))[0] == 429


async def test_an_account_whose_time_is_over_learns_that_only_with_its_password(
    gateway: GatewayUnderTest,
) -> None:
    client = gateway.in_process_client()
    assert (await sign_in(client, "gone", "wrong"))[1]["code"] == "wrong-credentials"
    status, answer = await sign_in(client, "gone")
    assert (status, answer["code"]) == (403, "account-disabled")


async def test_a_password_of_the_directory_cannot_be_changed_here(gateway: GatewayUnderTest) -> None:
    client = gateway.in_process_client()
    await sign_in(client, "nurse2")
    answer = await client.post(
        "/api/v1/me/password", json={"old": PASSWORD, "new": "Tulips-Umbrella-Ferry-88"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "password-of-directory")
    assert (await sign_in(client, "nurse2"))[0] == 200


async def test_leavers_are_signed_out(gateway: GatewayUnderTest, servers: Servers) -> None:
    disabled, deleted, other = (gateway.in_process_client() for _ in range(3))
    for server in servers:
        server.change(person_entry("leaver", "퇴직 예정"))
    try:
        for client, username in ((disabled, "nurse10"), (deleted, "leaver"), (other, "nurse11")):
            assert (await sign_in(client, username))[0] == 200
        for server in servers:
            server.change(
                f"dn: uid=nurse10,{PEOPLE}\nchangetype: modify\n"
                "add: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n"
            )
            server.delete(f"uid=leaver,{PEOPLE}")
        watch = directory_of(gateway).watch
        await watch.run_once()
        assert (await disabled.get("/api/v1/me")).status_code == 401
        await watch.run_once()
        assert (await deleted.get("/api/v1/me")).status_code == 401
        assert (await other.get("/api/v1/me")).status_code == 200
        assert (await sign_in(disabled, "nurse10"))[0] in (401, 403)
        assert (await sign_in(deleted, "leaver"))[0] == 401
    finally:
        for server in servers:
            server.change(f"dn: uid=nurse10,{PEOPLE}\nchangetype: modify\ndelete: pwdAccountLockedTime\n")


async def test_an_outage_leaves_people_signed_in_and_says_what_does_not_work(
    gateway: GatewayUnderTest, servers: Servers
) -> None:
    signed_in, admin, new = (gateway.in_process_client() for _ in range(3))
    assert (await sign_in(signed_in, "nurse20"))[0] == 200
    assert (await new.get("/api/v1/downtime")).json() == {
        "directory_away": False,
        "cached_sign_in_hours": 8,
    }
    for server in servers:
        server.kill()
    try:
        status, answer = await sign_in(new, "nurse21")
        assert (status, answer["code"]) == (503, "directory-away")
        assert (await new.get("/api/v1/downtime")).json()["directory_away"] is True
        health = await new.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert [reason["code"] for reason in health.json()["reasons"]] == ["directory-away"]
        await directory_of(gateway).watch.run_once()
        assert (await signed_in.get("/api/v1/me")).status_code == 200
        await signed_in.post("/api/v1/lock")
        wrong = await signed_in.post("/api/v1/unlock", json={"password": "wrong"})
        assert (wrong.status_code, wrong.json()["code"]) == (503, "directory-away")
        assert (await signed_in.post("/api/v1/unlock", json={"password": PASSWORD})).status_code == 200
        assert (await sign_in(new, r"HOSPITAL\nurse20"))[0] == 200, "with the cached password"
        assert (await sign_in(admin, "kim", LOCAL_PASSWORD))[0] == 200
        page = (await admin.get("/metrics", headers=MAY_READ_METRICS)).text
        assert page.count("lightbox_directory_server_up{") == 2
        assert 'lightbox_sign_ins_total{result="unchecked"}' in page
    finally:
        for server in servers:
            server.start()


async def test_the_background_task_finds_the_directory_again(
    gateway: GatewayUnderTest, servers: Servers
) -> None:
    client = gateway.in_process_client()
    for server in servers:
        server.kill()
    try:
        assert (await sign_in(client, "nurse30"))[0] == 503
    finally:
        for server in servers:
            server.start()
    directory = directory_of(gateway)
    clock_s = directory.client._monotonic_s()  # the test moves the clock instead of waiting
    directory.client._monotonic_s = lambda: clock_s + RETRY_S
    await directory.client.probe()
    assert directory.problems() == []
    assert (await sign_in(client, "nurse30"))[0] == 200
