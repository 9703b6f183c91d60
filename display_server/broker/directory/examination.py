"""`lightbox directory test`: tries every step of a sign-in with each server, and says what is wrong."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from display_server.broker.accounts import USERNAME
from display_server.broker.directory.account_state import AccountState
from display_server.broker.directory.client import DirectoryClient
from display_server.broker.directory.connection import LdapConnection
from display_server.broker.directory.errors import DirectoryError
from display_server.broker.directory.messages import Search
from display_server.broker.directory.names import account_name
from display_server.broker.directory.people import PeopleQueries, Person
from display_server.broker.directory.settings import DirectorySettings, ServerAddress

#: A certificate that expires within this time is reported, s.
EXPIRES_SOON_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one step with one server."""

    server: str
    name: str
    ok: bool
    found: str  # in words
    next_step: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def as_line(self) -> str:
        line = f"{'ok    ' if self.ok else 'FAILED'}  {self.name}: {self.found}"
        return line if self.ok or not self.next_step else f"{line}\n        → {self.next_step}"


async def examine(
    settings: DirectorySettings, typed_name: str | None, *, now_s: Callable[[], float] = time.time
) -> AsyncIterator[Step]:
    """Yields the outcome of each step, server by server. Without a name, nobody's account is looked at."""
    for server in settings.servers:
        async for step in _examine_server(settings, server, typed_name, now_s):
            yield step


async def _examine_server(
    settings: DirectorySettings, server: ServerAddress, typed_name: str | None, now_s: Callable[[], float]
) -> AsyncIterator[Step]:
    name = str(server)
    try:
        connection = await LdapConnection.open(
            server, settings.tls, connect_s=settings.connect_s, answer_s=settings.answer_s
        )
    except DirectoryError as error:
        yield Step(name, "connection", False, error.cause, error.next_step)
        return
    try:
        yield Step(name, "connection", True, "it answers")
        if (certificate := connection.certificate()) is not None:
            yield _certificate(name, certificate, now_s())
        try:
            result = await connection.bind(settings.bind_dn, settings.bind_password)
        except DirectoryError as error:
            yield Step(name, "bind", False, error.cause, error.next_step)
            return
        if not result.successful:
            yield Step(
                name,
                "bind",
                False,
                f"the account {settings.bind_dn} is refused: {result.diagnostic or 'wrong name or password'}",
                "Check `directory.bind_dn` and the password in the file of `directory.bind_password_file`.",
            )
            return
        yield Step(name, "bind", True, f"as {settings.bind_dn}")
        yield await _step(name, "people", lambda: _people(connection, settings))
        yield await _step(name, "groups", lambda: _groups(connection, settings))
    finally:
        connection.close()
    if typed_name is not None:
        async for step in _examine_person(settings, server, typed_name, now_s):
            yield step


async def _step(server: str, name: str, work: Callable[[], Awaitable[tuple[bool, str, str]]]) -> Step:
    try:
        ok, found, next_step = await work()
    except DirectoryError as error:
        return Step(server, name, False, error.cause, error.next_step)
    return Step(server, name, ok, found, next_step)


def _certificate(server: str, certificate: dict[str, object], now_s: float) -> Step:
    until = str(certificate.get("notAfter", ""))
    left_s = ssl.cert_time_to_seconds(until) - now_s
    return Step(
        server,
        "certificate",
        left_s > EXPIRES_SOON_S,
        f"valid, expires {until}",
        "Renew the certificate of the directory server soon: nobody can sign in when it has expired.",
    )


async def _people(connection: LdapConnection, settings: DirectorySettings) -> tuple[bool, str, str]:
    entries = await connection.search(PeopleQueries(settings).search_of_everybody(), settings.page_size)
    names = [entry.text(settings.username_attribute).strip().lower() for entry in entries]
    unusable = [name for name in names if not USERNAME.fullmatch(name)]
    if not entries:
        return (
            False,
            f"nobody below {settings.people_base}",
            "Check `directory.people_base` and `directory.people_filter`, and what the account of "
            "`directory.bind_dn` may read.",
        )
    found = f"{len(entries)} below {settings.people_base}"
    if len(unusable) == len(names):
        return (
            False,
            f"{found}, none of them with a username in {settings.username_attribute}",
            "Set `directory.username_attribute` to the attribute that people type to sign in.",
        )
    if unusable:
        found += f"; {len(unusable)} of them cannot sign in, because their username has other characters"
    return True, found, ""


async def _groups(connection: LdapConnection, settings: DirectorySettings) -> tuple[bool, str, str]:
    attribute = settings.group_name_attribute
    entries = await connection.search(
        Search(settings.groups_base, settings.groups_filter, (attribute,)), settings.page_size
    )
    if not entries:
        return (
            False,
            f"none below {settings.groups_base}",
            "Check `directory.groups_base` and `directory.groups_filter`.",
        )
    return True, f"{len(entries)} below {settings.groups_base}", ""


async def _examine_person(
    settings: DirectorySettings, server: ServerAddress, typed_name: str, now_s: Callable[[], float]
) -> AsyncIterator[Step]:
    """Looks for a person as a sign-in would, with this server alone."""
    client = DirectoryClient(replace(settings, servers=(server,)), now_s=now_s)
    name = account_name(typed_name, settings.domains)
    found: list[Person] = []

    async def look() -> tuple[bool, str, str]:
        if not USERNAME.fullmatch(name):
            return (
                False,
                f"{typed_name!r} is no username",
                "Write it as people do to sign in; `directory.domains` lists the domains that are removed.",
            )
        person = await client.find(name)
        if person is None:
            return (
                False,
                f"nobody has the username {name!r}",
                "Check the name, `directory.username_attribute`, `directory.people_base` and "
                "`directory.people_filter`.",
            )
        found.append(person)
        words = f"{person.dn}, {person.display_name}, account {person.state.value}"
        if person.locked_out:
            words += ", was locked after too many wrong passwords"
        if not person.directory_id:
            return False, words, f"Let the account of `directory.bind_dn` read {settings.id_attribute}."
        if person.state is not AccountState.ACTIVE:
            return False, words, "Enable the account, or set a new password, in the directory."
        return True, words, ""

    async def groups() -> tuple[bool, str, str]:
        names = await client.groups_of(found[0])
        return True, ", ".join(names) or "none", ""

    try:
        yield await _step(str(server), f"person {name}", look)
        if found:
            yield await _step(str(server), f"groups of {name}", groups)
    finally:
        client.close()
