"""A directory without a server: its people are a dictionary, and it fails when the test says so."""

from __future__ import annotations

from collections.abc import Sequence

from display_server.broker.directory.account_state import BindOutcome
from display_server.broker.directory.client import BindAnswer, DirectoryClient
from display_server.broker.directory.errors import DirectoryAway, DirectoryError
from display_server.broker.directory.people import Person
from tests.unit.broker.directory.settings import directory_settings


class FakeDirectory(DirectoryClient):
    """All people have the password in `password`, unless `outcomes` says what a bind proves."""

    def __init__(self, people: Sequence[Person] = (), password: str = "right password") -> None:
        super().__init__(directory_settings())
        self.people = {person.username: person for person in people}
        self.password = password
        self.outcomes: dict[str, BindAnswer] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.binds: list[str] = []
        self.searches = 0
        #: Raised by every question, if it is set.
        self.failure: DirectoryError | None = None

    @property
    def away(self) -> bool:
        return isinstance(self.failure, DirectoryAway)

    def fail(self) -> None:
        self.failure = DirectoryAway("No server answers.", next_step="Wait.")

    async def find(self, username: str) -> Person | None:
        return (await self.find_all([username])).get(username)

    async def find_all(self, usernames: Sequence[str]) -> dict[str, Person]:
        self._question()
        return {name: self.people[name] for name in usernames if name in self.people}

    async def has_anybody(self) -> bool:
        self._question()
        return bool(self.people)

    async def check_password(self, person: Person, password: str) -> BindAnswer:
        self._question()
        self.binds.append(person.username)
        if person.username in self.outcomes:
            return self.outcomes[person.username]
        return BindAnswer(BindOutcome.RIGHT if password == self.password else BindOutcome.WRONG, "")

    async def groups_of(self, person: Person) -> tuple[str, ...]:
        self._question()
        return self.groups.get(person.username, ())

    def _question(self) -> None:
        self.searches += 1
        if self.failure is not None:
            raise self.failure
