"""The client with a real OpenLDAP server: TLS, people, groups, pages, and servers that hang or die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from display_server.broker.directory.account_state import AccountState, BindOutcome
from display_server.broker.directory.client import DirectoryClient
from display_server.broker.directory.connection import LdapConnection
from display_server.broker.directory.errors import DirectoryAway, DirectoryRefused, DirectoryUnclear
from display_server.broker.directory.messages import ResultCode
from display_server.broker.directory.people import PeopleQueries
from display_server.broker.directory.server_choice import RETRY_S, ServerState
from display_server.broker.directory.settings import DirectorySettings
from tests.fakes.slapd import (
    ACTIVE_DIRECTORY,
    GROUPS,
    NURSES,
    PASSWORD,
    Slapd,
    free_port,
    settings_for,
)
from tests.integration.directory.conftest import Monotonic, client_of

Settings = Callable[..., DirectorySettings]
Servers = tuple[Slapd, Slapd]


async def outcome(client: DirectoryClient, username: str, password: str = PASSWORD) -> BindOutcome | None:
    """Returns what the password proves; None if there is no such person."""
    person = await client.find(username)
    return (await client.check_password(person, password)).outcome if person is not None else None


@pytest.mark.parametrize("transport", ["tls_url", "start_tls_url", "socket_url"])
async def test_passwords_are_checked_over_every_transport(servers: Servers, transport: str) -> None:
    first, _ = servers
    settings = settings_for([getattr(first, transport)], first.folder / "ca.pem")
    async with client_of(settings) as client:
        assert await outcome(client, "kim") is BindOutcome.RIGHT
        assert await outcome(client, "kim", "wrong") is BindOutcome.WRONG
        assert await outcome(client, "nobody") is None


async def test_an_empty_password_proves_nothing_although_this_server_accepts_it(settings: Settings) -> None:
    async with client_of(settings()) as client:
        assert await outcome(client, "kim", "") is BindOutcome.WRONG


async def test_a_person_has_a_korean_name_and_an_id_that_both_servers_share(
    servers: Servers, settings: Settings
) -> None:
    ids = set()
    for server in servers:
        async with client_of(settings_for([server.tls_url], servers[0].folder / "ca.pem")) as client:
            person = await client.find("kim")
            assert person is not None
            assert (person.display_name, person.state) == ("김민수", AccountState.ACTIVE)
            ids.add(person.directory_id)
    assert len(ids) == 1


async def test_names_are_found_in_any_case_and_kept_in_lower_case(settings: Settings) -> None:
    async with client_of(settings()) as client:
        person = await client.find("park")
        assert person is not None
        assert person.username == "park"


@pytest.mark.parametrize("typed", ["*", "k*", "kim)(uid=*", r"kim\2a", "kim,ou=people", "\x00", "김민수"])
async def test_special_characters_find_nobody(settings: Settings, typed: str) -> None:
    async with client_of(settings()) as client:
        assert await client.find(typed) is None


async def test_a_name_that_two_people_have_is_nobody(settings: Settings) -> None:
    async with client_of(settings()) as client:
        with pytest.raises(DirectoryUnclear, match="several people"):
            await client.find("twin")


async def test_an_account_whose_time_is_over_shows_that(settings: Settings) -> None:
    async with client_of(settings()) as client:
        person = await client.find("gone")
        assert person is not None
        assert person.state is AccountState.EXPIRED


async def test_states_of_active_directory(settings: Settings) -> None:
    found = settings(
        kind="active-directory",
        people_base=ACTIVE_DIRECTORY,
        people_filter="(objectClass=user)",
        nested_groups=False,
    )
    async with client_of(found) as client:
        people = await client.find_all(["choi", "off", "over", "new", "nobody"])
        assert {name: person.state for name, person in people.items()} == {
            "choi": AccountState.ACTIVE,
            "off": AccountState.DISABLED,
            "over": AccountState.EXPIRED,
            "new": AccountState.MUST_CHANGE_PASSWORD,
        }
        assert people["choi"].password_changed_s is not None
        assert len(people["choi"].directory_id) == len("936da01f-9abd-4d9d-80c7-02af85c822a8")


async def test_groups_in_groups_are_followed_and_circles_end(settings: Settings) -> None:
    async with client_of(settings()) as client:
        kim, lee = await client.find("kim"), await client.find("lee")
        assert kim is not None
        assert lee is not None
        assert await client.groups_of(kim) == ("doctors", "radiologists", "staff", "영상의학과")
        assert await client.groups_of(lee) == ("doctors", "staff")
    async with client_of(settings(nested_groups=False)) as client:
        assert await client.groups_of(kim) == ("radiologists", "영상의학과")


async def test_people_can_be_those_of_a_group(settings: Settings) -> None:
    """The overlay memberof gives each entry the groups that it belongs to."""
    members = settings(people_filter=f"(&(objectClass=inetOrgPerson)(memberOf=cn=radiologists,{GROUPS}))")
    async with client_of(members) as client:
        assert await client.find("kim") is not None
        assert await client.find("lee") is None


async def test_everybody_is_found_in_pages_and_refused_without(settings: Settings) -> None:
    found = settings()
    search = PeopleQueries(found).search_of_everybody()
    connection = await LdapConnection.open(found.servers[0], found.tls, connect_s=2, answer_s=10)
    try:
        assert (await connection.bind(found.bind_dn, found.bind_password)).successful
        with pytest.raises(DirectoryRefused) as refused:
            await connection.search(search)
        assert refused.value.code == ResultCode.SIZE_LIMIT_EXCEEDED
        names = {entry.text("uid") for entry in await connection.search(search, page_size=300)}
    finally:
        connection.close()
    assert {f"nurse{number}" for number in range(NURSES)} <= names


async def test_many_people_are_asked_about_in_parts(settings: Settings) -> None:
    names = [f"nurse{number}" for number in range(250)]
    async with client_of(settings()) as client:
        assert set(await client.find_all([*names, "nobody"])) == set(names)
        assert await client.has_anybody()


async def test_a_server_without_a_valid_certificate_is_not_used(servers: Servers, tmp_path: Path) -> None:
    first, _ = servers
    for settings in (
        settings_for([first.tls_url], None),
        settings_for([first.start_tls_url], None),
    ):
        async with client_of(settings) as client:
            with pytest.raises(DirectoryAway, match="certificate is not valid") as away:
                await client.find("kim")
            assert "ca_file" in away.value.next_step


async def test_a_wrong_password_of_the_service_is_reported_as_that(servers: Servers) -> None:
    first, _ = servers
    settings = settings_for([first.tls_url], first.folder / "ca.pem", bind_dn=f"cn=other,{GROUPS}")
    async with client_of(settings) as client:
        with pytest.raises(DirectoryAway, match="bind_dn"):
            await client.find("kim")


async def test_sixteen_hundred_sign_ins_use_eight_connections(settings: Settings) -> None:
    async with client_of(settings(answer_seconds=30)) as client:
        proved = await asyncio.gather(*(outcome(client, f"nurse{number}") for number in range(NURSES)))
        assert set(proved) == {BindOutcome.RIGHT}
        assert client.connections_opened <= 8


async def test_a_dead_server_is_left_out_until_a_probe_finds_it(servers: Servers, settings: Settings) -> None:
    first, _ = servers
    clock = Monotonic()
    async with client_of(settings(), clock) as client:
        first.kill()
        try:
            for _ in range(3):
                assert await outcome(client, "kim") is BindOutcome.RIGHT
            assert client.server_states[first.tls_url] is ServerState.DOWN
            clock.now_s += RETRY_S
            await client.probe()
            assert client.server_states[first.tls_url] is ServerState.DOWN
        finally:
            first.start()
        clock.now_s += RETRY_S
        await client.probe()
        assert client.server_states[first.tls_url] is ServerState.UP
        assert not client.away


async def test_a_connection_that_the_server_has_closed_is_replaced(servers: Servers) -> None:
    first, _ = servers
    async with client_of(settings_for([first.tls_url], first.folder / "ca.pem")) as client:
        assert await outcome(client, "kim") is BindOutcome.RIGHT
        first.kill()
        first.start()
        assert await outcome(client, "kim") is BindOutcome.RIGHT
        assert client.server_states[first.tls_url] is ServerState.UP


async def test_a_server_that_hangs_delays_those_who_were_there_and_nobody_afterwards(
    servers: Servers, settings: Settings
) -> None:
    first, _ = servers
    clock = Monotonic()
    async with client_of(settings(connect_seconds=0.3, answer_seconds=0.3), clock) as client:
        assert await outcome(client, "kim") is BindOutcome.RIGHT
        first.hang()
        try:
            proved = await asyncio.gather(*(outcome(client, f"nurse{number}") for number in range(40)))
            assert set(proved) == {BindOutcome.RIGHT}
            assert client.server_states[first.tls_url] is ServerState.DOWN
            opened = client.connections_opened
            for number in range(10):
                assert await outcome(client, f"nurse{number}") is BindOutcome.RIGHT
            assert client.connections_opened == opened, "nobody tries the first server"
        finally:
            first.go_on()
        clock.now_s += RETRY_S
        await client.probe()
        assert client.server_states[first.tls_url] is ServerState.UP


async def test_without_any_server_the_directory_is_away_and_asks_nobody(settings: Settings) -> None:
    nowhere = [f"ldaps://127.0.0.1:{free_port()}" for _ in range(2)]
    async with client_of(settings(servers=nowhere)) as client:
        with pytest.raises(DirectoryAway):
            await client.find("kim")
        assert client.away
        with pytest.raises(DirectoryAway, match="No server"):
            await client.find("kim")
