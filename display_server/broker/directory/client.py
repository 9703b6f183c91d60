"""Asks the directory: finds people and their groups, and checks passwords, with any of its servers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from display_server.broker.directory.account_state import BindOutcome, bind_outcome, reason_code
from display_server.broker.directory.connection import LdapConnection
from display_server.broker.directory.errors import (
    DirectoryAway,
    DirectoryError,
    DirectoryRefused,
    DirectoryUnclear,
)
from display_server.broker.directory.messages import Entry, ResultCode, Search
from display_server.broker.directory.people import (
    GROUP_LEVELS_MAX,
    GROUPS_MAX,
    NAMES_PER_SEARCH,
    Group,
    GroupWalk,
    PeopleQueries,
    Person,
)
from display_server.broker.directory.pool import ConnectionPool
from display_server.broker.directory.server_choice import ServerChoice, ServerState
from display_server.broker.directory.settings import DirectorySettings, ServerAddress

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Server:
    """One server, with connections as the service account and others for the passwords of people."""

    address: ServerAddress
    searches: ConnectionPool
    binds: ConnectionPool


@dataclass(frozen=True, slots=True)
class BindAnswer:
    """What a password proves, and the directory's code for a refusal, such as 52e."""

    outcome: BindOutcome
    reason: str


class DirectoryClient:
    """All methods raise DirectoryAway when no server answers, and DirectoryError for other failures.

    `now_s` is wall-clock time, `monotonic_s` a clock that never goes back, both in seconds.
    """

    def __init__(
        self,
        settings: DirectorySettings,
        *,
        now_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._queries = PeopleQueries(settings)
        self._now_s = now_s
        self._monotonic_s = monotonic_s
        self._choice = ServerChoice(len(settings.servers))
        self._servers = [self._server(number) for number in range(len(settings.servers))]

    @property
    def away(self) -> bool:
        """Whether no server answers at the moment."""
        return self._choice.all_down

    @property
    def server_states(self) -> dict[str, ServerState]:
        return {
            str(server.address): self._choice.state_of(number) for number, server in enumerate(self._servers)
        }

    @property
    def connections_opened(self) -> int:
        return sum(server.searches.opened + server.binds.opened for server in self._servers)

    async def find(self, username: str) -> Person | None:
        """Returns the person with this username, which is in lower case, or None.

        Raises DirectoryUnclear when two entries have it.
        """
        people = (await self._find([username])).get(username, [])
        if len(people) > 1:
            raise DirectoryUnclear(
                f"The directory has several people with the username {username!r}.",
                next_step="Set a narrower `directory.people_base` or `directory.people_filter`.",
            )
        return people[0] if people else None

    async def find_all(self, usernames: Sequence[str]) -> dict[str, Person]:
        """Returns those of these people whom the directory has once, by their usernames."""
        found = await self._find(usernames)
        return {name: people[0] for name, people in found.items() if len(people) == 1}

    async def has_anybody(self) -> bool:
        """Returns whether the directory shows any person at all."""
        return bool(await self._search(self._queries.search_of_anybody()))

    async def check_password(self, person: Person, password: str) -> BindAnswer:
        """Returns what the password proves. An empty one is never sent, because it would prove nothing."""
        if not password or not person.dn.strip():
            return BindAnswer(BindOutcome.WRONG, "")

        async def bind(connection: LdapConnection) -> BindAnswer:
            result = await connection.bind(person.dn, password)
            outcome = bind_outcome(result)
            assert outcome is not None  # `bind` returns nothing else
            return BindAnswer(outcome, reason_code(result))

        return await self._with_server(lambda server: server.binds.use(bind))

    async def groups_of(self, person: Person) -> tuple[str, ...]:
        """Returns the names of the person's groups, with those that contain their groups if so configured.

        Raises DirectoryUnclear when there are more than are followed: a part of them could lack the one that
        forbids something.
        """
        walk = GroupWalk(person.dn)
        while members := walk.next_members():
            groups: list[Group] = []
            for part in members:
                search = self._queries.search_of_groups(part)
                groups += self._queries.groups(await self._search(search, self._settings.page_size))
            walk.found(groups)
            if walk.exceeded:
                raise DirectoryUnclear(
                    f"{person.username} belongs to more than {GROUPS_MAX} groups, or to groups in more than "
                    f"{GROUP_LEVELS_MAX} levels.",
                    next_step="Set a narrower `directory.groups_base` or `directory.groups_filter`.",
                )
            if not self._queries.level_by_level:
                break
        return walk.names

    async def probe(self) -> None:
        """Tries the servers that are down and due, so that no person has to wait for them."""
        for number in self._choice.due_probes(self._monotonic_s()):
            try:
                connection = await self._open_for_searches(number)
                try:
                    await connection.search(self._queries.search_of_anybody())
                finally:
                    connection.close()
            except DirectoryError as error:
                self._choice.failed(number, self._monotonic_s())
                log.debug(
                    "directory server still away",
                    server=str(self._servers[number].address),
                    cause=error.cause,
                )
            except BaseException:
                self._choice.failed(number, self._monotonic_s())
                raise
            else:
                self._note_success(number)

    def close(self) -> None:
        for server in self._servers:
            server.searches.close()
            server.binds.close()

    async def _find(self, usernames: Sequence[str]) -> dict[str, list[Person]]:
        """Returns the entries of these people, by their usernames."""
        found: dict[str, list[Person]] = {}
        for at in range(0, len(usernames), NAMES_PER_SEARCH):
            part = usernames[at : at + NAMES_PER_SEARCH]
            search = self._queries.search_of(part)
            entries = await self._search(search, 0 if search.size_limit else self._settings.page_size)
            by_username = self._queries.by_username(entries, self._now_s())
            found |= {name: by_username[name] for name in part if name in by_username}
        return found

    async def _search(self, search: Search, page_size: int = 0) -> list[Entry]:
        return await self._with_server(
            lambda server: server.searches.use(lambda connection: connection.search(search, page_size))
        )

    async def _with_server(self, operation: Callable[[_Server], Awaitable[T]]) -> T:
        """Runs an operation with the first server that answers."""
        failure: DirectoryAway | None = None
        for number in self._choice.usable():
            server = self._servers[number]
            try:
                answer = await operation(server)
            except DirectoryAway as error:
                failure = error
                self._note_failure(number, error)
            else:
                self._note_success(number)
                return answer
        raise failure or DirectoryAway(
            "No server of the directory answers.", next_step="`lightbox directory test` says what is wrong."
        )

    def _note_failure(self, number: int, error: DirectoryError) -> None:
        if self._choice.failed(number, self._monotonic_s()):
            server = self._servers[number]
            server.searches.close()
            server.binds.close()
            log.error(
                "directory server away",
                server=str(server.address),
                cause=error.cause,
                next_step=error.next_step,
                others_left=len(self._choice.usable()),
            )

    def _note_success(self, number: int) -> None:
        if self._choice.succeeded(number):
            log.info("directory server answers again", server=str(self._servers[number].address))

    def _server(self, number: int) -> _Server:
        size = self._settings.connections // 2

        def usable() -> bool:
            return self._choice.state_of(number) is ServerState.UP

        return _Server(
            self._settings.servers[number],
            ConnectionPool(
                lambda: self._open_for_searches(number), size, usable=usable, now_s=self._monotonic_s
            ),
            ConnectionPool(lambda: self._open(number), size, usable=usable, now_s=self._monotonic_s),
        )

    async def _open(self, number: int) -> LdapConnection:
        settings = self._settings
        return await LdapConnection.open(
            settings.servers[number], settings.tls, connect_s=settings.connect_s, answer_s=settings.answer_s
        )

    async def _open_for_searches(self, number: int) -> LdapConnection:
        """Opens a connection as the service account. Raises DirectoryAway also if that is refused there."""
        settings = self._settings
        try:
            connection = await self._open(number)
            result = await connection.bind(settings.bind_dn, settings.bind_password)
            if result.successful:
                return connection
            connection.close()
        except DirectoryRefused as error:
            raise DirectoryAway(error.cause, next_step=error.next_step) from error
        raise DirectoryAway(
            f"The directory server {settings.servers[number]} refuses the account of `directory.bind_dn` "
            f"with code {int(ResultCode.INVALID_CREDENTIALS)}.",
            next_step="Check `directory.bind_dn` and the password in the file of "
            "`directory.bind_password_file`: the password may have expired.",
        )
